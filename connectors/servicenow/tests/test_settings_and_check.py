"""What an operator sets, and what the doctor says of it."""

from typing import Any

import pytest
from connectors.servicenow.tests.stage import settings
from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from firstline_servicenow.settings import ServiceNowSettings

pytestmark = pytest.mark.anyio


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


async def test_a_wrong_password_is_one_finding_with_its_mend(connect: Any, address: str) -> None:
    (finding,) = await connect(address, password="wrong").check()
    assert not finding.ok
    assert "password" in finding.mend


async def test_a_table_whose_rows_are_hidden_is_a_finding_with_its_mend(connect: Any, loopback: Any) -> None:
    async def answer(request: Request) -> JSONResponse:
        hidden = request.path_params["table"] == "sys_journal_field"
        rows = [] if hidden else [{"sys_id": {"value": "a" * 32}}]
        return JSONResponse({"result": rows}, headers={"X-Total-Count": "1"})

    fake = loopback(Starlette(routes=[Route("/api/now/table/{table}", answer)]))
    bad = [finding for finding in await connect(fake).check() if not finding.ok]
    assert [finding.subject for finding in bad] == ["sys_journal_field"]
    assert "written twice" in bad[0].mend
