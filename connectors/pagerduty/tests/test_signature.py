import hashlib
import hmac
import json
from pathlib import Path

import pytest

from firstline.errors import Unauthorized
from firstline_pagerduty.signature import Verifier

BODY = b'{"event": {}}'


def signed(secret: str, body: bytes = BODY) -> str:
    return "v1=" + hmac.new(secret.encode(), body, "sha256").hexdigest()


def test_the_vendors_own_example_is_let_in(contracts: Path) -> None:
    vectors = json.loads((contracts / "signature_vectors.json").read_bytes())
    body = (contracts / "gopagerduty_priority_updated.body.json").read_bytes()
    headers = {"x-pagerduty-signature": vectors["valid"], "x-webhook-id": "a-1"}
    assert Verifier([vectors["secret"]]).verify(headers, body) == "a-1"


def test_the_vendors_example_of_a_wrong_signature_is_refused(contracts: Path) -> None:
    vectors = json.loads((contracts / "signature_vectors.json").read_bytes())
    body = (contracts / "gopagerduty_priority_updated.body.json").read_bytes()
    with pytest.raises(Unauthorized):
        Verifier([vectors["secret"]]).verify({"x-pagerduty-signature": vectors["mismatch"]}, body)


@pytest.mark.parametrize("secret", ["old", "new"])
def test_while_a_secret_is_replaced_either_lets_in(secret: str) -> None:
    assert Verifier(["old", "new"]).verify({"x-pagerduty-signature": signed(secret)}, BODY)


def test_one_fitting_signature_among_several_lets_in() -> None:
    header = f"{signed('other')}, {signed('mine')},{signed('third')}"
    assert Verifier(["mine"]).verify({"x-pagerduty-signature": header}, BODY)


@pytest.mark.parametrize(
    "header",
    ["", ",", "v1=", signed("mine")[3:], "v2=" + signed("mine")[3:], signed("mine", b"x"), "v1=é", signed("mine")[:-1]],
)
def test_anything_else_is_refused(header: str) -> None:
    with pytest.raises(Unauthorized):
        Verifier(["mine"]).verify({"x-pagerduty-signature": header}, BODY)


def test_a_refusal_does_not_tell_the_right_signature() -> None:
    with pytest.raises(Unauthorized) as caught:
        Verifier(["mine"]).verify({"x-pagerduty-signature": signed("other")}, BODY)
    assert signed("mine")[3:] not in str(caught.value)


def test_without_a_webhook_id_the_same_body_has_the_same_key() -> None:
    key = Verifier(["mine"]).verify({"x-pagerduty-signature": signed("mine")}, BODY)
    assert key == hashlib.sha256(BODY).hexdigest()


def test_a_body_that_is_not_json_is_let_in_when_it_is_signed() -> None:
    body = b"\xff not json"
    assert Verifier(["mine"]).verify({"x-pagerduty-signature": signed("mine", body)}, body)
