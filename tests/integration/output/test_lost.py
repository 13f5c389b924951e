"""A run whose end nobody will see: what was seen of it is not lost."""

from pathlib import Path

from tests.integration.output.conftest import GATE, at_a_desk, text_of

from firstline.errors import Rejected
from firstline.executor import Handle, Progress


def test_of_a_run_that_may_not_be_asked_any_more_all_that_was_seen_stays(tmp_path: Path) -> None:
    async def refused(handle: Handle, offset: int = 0) -> Progress:
        raise Rejected("the key was taken back")

    with at_a_desk(tmp_path) as desk:
        printing = desk.prints(f"echo seen; {GATE}; echo unseen")
        printing.so_far("seen")
        desk.hub.hub.context.executors["command"].watch = refused
        row = printing.end(ended=False)
        printing.go()
        assert (row["state"], row["detail"]) == ("unknown", "the key was taken back")
        assert row["output"] == "mended it\nseen\n"
        assert row["log_size"] == printing.log().stat().st_size
        assert text_of(printing.output()) == "mended it\nseen\n"
