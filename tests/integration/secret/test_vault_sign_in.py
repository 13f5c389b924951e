"""Signing in at a real server: by token, AppRole and as a pod; and what becomes of tokens."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from tests.integration.secret.conftest import PASSWORD, READS, Clock, Hub, accessors, jwt

from firstline.errors import Rejected, Unauthorized
from firstline.secret.reference import reference
from firstline.settings import Settings
from firstline.testing.loopback import serve
from firstline.testing.vault import Gateway, OpenBao, Space

REVIEWS = "/apis/authentication.k8s.io/v1/tokenreviews"
POD = "system:serviceaccount:ops:firstline"
BY_TOKEN = '{method = "token", token = "env:VAULT_TOKEN"}'


def read(settings: Settings, text: str = "vault:secret/db#password") -> str:
    [value] = settings.references.read({"it": reference(text)})
    return value


def test_a_sign_in_that_is_refused_is_told_as_that(hub: Hub, approle: str, space: Space) -> None:
    space.write("auth/approle/role/hub/secret-id/destroy", secret_id="the-secret-id")
    with pytest.raises(Unauthorized, match=r"signing in at auth/approle: invalid role or secret ID"):
        read(hub(approle))


def test_an_approle_at_another_mount_whose_secret_id_is_for_one_sign_in_lasts(
    hub: Hub, space: Space, monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> None:
    space.write("sys/auth/team/approle", type="approle")
    space.write("auth/team/approle/role/hub", token_policies=[space.policy(*READS)], token_ttl="10m")
    role_id = space.read("auth/team/approle/role/hub/role-id")["data"]["role_id"]
    made = space.write("auth/team/approle/role/hub/secret-id", num_uses=1)["data"]
    monkeypatch.setenv("VAULT_ROLE_ID", role_id)
    monkeypatch.setenv("VAULT_SECRET_ID", made["secret_id"])
    found = hub(
        '{method = "approle", role_id = "env:VAULT_ROLE_ID", secret_id = "env:VAULT_SECRET_ID", mount = "team/approle"}'
    )
    assert read(found) == PASSWORD
    for _ in range(3):
        with pytest.raises(Rejected, match="permission denied"):
            read(found, "vault:sys/policies/acl/hub#name")
    clock.ahead += 420
    found.references.keep()
    assert read(found, "vault:old/app/db#password") == "of-the-first-version"


def test_what_the_policies_forbid_costs_no_sign_in(
    hub: Hub, approle: str, space: Space, gateway: tuple[Gateway, str]
) -> None:
    served, address = gateway
    found = hub(approle, address, "kv = 2")
    for name in ("a", "b", "c"):
        with pytest.raises(Rejected, match="permission denied"):
            read(found, f"vault:private/{name}#password")
    assert len([path for _, path in served.asked if path.endswith("/login")]) == 1
    assert len(accessors(space)) == 1


def test_a_role_without_the_default_policy_is_refused_a_path_and_no_sign_in_is_to_blame(
    hub: Hub, approle: str, space: Space
) -> None:
    space.write("auth/approle/role/hub", token_no_default_policy=True)
    found = hub(approle, more="kv = 2")
    with pytest.raises(Rejected, match="permission denied"):
        read(found, "vault:private/a#password")
    assert read(found) == PASSWORD


def test_a_token_that_has_ended_is_made_anew(hub: Hub, approle: str, space: Space) -> None:
    found = hub(approle)
    read(found)
    [mine] = accessors(space)
    space.write("auth/token/revoke-accessor", accessor=mine)
    assert read(found, "vault:old/app/db#password") == "of-the-first-version"


def test_a_token_that_is_used_up_is_made_anew(hub: Hub, approle: str, space: Space) -> None:
    space.write("auth/approle/role/hub", token_num_uses=3)
    found = hub(approle)
    for text in ("vault:secret/db#password", "vault:team/kv/app/db#password", "vault:old/app/db#password"):
        assert read(found, text)


def test_a_token_is_renewed_before_it_ends_though_nobody_reads(
    hub: Hub, approle: str, space: Space, clock: Clock
) -> None:
    found = hub(approle)
    read(found)
    [mine] = accessors(space)
    for _ in range(9):
        clock.ahead += 60
        found.references.keep()
    assert space.write("auth/token/lookup-accessor", accessor=mine)["data"]["last_renewal"]
    assert accessors(space) == [mine]


def test_a_token_that_cannot_be_renewed_is_made_anew_before_it_ends(
    hub: Hub, approle: str, space: Space, clock: Clock
) -> None:
    space.write("auth/approle/role/hub", token_type="batch", secret_id_num_uses=0)
    found, learned = hub(approle), list[str]()
    found.references.teach(learned.extend)
    read(found)
    clock.ahead += 420
    found.references.keep()
    assert len(set(learned)) == 2
    assert read(found, "vault:old/app/db#password") == "of-the-first-version"


def test_a_token_that_an_agent_wrote_anew_is_read_again(hub: Hub, space: Space, tmp_path: Path) -> None:
    sink, first = tmp_path / "token", space.token(*READS, ttl="1m")
    sink.write_text(first, encoding="utf-8")
    found = hub(f'{{method = "token", token = "file:{sink}"}}')
    assert read(found) == PASSWORD
    space.write("auth/token/revoke", token=first)
    sink.write_text(space.token(*READS, ttl="1m") + "\n", encoding="utf-8")
    assert read(found, "vault:old/app/db#password") == "of-the-first-version"


def test_a_token_that_may_not_even_look_at_itself_is_used_and_refused_as_any(
    hub: Hub, space: Space, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = space.token(*READS, no_default_policy=True)
    monkeypatch.setenv("VAULT_TOKEN", text)
    found = hub(BY_TOKEN)
    assert read(found) == PASSWORD
    space.write("auth/token/revoke", token=text)
    with pytest.raises(Unauthorized, match="permission denied"):
        read(found, "vault:old/app/db#password")


def test_a_token_that_has_ended_and_no_other_is_there_is_told_as_refused(
    hub: Hub, space: Space, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = space.token(*READS)
    monkeypatch.setenv("VAULT_TOKEN", text)
    found = hub(BY_TOKEN)
    assert read(found) == PASSWORD
    space.write("auth/token/revoke", token=text)
    with pytest.raises(Unauthorized, match="permission denied"):
        read(found, "vault:old/app/db#password")


@pytest.mark.parametrize("text", ["hvs.not-a-token-of-this-vault", "s.neither-is-this-one"])
def test_a_token_that_is_refused_and_no_other_is_there_is_told_as_refused(
    hub: Hub, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VAULT_TOKEN", text)
    with pytest.raises(Unauthorized) as caught:
        read(hub(BY_TOKEN))
    assert text not in str(caught.value)


@pytest.fixture
def cluster(space: Space, bao: OpenBao) -> Iterator[set[str]]:
    """The tokens that a cluster's API vouches for (authentication.k8s.io/v1 TokenReview), for a sign-in at k8s/prod."""
    good: set[str] = set()

    async def review(request: Request) -> JSONResponse:
        asked = (await request.json())["spec"]
        user = {"username": POD, "uid": "u-1", "groups": ["system:serviceaccounts"]}
        known = {"authenticated": True, "audiences": asked["audiences"], "user": user}
        status = known if asked["token"] in good else {"authenticated": False, "error": "token is not known"}
        return JSONResponse({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "status": status}, 201)

    with serve(Starlette(routes=[Route(REVIEWS, review, methods=["POST"])])) as address:
        space.write("sys/auth/k8s/prod", type="kubernetes")
        trusted = {"kubernetes_ca_cert": bao.ca.read_text(encoding="utf-8"), "disable_local_ca_jwt": True}
        space.write("auth/k8s/prod/config", kubernetes_host=address, token_reviewer_jwt=jwt(sub="reviewer"), **trusted)
        bound = {"bound_service_account_names": ["firstline"], "bound_service_account_namespaces": ["ops"]}
        space.write("auth/k8s/prod/role/hub", token_policies=[space.policy(*READS)], **bound)
        yield good


def test_a_pod_signs_in_with_its_service_accounts_token_as_it_is_then(
    hub: Hub, cluster: set[str], tmp_path: Path
) -> None:
    account: dict[str, Any] = {"namespace": "ops", "serviceaccount": {"name": "firstline", "uid": "u-1"}}
    now = int(time.time())
    times = {"nbf": now - 600, "iat": now - 600, "exp": now + 600}
    first, second = (jwt(sub=POD, aud=["vault"], jti=each, **times, **{"kubernetes.io": account}) for each in "ab")
    cluster.add(second)
    path = tmp_path / "jwt"
    path.write_text(first, encoding="utf-8")
    found = hub(f'{{method = "kubernetes", role = "hub", mount = "k8s/prod", jwt = "{path}"}}')
    with pytest.raises(Unauthorized, match="signing in at auth/k8s/prod: permission denied") as caught:
        read(found)
    assert first not in str(caught.value)
    path.write_text(f"{second}\n", encoding="utf-8")
    assert read(found) == PASSWORD


def test_a_pod_without_its_token_is_told_so(hub: Hub, tmp_path: Path) -> None:
    with pytest.raises(Unauthorized, match="the service account's token can't be read"):
        read(hub(f'{{method = "kubernetes", role = "hub", jwt = "{tmp_path / "none"}"}}'))


def test_tokens_that_vault_gives_are_masked_also_those_it_gave_before(hub: Hub, approle: str, space: Space) -> None:
    found, learned = hub(approle), list[str]()
    read(found)
    found.references.teach(learned.extend)
    [mine] = accessors(space)
    space.write("auth/token/revoke-accessor", accessor=mine)
    read(found, "vault:old/app/db#password")
    assert len(set(learned)) == 2
    assert "the-secret-id" in found.secrets
