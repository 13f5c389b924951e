"""Whoever edits a pack is found, and the file is named: each kind of file is tried."""

import hashlib
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tests.integration.evidence.conftest import Ledger

from firstline.evidence.asked import Asked
from firstline.evidence.pack import SIGNATURE
from firstline.evidence.signature import sign
from firstline.evidence.verify import Verdict, verify
from firstline.ledger.checkpoint import Signer, Verifier
from firstline.store import Database

Files = dict[str, bytes]

KINDS = (
    "README.txt",
    "timeline.html",
    "bodies/",
    "remediations/",
    "rows/approval/",
    "rows/decision/",
    "rows/delivery/",
    "rows/event/",
    "rows/remediation.begun/",
    "rows/remediation.ended/",
    "rows/run/",
    "rows/vote/",
    "rows/write_back/",
    "entries.jsonl",
    "proofs.jsonl",
    "unplaced.jsonl",
    "checkpoint",
    "key.txt",
    "manifest.json",
    "manifest.note",
)
PROVED = tuple(kind for kind in KINDS if kind.startswith(("rows/", "bodies/", "remediations/", "entries", "proofs")))
Check = Callable[[Files], Verdict]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Files, Verifier]]:
    """A pack's files, and the key that a verifier trusts. An entry is too new for its checkpoint."""
    folder = tmp_path_factory.mktemp("made")
    database = Database(f"sqlite:///{folder}/firstline.db")
    database.create()
    ledger = Ledger(database)
    id_ = ledger.remediate()
    ledger.sequence()
    ledger.tell(id_, "noted", "too new")
    ledger.pack(folder / "pack.zip", Asked(incident="#1"))
    database.close()
    with zipfile.ZipFile(folder / "pack.zip") as pack:
        yield {name: pack.read(name) for name in pack.namelist()}, ledger.signer.verifier


@pytest.fixture
def files(made: tuple[Files, Verifier]) -> Files:
    return dict(made[0])


@pytest.fixture
def check(made: tuple[Files, Verifier], tmp_path: Path) -> Check:
    """Verify these files with the key that is trusted."""

    def checked(files: Files) -> Verdict:
        return verify(zipped(files, tmp_path), [made[1]])

    return checked


def zipped(files: Files, folder: Path) -> Path:
    with zipfile.ZipFile(folder / "pack.zip", "w") as pack:
        for name, content in files.items():
            pack.writestr(name, content)
    return folder / "pack.zip"


def one(files: Files, kind: str) -> str:
    return next(name for name in files if name.startswith(kind))


def edited(content: bytes) -> bytes:
    """One letter or digit in the middle is another."""
    at = next(at for at in range(len(content) // 2, len(content)) if chr(content[at]).isalnum())
    return content[:at] + (b"7" if content[at : at + 1] != b"7" else b"3") + content[at + 1 :]


def cover_up(files: Files) -> None:
    """What a forger without the key does next: the manifest fits again, and its signature is gone."""
    manifest = orjson.loads(files["manifest.json"])
    own = ("manifest.json", SIGNATURE)
    manifest["files"] = {name: hashlib.sha256(each).hexdigest() for name, each in files.items() if name not in own}
    files["manifest.json"] = orjson.dumps(manifest)
    files.pop(SIGNATURE, None)


def test_what_nobody_edited_is_intact(files: Files, check: Check) -> None:
    verdict = check(files)
    assert verdict.findings == []
    assert verdict.notes == []


@pytest.mark.parametrize("kind", KINDS)
def test_an_edit_is_found_and_named(files: Files, check: Check, kind: str) -> None:
    name = one(files, kind)
    files[name] = edited(files[name] or b"x")
    assert any(name in finding for finding in check(files).findings)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != SIGNATURE])
def test_a_file_that_was_taken_away_is_found_and_named(files: Files, check: Check, kind: str) -> None:
    name = one(files, kind)
    del files[name]
    assert any(name in finding for finding in check(files).findings)


def test_a_file_that_was_added_is_found_and_named(files: Files, check: Check) -> None:
    files["rows/approval/forged.json"] = b"{}"
    assert any("rows/approval/forged.json" in finding for finding in check(files).findings)


@pytest.mark.parametrize("kind", PROVED)
def test_an_edit_is_found_also_when_the_manifest_was_made_to_fit(files: Files, check: Check, kind: str) -> None:
    name = one(files, kind)
    files[name] = edited(files[name])
    cover_up(files)
    assert any(name in finding for finding in check(files).findings)


@pytest.mark.parametrize("kind", [kind for kind in PROVED if not kind.endswith(".jsonl")])
def test_what_is_gone_is_found_also_when_the_manifest_was_made_to_fit(files: Files, check: Check, kind: str) -> None:
    name = one(files, kind)
    del files[name]
    cover_up(files)
    assert any(name in finding for finding in check(files).findings)


def test_a_row_of_nothing_is_found_also_when_the_manifest_was_made_to_fit(files: Files, check: Check) -> None:
    files["rows/approval/forged.json"] = b"{}"
    cover_up(files)
    assert any("rows/approval/forged.json: no entry binds it" in finding for finding in check(files).findings)


def test_a_manifest_without_its_signature_is_said_loudly(files: Files, check: Check) -> None:
    cover_up(files)
    verdict = check(files)
    assert verdict.findings == []
    assert any("not signed" in note for note in verdict.notes)


def test_an_entry_that_was_left_out_with_its_proof_is_found(files: Files, check: Check) -> None:
    for name in ("entries.jsonl", "proofs.jsonl"):
        lines = files[name].splitlines(keepends=True)
        files[name] = b"".join(lines[:2] + lines[3:])
    manifest = orjson.loads(files["manifest.json"])
    cover_up(files)
    assert any("is missing" in finding for finding in check(files).findings)
    assert len(next(iter(manifest["about"].values()))) == 7


def test_swapped_entries_are_found(files: Files, check: Check) -> None:
    first, second, *rest = files["entries.jsonl"].splitlines(keepends=True)
    files["entries.jsonl"] = b"".join([second, first, *rest])
    cover_up(files)
    assert any("entries.jsonl, line 1" in finding for finding in check(files).findings)


def test_a_pack_that_was_signed_anew_by_another_is_found(files: Files, check: Check, tmp_path: Path) -> None:
    """A forger with a key of their own makes all of it fit, and can't have the key that is trusted."""
    forger = Signer("hub.test/ledger", Ed25519PrivateKey.generate())
    size = int(files["checkpoint"].splitlines()[1])
    files["checkpoint"] = forger.sign(size, bytes(32)).encode()
    files["key.txt"] = f"{forger.verifier}\n".encode()
    cover_up(files)
    files[SIGNATURE] = sign(forger, files["manifest.json"]).encode()
    findings = check(files).findings
    assert any(finding.startswith("checkpoint: ") for finding in findings)
    assert any(SIGNATURE in finding for finding in findings)


def test_a_signature_of_another_manifest_is_found(files: Files, check: Check) -> None:
    files["manifest.json"] += b"\n"
    assert any("signs another manifest" in finding for finding in check(files).findings)


def test_the_packs_own_key_is_said_to_prove_nothing_by_itself(files: Files, tmp_path: Path) -> None:
    verdict = verify(zipped(files, tmp_path))
    assert verdict.findings == []
    assert any("the key is the pack's own" in note for note in verdict.notes)


def test_a_row_that_is_called_masked_is_not_passed_over_in_silence(files: Files, check: Check) -> None:
    name = one(files, "rows/run/")
    files[name] = edited(files[name])
    manifest = orjson.loads(files["manifest.json"])
    files["manifest.json"] = orjson.dumps({**manifest, "masked": [name]})
    cover_up(files)
    verdict = check(files)
    assert any(name in note for note in verdict.notes)
    assert any("not signed" in note for note in verdict.notes)


@pytest.mark.parametrize("content", [b"", b"no zip", b"PK\x03\x04" + bytes(100)])
def test_what_is_no_pack_is_told_so(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "pack.zip").write_bytes(content)
    assert len(verify(tmp_path / "pack.zip").findings) == 1


def test_a_zip_with_two_files_of_one_name_is_refused(files: Files, check: Check, tmp_path: Path) -> None:
    path = zipfile.ZipFile(zipped(files, tmp_path), "a")
    with path, pytest.warns(UserWarning, match="Duplicate name"):
        path.writestr("timeline.html", b"another story")
    assert "twice" in verify(tmp_path / "pack.zip").findings[0]
