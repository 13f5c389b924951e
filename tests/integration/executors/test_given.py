"""What a command is given beside its arguments, and what it gives: files of the runbook, secrets, outputs."""

import ast
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

import psutil
import pytest
from pydantic import SecretStr

from firstline.errors import Rejected
from firstline.executor import PIECE, State
from firstline.executors.process.run_directory import RunDirectory
from firstline.testing.executor import Bench, text_of, until

pytestmark = pytest.mark.anyio

SECRET = f"s3cret-{uuid4().hex}"  # others run their tests on this machine too
SECRETS = {"TOKEN": SecretStr(SECRET)}

# files of the runbook


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "pack"
    folder.mkdir()
    script = folder / "greet"
    script.write_text('#!/bin/sh\necho "hello $1"\n')
    script.chmod(0o755)
    return folder


@pytest.mark.parametrize("program", ["./greet", "{folder}/greet"])
async def test_a_program_of_the_runbook_is_run(bench: Bench, folder: Path, program: str) -> None:
    run = (program.format(folder=folder), "you")
    progress = await bench.end(await bench.start(run, folder=str(folder)))
    assert text_of(progress) == "hello you\n", progress


@pytest.mark.parametrize("program", ["./missing", "./../outside", "./sub/../../outside"])
async def test_what_is_no_file_of_the_runbook_is_rejected(bench: Bench, folder: Path, program: str) -> None:
    outside = folder.parent / "outside"
    outside.write_text("#!/bin/sh\n")
    outside.chmod(0o755)
    with pytest.raises(Rejected):
        await bench.start((program,), folder=str(folder))


async def test_nothing_to_run_is_rejected(bench: Bench) -> None:
    with pytest.raises(Rejected, match="nothing to `run`"):
        await bench.start(())


async def test_parameters_that_only_others_understand_are_rejected(bench: Bench) -> None:
    with pytest.raises(Rejected, match="playbook"):
        await bench.start(("true",), parameters={"playbook": "x.yml"})


# secrets


async def test_a_secret_is_a_variable_of_the_command(bench: Bench) -> None:
    progress = await bench.end(await bench.start(("sh", "-c", "echo $TOKEN"), secrets=SECRETS))
    assert text_of(progress) == f"{SECRET}\n"


async def test_a_secret_is_in_no_file_no_command_line_and_no_other_process(bench: Bench, runs: Path) -> None:
    handle = await bench.start(("sleep", "100000"), secrets=SECRETS, environment={"PORT": "1"})
    command = psutil.Process(RunDirectory(Path(handle.where)).process()["id"])
    await until(lambda: command.environ().get("TOKEN") == SECRET)
    holders = [process.pid for process in psutil.process_iter() if SECRET in shown(process)]
    assert holders == [command.pid]
    assert holders_of(SECRET.encode(), runs) == []
    assert SECRET not in handle.model_dump_json()


def holders_of(word: bytes, directory: Path) -> list[Path]:
    return [file for file in directory.rglob("*") if file.is_file() and word in file.read_bytes()]


def shown(process: psutil.Process) -> str:
    try:
        return f"{process.cmdline()}{process.environ()}"
    except psutil.Error:
        return ""


async def test_a_secret_is_in_no_refusal(bench: Bench) -> None:
    with pytest.raises(Rejected) as refused:
        await bench.start(("no-such-program",), secrets=SECRETS)
    assert SECRET not in str(refused.value)


# outputs


async def test_what_it_writes_to_the_named_file_are_its_outputs_with_the_end(bench: Bench, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    program = f'printf "a=1\\nb= x=y\\n" >> "$FIRSTLINE_OUTPUT"; mkfifo {gate}; read -r _ < {gate}'
    handle = await bench.start(("sh", "-c", program))
    await until(gate.exists)
    assert (await bench.executor.watch(handle)).outputs == {}
    gate.write_text("go\n")
    assert (await bench.end(handle)).outputs == {"a": "1", "b": " x=y"}


async def test_outputs_may_be_one_object(bench: Bench) -> None:
    program = """echo '{"hosts": ["a", "b"], "free": 12.5}' > $FIRSTLINE_OUTPUT"""
    assert (await bench.end(await bench.start(("sh", "-c", program)))).outputs == {"hosts": ["a", "b"], "free": 12.5}


async def test_outputs_of_a_failure_are_told_too(bench: Bench) -> None:
    progress = await bench.end(await bench.start(("sh", "-c", "echo a=1 > $FIRSTLINE_OUTPUT; exit 3")))
    assert (progress.state, progress.outputs) == (State.FAILED, {"a": "1"})


@pytest.mark.parametrize(
    ("program", "words"),
    [
        ("echo 'no outputs' > $FIRSTLINE_OUTPUT", "line 1 is not key=value"),
        ("head -c 70000 /dev/zero | tr '\\0' x > $FIRSTLINE_OUTPUT", "more than 65536 bytes"),
    ],
)
async def test_outputs_that_can_not_be_used_are_told_and_change_no_end(bench: Bench, program: str, words: str) -> None:
    progress = await bench.end(await bench.start(("sh", "-c", program)))
    assert (progress.state, progress.outputs) == (State.SUCCEEDED, {})
    assert words in progress.detail


@pytest.mark.parametrize("instead", ["ln -sf /etc/passwd", "ln -f ../begun.json", "mkfifo", "mkdir", ":"])
async def test_only_a_plain_file_of_its_own_gives_outputs(bench: Bench, instead: str) -> None:
    program = f'rm "$FIRSTLINE_OUTPUT"; {instead} "$FIRSTLINE_OUTPUT"'
    progress = await bench.end(await bench.start(("sh", "-c", program)))
    assert (progress.state, progress.outputs) == (State.SUCCEEDED, {}), progress


# a lot of output


async def test_a_hundred_megabytes_are_kept_where_the_step_says_and_read_in_pieces(bench: Bench) -> None:
    size = 100_000_000
    program = f"head -c {size} /dev/zero | tr '\\0' x"
    handle = await bench.start(("sh", "-c", program), output_limit=2 * size, timeout=120)
    supervisor = psutil.Process(RunDirectory(Path(handle.where)).process()["id"]).parent()
    assert supervisor is not None
    before = psutil.Process().memory_info().rss
    offset = seen = 0
    while True:
        progress = await bench.executor.watch(handle, offset)
        assert sum(len(chunk.text) for chunk in progress.output) <= PIECE
        assert all(set(chunk.text) == {"x"} for chunk in progress.output)
        seen, offset = seen + progress.offset - offset, progress.offset
        if progress.state.ended and not progress.more:
            break
        if not progress.more:
            with suppress(psutil.NoSuchProcess):  # it has ended since
                assert supervisor.memory_info().rss < 40_000_000
            await bench.executor.wait(handle, 0.05)
    assert (seen, offset, progress.dropped) == (size, size, 0)
    assert psutil.Process().memory_info().rss - before < 30_000_000


async def test_noise_is_the_same_text_whatever_the_pieces(bench: Bench, tmp_path: Path) -> None:
    noise = tmp_path / "noise"
    noise.write_bytes(os.urandom(3 * PIECE))
    progress = await bench.end(await bench.start(("cat", str(noise)), output_limit=4 * PIECE))
    assert text_of(progress) == noise.read_bytes().decode(errors="replace")


async def test_colours_are_kept(bench: Bench) -> None:
    progress = await bench.end(await bench.start(("printf", r"\033[31mred\033[0m")))
    assert text_of(progress) == "\033[31mred\033[0m"


# what an older Python on another host has to do without


def test_a_supervisor_needs_nothing_that_python_3_8_has_not(tmp_path: Path) -> None:
    program = f"""
import os, signal, socket
from pathlib import Path
del os.pidfd_open, os.waitstatus_to_exitcode, signal.pidfd_send_signal
import json
from firstline.executors.process.cancel import cancel
from firstline.executors.process.look import look
from firstline.executors.process.run_directory import RunDirectory
from firstline.executors.process.supervisor import supervise

run = RunDirectory(Path({str(tmp_path / "run")!r}))
run.make()
ours, theirs = socket.socketpair()
request = dict(step="s", name="", run=["sh", "-c", "echo a=b > $FIRSTLINE_OUTPUT; sleep 100000"], program="/bin/sh",
    environment={{"PATH": os.defpath}}, directory="/", workplace=str(run.path), timeout=60, output_limit=100,
    kill_grace=0.3)
if os.fork() == 0:
    ours.close()
    supervise(run.lock(), theirs)
    os._exit(0)
theirs.close()
ours.sendall(json.dumps(request).encode())
ours.shutdown(socket.SHUT_WR)
assert ours.recv(1) == b"+"
import time
while not run.outputs.read_text():
    time.sleep(0.005)
cancel(run, 0.3)
os.wait()
seen = look(run)
assert (seen["state"], seen["outputs"]) == ("cancelled", "a=b\\n"), seen
"""
    subprocess.run([sys.executable, "-I", "-c", program], check=True, timeout=60)


@pytest.mark.parametrize("module", sorted(Path(RunDirectory.__init__.__code__.co_filename).parent.glob("*.py")))
def test_what_hosts_run_reads_as_python_3_8_and_imports_no_package(module: Path) -> None:
    tree = ast.parse(module.read_text(), feature_version=(3, 8))
    imported = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module}
    imported |= {name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}
    others = {name for name in imported if name.partition(".")[0] not in sys.stdlib_module_names}
    assert [name for name in others if not name.startswith("firstline.executors.process")] == []
