"""`firstline audit export` and `audit verify PACK`, as people type them."""

import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import orjson
import pytest
import sqlalchemy as sa
from tests.integration.evidence.conftest import Ledger
from typer.testing import CliRunner, Result

from firstline import settings
from firstline.cli import command_line
from firstline.ledger.key import folder as ledger_folder
from firstline.ledger.key import signer
from firstline.store import Database
from firstline.store.table import LEDGER

pytestmark = pytest.mark.usefixtures("logs_restored")

Command = Callable[..., Result]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "ops").mkdir()
    (tmp_path / "ops" / "firstline.toml").write_text('[hub]\nurl = "https://hub.test"\n')
    return tmp_path / "ops"


@pytest.fixture
def ledger(folder: Path) -> Iterator[Ledger]:
    """The hub's own ledger, with its key."""
    found = settings.load(folder)
    database = Database(found.database)
    database.create()
    made = Ledger(database, signer(found))
    ledger_folder(found).know(made.signer.verifier)
    made.remediate()
    made.sequence()
    yield made
    database.close()


@pytest.fixture
def audit(folder: Path) -> Command:
    app = command_line("audit")
    return lambda *arguments: CliRunner().invoke(app, ["audit", *map(str, arguments)])


def acts(ledger: Ledger, subject: str) -> list[dict[str, object]]:
    query = sa.select(LEDGER.c.entry).where(LEDGER.c.subject == subject)
    return [orjson.loads(text) for text in ledger.database.read_now(lambda c: c.execute(query).scalars().all())]


def test_a_pack_is_made_and_verified_without_the_hub(audit: Command, ledger: Ledger, folder: Path) -> None:
    pack = folder / "pack.zip"
    made = audit("export", "--incident", "#1", "--out", pack, "-f", folder)
    assert made.exit_code == 0, made.output
    assert "1 remediation\n" in made.output
    checked = audit("verify", pack, "--key", ledger.signer.verifier)
    assert checked.exit_code == 0, checked.output
    assert "intact: " in checked.output
    assert str(ledger.signer.verifier) in checked.output
    assert pack.stat().st_mode & 0o077 == 0


def test_that_a_pack_was_taken_is_in_the_ledger(audit: Command, ledger: Ledger, folder: Path) -> None:
    audit("export", "--incident", "#1", "--out", folder / "pack.zip", "-f", folder)
    (told,) = acts(ledger, "ledger")
    assert told["act"] == "exported"
    assert str(told["by"]).startswith("os:")


def test_an_edited_pack_ends_with_1_and_names_the_file(audit: Command, ledger: Ledger, folder: Path) -> None:
    pack = folder / "pack.zip"
    audit("export", "--runbook", "shop/mend", "--out", pack, "-f", folder)
    with zipfile.ZipFile(pack) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(pack, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content.replace(b"ann", b"bob") if name.startswith("rows/vote") else content)
    checked = audit("verify", pack)
    assert checked.exit_code == 1
    assert "rows/vote/" in checked.output
    assert "intact" not in checked.output


def test_another_key_than_the_trusted_one_is_found(audit: Command, ledger: Ledger, folder: Path) -> None:
    pack = folder / "pack.zip"
    audit("export", "--incident", "#1", "--out", pack, "-f", folder)
    checked = audit("verify", pack, "--key", Ledger(ledger.database).signer.verifier)
    assert checked.exit_code == 1
    assert "checkpoint: " in checked.output


def test_without_the_private_key_a_pack_is_made_and_says_so(audit: Command, ledger: Ledger, folder: Path) -> None:
    (folder / "state" / "ledger" / "key").unlink()
    pack = folder / "pack.zip"
    made = audit("export", "--incident", "#1", "--out", pack, "-f", folder)
    assert "is not signed" in made.output
    assert not (folder / "state" / "ledger" / "key").exists()
    checked = audit("verify", pack, "--key", ledger.signer.verifier)
    assert checked.exit_code == 0
    assert "is not signed" in checked.output


def test_the_ledger_is_printed_for_a_siem(audit: Command, ledger: Ledger, folder: Path) -> None:
    events = [orjson.loads(line) for line in audit("export", "--format", "ocsf", "-f", folder).stdout.splitlines()]
    assert [event["metadata"]["sequence"] for event in events] == list(range(6))
    assert {event["class_uid"] for event in events} == {3004}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "one of --incident"),
        (("--incident", "#1", "--runbook", "shop/mend"), "one of --incident"),
        (("--incident", "#1", "--from", "2026-01-01"), "one of --incident"),
        (("--from", "yesterday"), "is no time"),
        (("--from", "2026-01-02", "--to", "2026-01-01"), "must be before --to"),
        (("--incident", "INC404"), "there is no remediation of incident INC404"),
        (("--incident", "#1", "--as", "nobody"), "nobody is nobody here"),
    ],
)
def test_what_can_not_be_exported_is_told_in_words_and_leaves_no_file(
    audit: Command, ledger: Ledger, folder: Path, arguments: tuple[str, ...], words: str
) -> None:
    refused = audit("export", *arguments, "--out", folder / "pack.zip", "-f", folder)
    assert refused.exit_code != 0
    assert words in " ".join(refused.output.split())
    assert [path.name for path in folder.iterdir() if "pack" in path.name] == []


def test_a_key_that_is_none_is_told(audit: Command, ledger: Ledger, folder: Path) -> None:
    pack = folder / "pack.zip"
    audit("export", "--incident", "#1", "--out", pack, "-f", folder)
    assert audit("verify", pack, "--key", "no key").exit_code == 2


def test_a_pack_is_not_held_against_what_only_the_ledger_can_answer(
    audit: Command, ledger: Ledger, folder: Path
) -> None:
    pack = folder / "pack.zip"
    audit("export", "--incident", "#1", "--out", pack, "-f", folder)
    refused = audit("verify", pack, "--checkpoint", folder / "firstline.toml")
    assert refused.exit_code == 2
    assert "a pack is checked by keys alone" in " ".join(refused.output.replace("│", " ").split())
