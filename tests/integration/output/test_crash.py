"""A hub that is killed while it follows a run, and another that follows it anew: one log, whole, and as it was."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from tests.integration.output import follower

from firstline.remediation.run.log import read
from firstline.testing.patience import eventually

SECRET = "Zx81-correct-horse-battery"
HALF = 13
# Prints on both streams, the last of it a secret that the killed hub has seen the half of, then waits.
SCRIPT = f"""seq 20000; seq 3000 >&2; printf %s {SECRET[:HALF]}; echo waits >&2
mkfifo "$1/gate"; read -r _ < "$1/gate"
echo {SECRET[HALF:]}; echo {SECRET} >&2; seq 20001 40000"""

Follow = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def follow(tmp_path: Path) -> Iterator[Follow]:
    made: list[subprocess.Popen[bytes]] = []

    def begin(limit: int = 10**8) -> "subprocess.Popen[bytes]":
        run = ["sh", "-c", SCRIPT, "sh", str(tmp_path)]
        asked = json.dumps({"place": str(tmp_path), "run": run, "secret": SECRET, "limit": limit})
        made.append(subprocess.Popen([sys.executable, str(follower.__file__), asked], stdout=subprocess.PIPE))
        return made[-1]

    yield begin
    for each in made:
        each.kill()
        each.communicate()


def release(place: Path) -> None:
    eventually((place / "gate").is_fifo)
    (place / "gate").write_text("go\n")


def end(process: "subprocess.Popen[bytes]") -> Any:
    output, _ = process.communicate(timeout=60)
    return json.loads(output)


def texts(path: Path, stream: str) -> list[str]:
    found: list[str] = []
    offset = 0
    while True:
        lines, offset = read(path, offset, 10**7)
        if not lines:
            return found
        found += [line.text for line in lines if line.stream == stream]


def test_a_log_goes_on_after_a_kill_as_if_there_had_been_none(follow: Follow, tmp_path: Path) -> None:
    log, first = tmp_path / "step.log", follow()
    eventually(lambda: log.exists() and b"waits" in log.read_bytes(), 60)
    first.kill()
    first.wait()
    early = log.read_bytes()
    second = follow()
    release(tmp_path)
    told = end(second)
    whole = log.read_bytes()
    assert whole.startswith(early[: early.rfind(b"\n") + 1])
    assert texts(log, "stdout") == [*map(str, range(1, 20_001)), "[masked]", *map(str, range(20_001, 40_001))]
    assert texts(log, "stderr") == [*map(str, range(1, 3_001)), "waits", "[masked]"]
    assert told["log"] == {"bytes": len(whole), "sha256": sha256(whole).hexdigest()}
    for shown in (early, whole, told["output"].encode()):
        assert SECRET[:HALF].encode() not in shown
        assert SECRET[HALF:].encode() not in shown


def test_a_run_that_ended_while_nobody_looked_has_its_log_too(follow: Follow, tmp_path: Path) -> None:
    log, first = tmp_path / "step.log", follow()
    eventually(lambda: log.exists() and log.stat().st_size, 60)
    first.kill()
    first.wait()
    release(tmp_path)
    told = end(follow())
    assert told["state"] == "succeeded"
    assert texts(log, "stdout")[-1] == "40000"
    assert told["log"]["sha256"] == sha256(log.read_bytes()).hexdigest()
    assert [each.name for each in tmp_path.glob(".step*")] == []
    again = end(follow())
    assert again == told


def test_what_the_executor_drops_is_said_in_the_log(follow: Follow, tmp_path: Path) -> None:
    process = follow(limit=100_000)
    release(tmp_path)
    told = end(process)
    log = tmp_path / "step.log"
    assert told["log"]["bytes"] < 110_000
    assert texts(log, "firstline")
    assert all(text.endswith("bytes left out") for text in texts(log, "firstline"))
    assert (texts(log, "stdout")[0], texts(log, "stdout")[-1]) == ("1", "40000")
