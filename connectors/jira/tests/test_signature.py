import hashlib
import json
from pathlib import Path

import pytest

from firstline.errors import Unauthorized
from firstline_jira.signature import sign, verify


def test_the_vendors_own_vector_holds(contracts: Path) -> None:
    vector = json.loads((contracts / "signature_vectors.json").read_text())
    body = vector["body"].encode()
    assert vector["header"].lower() == "x-hub-signature"
    assert verify([vector["secret"].encode()], {"x-hub-signature": vector["valid"]}, body)


def test_any_of_several_secrets_lets_in() -> None:
    headers = {"x-hub-signature": sign(b"new", b"body")}
    assert verify([b"old", b"new"], headers, b"body") == hashlib.sha256(b"body").hexdigest()


def test_the_identifier_of_the_webhook_is_the_key() -> None:
    headers = {"x-hub-signature": sign(b"s", b"body"), "x-atlassian-webhook-identifier": "w-17"}
    assert verify([b"s"], headers, b"body") == "w-17"


@pytest.mark.parametrize(
    "header", ["", "sha256=", "sha256=00", "sha1=" + "0" * 40, sign(b"another", b"body"), "sha256=é\u2028", "=", "é"]
)
def test_a_wrong_signature_is_refused(header: str) -> None:
    with pytest.raises(Unauthorized):
        verify([b"s"], {"x-hub-signature": header}, b"body")
