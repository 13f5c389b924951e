"""Fifty secrets of all kinds go through a hub, and are looked for wherever it leaves anything: tables, files, log
lines, notes, answers, pages, and what the machine shows of its processes."""

import base64
import gzip
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from urllib.parse import quote

import pytest
from tests.acceptance.hub.canary import FOLD, Search, plant
from tests.acceptance.hub.canary_hub import Place, placed

from firstline.executors.command.retention import strip
from firstline.testing.patience import eventually
from firstline.testing.vault import OpenBao

MASK = b"[masked]"


@pytest.fixture
def place(tmp_path: Path, bao: OpenBao) -> Iterator[Place]:
    with placed(tmp_path, bao) as made:
        yield made


def test_fifty_secrets_show_nowhere(place: Place) -> None:
    assert len(place.canaries.own) + len(place.canaries.steps) == 50
    place.trigger(1)
    eventually(lambda: (place.marks / "printed-0").exists() or _fault(place), 60)
    _only_who_needs_them_has_them(place)
    (place.marks / "let-go").touch()
    seen = [place.hub.remediation()]
    for number in (2, 3):
        place.trigger(number)
        eventually(partial(_are_there, place, number), 60)
        seen.append(place.hub.remediation())
    assert [each["outcome"] for each in seen] == ["proved", "failed", "failed"]

    runs = place.folder / "state" / "runs"
    but = (runs, place.folder / "secrets")
    assert place.search.files(place.folder, but) == {}
    assert place.search(place.log.read_bytes()) == set()
    told = json.dumps(place.hub.state("pagerduty"), ensure_ascii=False).encode()
    assert place.search(told.replace(place.canaries.own["HOOK"].encode(), b"")) == set()
    shown = dict(place.shown())
    assert {address: names for address, body in shown.items() if (names := place.search(body))} == {}
    evidence = [body for address, body in shown.items() if address.endswith("/evidence")]
    assert [MASK in body for body in evidence] == [True, True, True]
    assert any(b"C_41" in body and MASK in body for body in shown.values())
    assert any(MASK in path.read_bytes() for path in (place.folder / "state" / "logs").rglob("*.log"))
    assert MASK in place.log.read_bytes()
    _raw_output_is_private_and_goes(place, runs)


def _are_there(place: Place, number: int) -> bool:
    return len(place.hub.get("remediations")["items"]) == number


def _fault(place: Place) -> bool:
    ended = [one for one in place.hub.get("remediations")["items"] if one["stage"] == "ended"]
    assert not ended, (ended, place.log.read_text()[-3000:])
    return False


def _only_who_needs_them_has_them(place: Place) -> None:
    """The command has its own, in its environment; the hub those that its starter gave it there. No other process has
    any, and none shows one in its arguments."""
    for (pid, what), names in place.search.processes().items():
        assert what == "environ", (pid, what, names)
        if pid == place.process.pid:
            assert names <= {"HOOK", "SERVICENOW", "MAIL", *list(place.canaries.steps)[::4]}
        else:
            line = Path(f"/proc/{pid}/cmdline").read_bytes()
            assert b"/mend\0" in line, (pid, line)
            assert names <= set(place.canaries.steps)


def _raw_output_is_private_and_goes(place: Place, runs: Path) -> None:
    """What a command printed stands as it was in the directory of its run, which only the hub's account can enter,
    until the executor's `keep` is over."""
    found = place.search.files(runs)
    assert found
    for path in found:
        assert re.fullmatch(r"(output|streams)\..*|values", Path(path).name), path
        assert runs.stat().st_mode & 0o077 == 0
    assert strip(runs, float("inf")) == []
    assert place.search.files(runs) == {}


@pytest.mark.parametrize("name", ["C_00", "C_40", "C_41", "C_42", "pagerduty"])
def test_the_search_finds_what_shows_in_any_form_and_place(tmp_path: Path, name: str) -> None:
    canaries = plant()
    search, value = Search(canaries), {**canaries.own, **canaries.steps}[name]
    inner = value.encode()
    forms = [value, quote(value, safe=""), json.dumps(value), *(
        base64.b64encode(b"-" * offset + inner).decode() for offset in range(3)
    )]  # fmt: skip
    for form in forms:
        folded = "\n".join(form[at : at + FOLD] for at in range(0, len(form), FOLD)) if "\n" not in form else form
        for at, text in enumerate((form, f"2026-11-23T10:00:00.000000Z stdout F {form} more", folded)):
            (tmp_path / f"{at}.txt").write_text(text, encoding="utf-8")
            (tmp_path / f"{at}.gz").write_bytes(gzip.compress(text.encode()))
        found = search.files(tmp_path)
        assert all(name in names for names in found.values())
        assert len(found) == 6


def test_the_search_finds_what_a_process_shows(tmp_path: Path) -> None:
    canaries = plant()
    value = canaries.steps["C_00"]
    waiting = subprocess.Popen(["sleep", "60"], env={"HIDDEN": value})
    shown = subprocess.Popen([sys.executable, "-c", "input()", value], stdin=subprocess.PIPE)
    try:

        def seen() -> bool:
            found = Search(canaries).processes()
            return "C_00" in found.get((waiting.pid, "environ"), ()) and "C_00" in found.get((shown.pid, "cmdline"), ())

        eventually(seen)
    finally:
        for each in (waiting, shown):
            each.kill()
            each.wait()
        assert shown.stdin is not None
        shown.stdin.close()
