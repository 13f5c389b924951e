"""What an export brings, on both databases."""

import zipfile
from pathlib import Path

from tests.integration.evidence.conftest import BODY, Ledger

from firstline.evidence.asked import Asked
from firstline.evidence.verify import verify


def test_a_pack_proves_itself(ledger: Ledger, tmp_path: Path) -> None:
    ledger.remediate()
    ledger.sequence()
    ledger.pack(tmp_path / "pack.zip", Asked(incident="#1"))
    verdict = verify(tmp_path / "pack.zip", [ledger.signer.verifier])
    assert (verdict.findings, verdict.notes) == ([], [])
    assert (verdict.entries, verdict.rows) == (6, 9)
    with zipfile.ZipFile(tmp_path / "pack.zip") as pack:
        assert [pack.read(name) for name in pack.namelist() if name.startswith("bodies/")] == [BODY]
