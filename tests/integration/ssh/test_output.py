"""What comes back from a host, and what is left nowhere on it."""

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import anyio
import psutil
import pytest
from pydantic import SecretStr
from tests.integration.ssh.conftest import Web1, executor_for

from firstline.executor import PIECE, Bounds, State
from firstline.testing.executor import PATIENCE, Bench, text_of, until
from firstline.testing.sshd import Sshd, serve

pytestmark = pytest.mark.anyio

SECRET = "s3cret-value-of-a-token"
LARGE = 20_000_000


async def test_output_of_20_megabytes_comes_in_pieces_and_whole(bench: Bench) -> None:
    program = f"import sys; [sys.stdout.write(f'{{n:099}}\\n') for n in range({LARGE // 100})]"
    handle = await bench.start(("python3", "-c", program), output_limit=2 * LARGE)
    offset, digest = 0, sha256()
    while True:
        progress = await bench.executor.watch(handle, offset)
        text = text_of(progress)
        assert len(text) <= 2 * PIECE
        digest.update(text.encode())
        offset = progress.offset
        if progress.state.ended and not progress.more:
            break
        await bench.executor.wait(handle, 0 if progress.more else 1)
    assert (progress.state, offset, progress.dropped) == (State.SUCCEEDED, LARGE, 0)
    assert digest.digest() == sha256(b"".join(b"%099d\n" % n for n in range(LARGE // 100))).digest()


async def test_noise_of_any_bytes_arrives_as_text_and_counts_as_bytes(bench: Bench) -> None:
    program = "import os; os.write(1, bytes(range(256)) * 64)"
    progress = await bench.end(await bench.start(("python3", "-c", program)))
    assert progress.offset == 256 * 64
    assert text_of(progress) == (bytes(range(256)) * 64).decode(errors="replace")


async def test_colours_are_kept(bench: Bench) -> None:
    progress = await bench.end(await bench.start(("printf", r"\033[31mred\033[0m")))
    assert text_of(progress) == "\033[31mred\033[0m"


async def test_outputs_are_told_with_the_end(bench: Bench) -> None:
    run = ("sh", "-c", 'echo "port=8080" >> "$FIRSTLINE_OUTPUT"; echo "name=web 1" >> "$FIRSTLINE_OUTPUT"')
    assert (await bench.end(await bench.start(run))).outputs == {"port": "8080", "name": "web 1"}


async def test_a_secret_reaches_the_command_and_nothing_else(bench: Bench, tmp_path: Path) -> None:
    run = ("sh", "-c", f'[ "$TOKEN" = "{SECRET[:6]}""{SECRET[6:]}" ] && echo right; exec sleep 100000')
    handle = await bench.start(run, secrets={"TOKEN": SecretStr(SECRET)})
    with anyio.fail_after(PATIENCE):
        while text_of(progress := await bench.executor.watch(handle)) != "right\n":  # noqa: ASYNC110 - it says so
            await anyio.sleep(0.005)
    assert SECRET not in handle.model_dump_json() + progress.model_dump_json()
    kept = [file for file in (tmp_path / "kept").rglob("*") if file.is_file()]
    assert kept
    assert not [file for file in kept if SECRET.encode() in file.read_bytes()]
    command = json.loads((tmp_path / "kept" / "runs" / handle.step / "process.json").read_text())["id"]
    assert [pid for pid, words in everybody().items() if SECRET.encode() in words] == [command]


def everybody() -> dict[int, bytes]:
    """Command lines and environments of all processes but this one."""
    found: dict[int, bytes] = {}
    for pid in psutil.pids():
        for kind in ("cmdline", "environ"):
            try:
                found[pid] = found.get(pid, b"") + Path(f"/proc/{pid}/{kind}").read_bytes()
            except OSError:
                continue
    return found


@pytest.mark.parametrize(
    ("bounds", "program"),
    [
        (Bounds(file_size=1000), "head -c 100000 /dev/zero > file"),
        (Bounds(processes=3), "for n in 1 2 3 4 5 6 7 8 9; do sleep 1000 & done; wait"),
    ],
)
async def test_a_run_that_takes_more_than_it_may_has_failed(bench: Bench, bounds: Bounds, program: str) -> None:
    progress = await bench.end(await bench.start(("sh", "-c", program), bounds=bounds))
    assert (progress.state, bool(progress.detail)) == (State.FAILED, True)


async def test_200_runs_at_a_time_on_one_host_take_one_session(sshd: Sshd, tmp_path: Path) -> None:
    with serve(options="MaxSessions 1\nMaxStartups 1\n", client_key=sshd.client_key) as strict:
        bench = Web1(lambda: executor_for(strict, remote_directory=str(tmp_path / "kept")))
        gate = tmp_path / "gate"
        run = ("sh", "-c", f"echo >> {tmp_path}/began; while [ ! -e {gate} ]; do sleep 0.2; done")
        found: list[Any] = []

        async def see() -> None:
            found.append(await bench.end(await bench.start(run)))

        async with anyio.create_task_group() as group:
            for _ in range(200):
                group.start_soon(see)
            await until(lambda: (tmp_path / "began").exists() and (tmp_path / "began").stat().st_size == 200)
            assert strict.sessions == 1
            gate.touch()
        assert [progress.state for progress in found] == [State.SUCCEEDED] * 200
        await bench.aclose()
