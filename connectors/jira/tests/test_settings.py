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


OAUTH: dict[str, Any] = {"client_id": "c", "client_secret": "s", "cloud_id": "5a4d6b0e-0000"}


@pytest.mark.parametrize(
    ("sign_in", "api_url"),
    [
        ({"user": "hub@example.com", "api_token": "t"}, "https://e.atlassian.net"),
        ({"deployment": "datacenter", "personal_token": "p"}, "https://e.atlassian.net"),
        ({"oauth": OAUTH}, "https://api.atlassian.com/ex/jira/5a4d6b0e-0000"),
        ({"oauth": OAUTH | {"refresh_token_file": "/var/lib/firstline/jira"}}, "https://api.atlassian.com/ex/jira/5a4d6b0e-0000"),
    ],
)  # fmt: skip
def test_each_kind_of_sign_in_is_taken_alone(sign_in: dict[str, Any], api_url: str) -> None:
    settings = JiraSettings.model_validate({"base_url": "https://e.atlassian.net"} | sign_in)
    assert settings.api_url == api_url


@pytest.mark.parametrize("wrong", [{"cloud_id": "../x"}, {"refresh_token_file": "state/token"}, {"client_secret": ""}])
def test_a_wrong_setting_of_oauth_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        JiraSettings.model_validate({"base_url": "https://e.atlassian.net", "oauth": OAUTH | wrong})


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
        {"api_token": None},
        {"webhook_secrets": ""},
        {"personal_token": "p"},
        {"deployment": "datacenter"},
        {"deployment": "datacenter", "personal_token": "p"},
        {"deployment": "server"},
        {"oauth": {"client_id": "c", "client_secret": "s", "cloud_id": "5a4d6b0e"}},
        {"projects": ["help desk"]},
        {"links": {"customfield_1": "jira"}},
        {"colour": "red"},
        {"change": {"project": "help desk"}},
        {"change": {"project": "HELP", "statuses": {"Doing": "running"}}},
        {"transitions": {"escalated": "Escalate"}},
    ],
)
def test_a_wrong_setting_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        JiraSettings.model_validate(GOOD | wrong)
