"""What a hub did is in its ledger, each row bound by an entry."""

from pathlib import Path

from tests.integration.hub.conftest import STANDARD, Start, both_databases, triggered
from typer.testing import CliRunner, Result

from firstline.cli import command_line

pytestmark = both_databases


def verify(folder: Path) -> Result:
    return CliRunner().invoke(command_line("audit"), ["audit", "verify", "-f", str(folder)])


def test_what_a_hub_did_is_intact_while_it_runs_and_after_its_end(start: Start, folder: Path) -> None:
    hub = start(change=STANDARD)
    hub.post(triggered())
    assert hub.remediation()["outcome"] == "proved"
    assert verify(folder).exit_code == 0, verify(folder).output
    hub.stop()
    closed = verify(folder)
    assert closed.stdout.startswith("intact: "), closed.output
    assert "without a place" not in closed.stderr
