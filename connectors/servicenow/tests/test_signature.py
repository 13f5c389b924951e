"""Who is let in: what our script signed with one of our secrets."""

import hashlib

import pytest
from connectors.servicenow.tests.stage import INCIDENT
from hypothesis import given
from hypothesis import strategies as st

from firstline.errors import Unauthorized
from firstline_servicenow.signature import DELIVERY, SIGNATURE, sign, verify

BODY = b'{"sys_id": "' + INCIDENT.encode() + b'"}'


def test_the_signature_is_hmac_sha256_of_the_raw_bytes() -> None:
    # RFC 4231, test case 2.
    expected = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    assert sign("Jefe", b"what do ya want for nothing?") == f"sha256={expected}"


def test_each_of_several_secrets_lets_in() -> None:
    for secret in ("old", "new"):
        assert verify(("old", "new"), {SIGNATURE: sign(secret, BODY)}, BODY)


@pytest.mark.parametrize(
    "header",
    ["", "sha256=", sign("wrong", BODY), sign("s", BODY + b"\n"), sign("s", BODY).removeprefix("sha256="), "ü" * 71],
)
def test_a_missing_or_wrong_signature_is_refused(header: str) -> None:
    with pytest.raises(Unauthorized):
        verify(("s",), {SIGNATURE: header}, BODY)


@given(st.text(), st.text(), st.binary())
def test_whatever_comes_is_refused_and_nothing_else_is_raised(signature: str, delivery: str, body: bytes) -> None:
    with pytest.raises(Unauthorized):
        verify(("s",), {SIGNATURE: signature, DELIVERY: delivery}, body)


def test_the_delivery_key_is_the_headers() -> None:
    headers = {SIGNATURE: sign("s", BODY), DELIVERY: f"{INCIDENT}:5"}
    assert verify(("s",), headers, BODY) == f"{INCIDENT}:5"


@pytest.mark.parametrize("header", ["", "whatever", f"{'f' * 32}:5", f"{INCIDENT}:-1", f"{INCIDENT}:5\n6"])
def test_a_key_that_does_not_name_the_signed_record_is_replaced_by_the_bodys_hash(header: str) -> None:
    headers = {SIGNATURE: sign("s", BODY), DELIVERY: header}
    assert verify(("s",), headers, BODY) == "sha256:" + hashlib.sha256(BODY).hexdigest()
