"""A server in trouble, or none; and what a proxy before it does."""

from pathlib import Path
from types import SimpleNamespace

import pytest
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from tests.integration.secret.conftest import PASSWORD, Clock, Hub, enrol, fill

from firstline.cli import serve
from firstline.errors import Misdeclared, Rejected, Unavailable
from firstline.secret.reference import reference
from firstline.settings import Settings, load
from firstline.testing.fault import PROXY, Fault, Kind
from firstline.testing.vault import Gateway, OpenBao, Space

LOST = (Kind.LOST, Kind.BAD_GATEWAY, Kind.BAD_GATEWAY_AFTER, Kind.BROKEN)
REFERENCE = "vault:secret/db#password"


def read(settings: Settings, text: str = REFERENCE) -> str:
    [value] = settings.references.read({"it": reference(text)})
    return value


def test_a_sealed_vault_is_unavailable_and_goes_on_when_it_is_unsealed(
    bao: OpenBao, hub: Hub, approle: str, clock: Clock
) -> None:
    found = hub(approle)
    assert read(found) == PASSWORD
    bao.seal()
    try:
        clock.ahead += 60
        with pytest.raises(Unavailable, match=r"Vault answered 503 .*: Vault is sealed"):
            read(found)
    finally:
        bao.unseal()
    clock.ahead += 60
    assert read(found) == PASSWORD


def test_a_hub_that_starts_before_its_vault_is_unsealed_waits_for_it(
    bao: OpenBao,
    hub: Hub,
    approle: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    connection = f'[connections.pager]\nconnector = "pagerduty"\ntoken = "{REFERENCE}"'
    hub(f"{approle}\n{connection}")
    pauses: list[float] = []

    def unsealed_meanwhile(seconds: float) -> None:
        pauses.append(seconds)
        bao.unseal()

    bao.seal()
    with monkeypatch.context() as patch:
        patch.setattr(serve, "time", SimpleNamespace(sleep=unsealed_meanwhile))
        settings, secrets = serve._with_secrets(tmp_path)
    settings.references.close()
    assert PASSWORD in secrets
    assert pauses == [serve.PAUSE]
    assert "Vault is sealed; trying again every 5 s" in capsys.readouterr().err


def test_a_vault_that_was_killed_and_knows_no_token_any_more_is_signed_in_at_anew(
    bao: OpenBao, hub: Hub, approle: str, space: Space, clock: Clock
) -> None:
    found = hub(approle)
    assert read(found) == PASSWORD
    bao.kill()
    try:
        clock.ahead += 60
        with pytest.raises(Unavailable, match="Vault gives no answer"):
            read(found)
    finally:
        bao.start()
    bao.space(space.name)
    fill(space)
    enrol(space)
    clock.ahead += 60
    assert read(found) == PASSWORD


def test_a_quota_that_is_used_up_is_not_now(bao: OpenBao, hub: Hub, approle: str, space: Space) -> None:
    quota = f"sys/quotas/rate-limit/{space.name}"
    found = hub(approle, more="kv = 2")
    assert read(found) == PASSWORD
    whole = Space(space.http, "")
    whole.write(quota, path=f"{space.name}/secret/", rate=1, interval="1h")
    try:
        with pytest.raises(Rejected, match="it is not there"):
            read(found, "vault:secret/the-one-that-is-let-through#password")
        with pytest.raises(Unavailable, match=r"Vault answered 429 .* rate limit quota exceeded"):
            read(found, "vault:secret/the-next#password")
    finally:
        whole.delete(quota)


def test_over_tls_the_certificates_that_are_named_are_trusted_and_no_others(
    bao: OpenBao, hub: Hub, approle: str, tmp_path: Path
) -> None:
    (tmp_path / "ca.pem").write_bytes(bao.ca.read_bytes())
    assert read(hub(approle, bao.tls_url, 'ca = "ca.pem"')) == PASSWORD
    with pytest.raises(Unavailable, match=r"gives no answer: ConnectError: .*certificate verify failed"):
        read(hub(approle, bao.tls_url))
    (tmp_path / "ca.pem").write_text("no certificate", encoding="utf-8")
    with pytest.raises(Rejected, match=r"the certificates of vault.ca can't be read"):
        read(hub(approle, bao.tls_url, 'ca = "ca.pem"'))


@pytest.mark.parametrize("kind", LOST, ids=lambda kind: kind.name.lower())
@pytest.mark.parametrize(("method", "path"), [("POST", "login"), ("GET", "data/db")], ids=["sign-in", "read"])
def test_an_answer_that_is_lost_is_not_now_and_the_next_time_it_is_read(
    hub: Hub, approle: str, gateway: tuple[Gateway, str], clock: Clock, kind: Kind, method: str, path: str
) -> None:
    served, address = gateway
    served.faults.append(Fault(kind, method, path=path))
    found = hub(approle, address)
    with pytest.raises(Unavailable, match=r"it names vault:secret/db#password: Vault (answered 502|gives no answer)"):
        read(found)
    clock.ahead += 60
    assert read(found) == PASSWORD


@pytest.mark.parametrize("status", [412, 500, 502, 503])
def test_a_vault_in_trouble_is_unavailable_and_nobody_waits_for_it_again_at_once(
    hub: Hub, approle: str, gateway: tuple[Gateway, str], status: int
) -> None:
    served, address = gateway
    served.instead = JSONResponse({"errors": ["local node not active but active cluster node not found"]}, status)
    found = hub(approle, address)
    for _ in range(3):
        with pytest.raises(Unavailable, match=rf"x names vault:secret/db#password: Vault answered {status}"):
            found.resolve(REFERENCE, "x")
    assert len(served.asked) == 1


@pytest.mark.parametrize(
    ("instead", "words"),
    [
        (RedirectResponse("http://127.0.0.1:1/v1/x", 307), "write the active one's address as vault.url"),
        (HTMLResponse(PROXY, 200), "is no Vault"),
        (JSONResponse(["no", "object"]), "is no Vault"),
    ],
    ids=["a standby that sends on", "a page", "a list"],
)
def test_what_answers_but_is_not_the_vault_is_told(
    hub: Hub, approle: str, gateway: tuple[Gateway, str], instead: Response, words: str
) -> None:
    served, address = gateway
    served.instead = instead
    with pytest.raises(Rejected, match=words):
        read(hub(approle, address))


def test_no_vault_at_all_is_unavailable(hub: Hub, approle: str) -> None:
    with pytest.raises(Unavailable, match="gives no answer"):
        read(hub(approle, "http://127.0.0.1:1"))


def test_a_token_in_the_clear_goes_to_this_machine_alone(tmp_path: Path) -> None:
    (tmp_path / "firstline.toml").write_text(
        '[vault]\nurl = "http://vault.example.com"\nauth = {method = "token", token = "env:T"}', encoding="utf-8"
    )
    with pytest.raises(Misdeclared, match="on this machine"):
        load(tmp_path)


def test_a_secret_itself_is_refused_where_a_reference_belongs(tmp_path: Path) -> None:
    (tmp_path / "firstline.toml").write_text(
        '[vault]\nurl = "https://v"\nauth = {method = "token", token = "hvs.the-token-itself"}', encoding="utf-8"
    )
    with pytest.raises(Misdeclared) as caught:
        load(tmp_path)
    assert "hvs." not in str(caught.value)
