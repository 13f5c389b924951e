from datetime import UTC, datetime

import pytest

from firstline.errors import FirstlineError, Rejected, Unauthorized, Unavailable
from firstline.http import error_for, retry_after

NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (301, Rejected),
        (400, Rejected),
        (401, Unauthorized),
        (403, Rejected),
        (404, Rejected),
        (408, Unavailable),
        (409, Rejected),
        (423, Unavailable),
        (425, Unavailable),
        (429, Unavailable),
        (500, Unavailable),
        (503, Unavailable),
        (599, Unavailable),
    ],
)
def test_a_status_is_the_error_that_says_what_happens_next(status: int, error: type[FirstlineError]) -> None:
    assert type(error_for(status, "", {}, "GET /x")) is error


def test_an_error_quotes_the_vendor_in_part() -> None:
    message = str(error_for(400, "Invalid\n  field " + "x" * 10_000, {}, "POST /incident"))
    assert message.startswith("POST /incident answered 400: Invalid field xxx")
    assert len(message) < 600


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7.0),
        ("Sun, 01 Mar 2026 12:00:30 GMT", 30.0),
        ("Sun, 01 Mar 2026 11:00:00 GMT", 0.0),
        ("Sun, 01 Mar 2026 12:00:30 -0000", 30.0),
        ("²", None),
        ("soon", None),
        ("", None),
    ],
)
def test_retry_after_is_read_as_seconds_or_as_a_date(value: str, seconds: float | None) -> None:
    assert retry_after({"Retry-After": value}, NOW) == seconds


def test_the_name_of_the_header_is_found_in_any_case() -> None:
    assert retry_after({"rEtRy-AfTeR": "3"}) == 3
