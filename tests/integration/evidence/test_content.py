"""What a pack's files hold."""

import hashlib
from pathlib import Path

import orjson
import pytest
import sqlalchemy as sa
from tests.integration.evidence.conftest import Ledger, files, found, page

from firstline.declaration import canonical
from firstline.evidence.asked import Asked
from firstline.evidence.pack import Manifest
from firstline.masking import Masker
from firstline.store.table import APPROVAL, LEDGER

SECRET = "correct-horse-battery"


@pytest.fixture
def database_url(tmp_path: Path) -> str:
    """One kind will do: nothing here is in the databases' hands."""
    return f"sqlite:///{tmp_path}/firstline.db"


def test_the_plans_file_has_the_digest_that_was_approved(ledger: Ledger, path: Path) -> None:
    id_ = ledger.remediate()
    ledger.sequence()
    ledger.pack(path, Asked(remediation=id_))
    approved = ledger.database.read_now(lambda c: c.execute(sa.select(APPROVAL.c.plan_digest)).scalar_one())
    assert hashlib.sha256(files(path)[f"remediations/{id_}/plan.json"]).hexdigest() == approved


def test_secrets_are_masked_and_what_can_no_longer_be_checked_is_named(ledger: Ledger, path: Path) -> None:
    id_ = ledger.remediate(title=f"login with {SECRET} fails", body=b'{"title": "login with %s"}' % SECRET.encode())
    ledger.sequence()
    manifest = ledger.pack(path, Asked(remediation=id_), mask=Masker([SECRET]))
    assert not [name for name, content in files(path).items() if SECRET.encode() in content]
    kinds = {name.split("/")[1] for name in manifest.masked if name.startswith("rows/")}
    assert {"remediation.begun", "remediation.ended"} <= kinds
    findings, notes = found(ledger, path)
    assert findings == []
    assert {name for name in manifest.masked if any(note.startswith(name) for note in notes)} == set(manifest.masked)


def test_markup_in_a_tickets_title_is_text_on_the_page(ledger: Ledger, path: Path) -> None:
    id_ = ledger.remediate(title="<script>alert(1)</script> & <img src=x onerror=alert(2)>")
    ledger.sequence()
    ledger.pack(path, Asked(remediation=id_))
    assert "<script" not in page(path)
    assert "<img" not in page(path)
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp;" in page(path)


def test_a_page_tells_who_let_it_go_and_what_ran(ledger: Ledger, path: Path) -> None:
    ledger.tell("group:sre-core", "joined", "ann is in sre-core", by="os:root")
    id_ = ledger.remediate()
    ledger.tell("person:ann", "off", "afterwards: another story", by="os:root")
    ledger.sequence()
    ledger.pack(path, Asked(remediation=id_))
    for told in (
        "was approved by ann",
        "systemctl restart shop.service",
        "restarted &lt;shop.service&gt;",
        "CHG0030045",
        "1 of sre-core",
        "ann is in sre-core",
        "x-pagerduty-signature",
        '<td class="act done">true</td><td><code>incident.is_true</code>',
        '<td class="act failed">false</td><td><code>incident.is_false</code>',
    ):
        assert told in page(path), told
    assert "another story" not in page(path)


def test_the_entries_are_byte_for_byte_those_of_the_ledger(ledger: Ledger, path: Path) -> None:
    id_ = ledger.remediate()
    ledger.sequence()
    ledger.pack(path, Asked(remediation=id_))
    query = sa.select(LEDGER.c.entry).order_by(LEDGER.c.position)
    stored = ledger.database.read_now(lambda c: c.execute(query).scalars().all())
    lines = files(path)["entries.jsonl"].splitlines()
    assert lines == [text.encode() for text in stored]
    assert all(canonical(orjson.loads(line)) == line for line in lines)


def test_the_manifest_names_every_other_file(ledger: Ledger, path: Path) -> None:
    id_ = ledger.remediate()
    ledger.sequence()
    ledger.pack(path, Asked(remediation=id_))
    kept = files(path)
    manifest = Manifest.model_validate_json(kept["manifest.json"])
    assert set(manifest.files) == set(kept) - {"manifest.json", "manifest.note"}
    assert manifest.files == {name: hashlib.sha256(kept[name]).hexdigest() for name in manifest.files}
