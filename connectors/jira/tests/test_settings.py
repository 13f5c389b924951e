from typing import Any

import pytest
from pydantic import ValidationError

from firstline_jira.settings import JiraSettings

GOOD: dict[str, Any] = {
    "base_url": "https://e.atlassian.net/",
    "user": "hub@example.com",
    "api_token": "t",
    "webhook_secrets": "one",
}


def test_one_secret_or_several_may_be_given() -> None:
    assert len(JiraSettings.model_validate(GOOD).webhook_secrets) == 1
    assert len(JiraSettings.model_validate(GOOD | {"webhook_secrets": ["old", "new"]}).webhook_secrets) == 2


def test_a_plain_address_on_loopback_is_taken() -> None:
    assert (
        JiraSettings.model_validate(GOOD | {"base_url": "http://127.0.0.1:8080/"}).base_url == "http://127.0.0.1:8080"
    )


@pytest.mark.parametrize(
    "wrong",
    [
        {"base_url": "e.atlassian.net"},
        {"base_url": "ftp://e.atlassian.net"},
        {"base_url": "https://user:password@e.atlassian.net"},
        {"base_url": "https://e.atlassian.net/?a=b"},
        {"user": ""},
        {"api_token": ""},
        {"webhook_secrets": []},
        {"webhook_secrets": ""},
        {"colour": "red"},
        {"change": {"project": "help desk"}},
        {"change": {"project": "HELP", "statuses": {"Doing": "running"}}},
        {"transitions": {"escalated": "Escalate"}},
    ],
)
def test_a_wrong_setting_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        JiraSettings.model_validate(GOOD | wrong)
