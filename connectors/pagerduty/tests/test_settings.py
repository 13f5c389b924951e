from typing import Any

import pytest
from pydantic import ValidationError

from firstline_pagerduty.settings import PagerDutySettings

GOOD: dict[str, Any] = {"token": "t", "from_email": "firstline@example.com", "webhook_secrets": "s"}


def settings(**changes: Any) -> PagerDutySettings:
    return PagerDutySettings.model_validate(GOOD | changes)


def test_one_secret_may_stand_without_a_list() -> None:
    assert [secret.get_secret_value() for secret in settings().webhook_secrets] == ["s"]


def test_several_secrets_stand_in_a_list() -> None:
    assert len(settings(webhook_secrets=["old", "new"]).webhook_secrets) == 2


@pytest.mark.parametrize(
    "url", ["https://api.eu.pagerduty.com/", "http://127.0.0.1:8080", "http://localhost", "http://[::1]:1"]
)
def test_an_address_that_is_encrypted_or_on_this_machine_is_taken(url: str) -> None:
    assert settings(base_url=url).base_url == url.rstrip("/")


@pytest.mark.parametrize(
    "wrong",
    [
        {"base_url": "http://api.pagerduty.com"},
        {"base_url": "http://127.0.0.1.example.com"},
        {"base_url": "ftp://127.0.0.1"},
        {"base_url": "api.pagerduty.com"},
        {"token": ""},
        {"from_email": "firstline"},
        {"webhook_secrets": []},
        {"webhook_secrets": [""]},
        {"webhook_secrets": ""},
        {"timeout": 0},
        {"tokn": "t"},
    ],
)
def test_settings_that_can_not_work_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        settings(**wrong)
