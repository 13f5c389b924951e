"""What an operator sets."""

from typing import Any

import pytest
from connectors.servicenow.tests.stage import settings
from pydantic import ValidationError

from firstline_servicenow.settings import ServiceNowSettings


@pytest.mark.parametrize(
    "url", ["https://example.service-now.com/", "http://127.0.0.1:8123", "https://gate.example/sn/"]
)
def test_addresses_lose_their_last_slash(url: str) -> None:
    assert settings(url).base_url == url.rstrip("/")


@pytest.mark.parametrize(
    "url", ["example.service-now.com", "ftp://example", "https://user:pw@example", "https://x/?a=b"]
)
def test_what_is_no_bare_address_is_refused(url: str) -> None:
    with pytest.raises(ValidationError, match="address"):
        settings(url)


@pytest.mark.parametrize("secrets", ["", [], ["good", ""]])
def test_an_empty_secret_is_refused(secrets: Any) -> None:
    with pytest.raises(ValidationError):
        settings("https://example.service-now.com", webhook_secrets=secrets)


def test_unknown_settings_are_refused() -> None:
    with pytest.raises(ValidationError, match="pasword"):
        settings("https://example.service-now.com", pasword="x")


def test_our_own_account_is_the_one_that_signs_in_unless_another_is_named() -> None:
    assert settings("https://example.service-now.com").actor == "firstline"
    assert settings("https://example.service-now.com", own_user="svc.firstline").actor == "svc.firstline"


def test_every_setting_is_described() -> None:
    schema = ServiceNowSettings.model_json_schema()["properties"]
    assert [name for name, field in schema.items() if "description" not in field] == []


@pytest.mark.parametrize(
    "given",
    [
        {"password": None},
        {"api_key": "k"},
        {"client_id": "c", "client_secret": "s"},
        {"password": None, "client_secret": "s"},
        {"password": None, "client_id": "c"},
    ],
)
def test_one_way_to_sign_in_is_needed_and_no_more(given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match=r"sign-in|go together"):
        settings("https://example.service-now.com", **given)


@pytest.mark.parametrize("where", ["priority=1^NQactive=true", "active=true^ORDERBYnumber", "^active=true"])
def test_a_filter_that_would_undo_the_polls_own_conditions_is_refused(where: str) -> None:
    with pytest.raises(ValidationError, match="filters"):
        settings("https://example.service-now.com", filters={"incident": where})


def test_a_table_that_is_no_kind_of_ours_is_refused() -> None:
    with pytest.raises(ValidationError, match="tables"):
        settings("https://example.service-now.com", tables=["sys_user"])
