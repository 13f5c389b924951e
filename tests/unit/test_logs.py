"""What the hub logs shows no secret, whoever logged it."""

import json
import logging
from io import StringIO
from typing import Any

import pytest
import structlog

from firstline.cli import logs
from firstline.masking import MASK, Masker

SECRET = "correct-horse-battery"


@pytest.fixture
def log(logs_restored: None) -> StringIO:
    logging.getLogger().handlers = []
    written = StringIO()
    logs.configure(Masker([SECRET]), written)
    return written


def lines(log: StringIO) -> list[dict[str, Any]]:
    shown = log.getvalue()
    assert SECRET not in shown
    return [json.loads(line) for line in shown.splitlines()]


def test_a_line_is_masked_in_every_value_however_deep(log: StringIO) -> None:
    error = RuntimeError(f"refused {SECRET}")
    structlog.get_logger().warning("sent", words=[f"x {SECRET}"], error=error, more={"token": "any"}, count=3)
    (line,) = lines(log)
    assert line["words"] == [f"x {MASK}"]
    assert (line["error"], line["more"], line["count"]) == (f"refused {MASK}", {"token": MASK}, 3)
    assert line["level"] == "warning"


def test_the_trace_of_an_exception_is_masked(log: StringIO) -> None:
    try:
        raise RuntimeError(SECRET)
    except RuntimeError:
        structlog.get_logger().exception("failed")
        logging.getLogger("some.library").exception("failed too")
    own, foreign = lines(log)
    assert f"RuntimeError: {MASK}" in own["exception"]
    assert f"RuntimeError: {MASK}" in foreign["exception"]


@pytest.mark.parametrize("name", ["uvicorn.error", "dbos", "apscheduler"])
def test_a_library_logs_in_the_same_form(log: StringIO, name: str) -> None:
    logging.getLogger(name).error("can't reach %s", SECRET)
    (line,) = lines(log)
    assert (line["event"], line["level"]) == (f"can't reach {MASK}", "error")
