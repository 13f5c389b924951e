"""Processes, told apart from later ones with the same number."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from firstline.executors.process import tree


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(["sleep", "100000"], start_new_session=True) as process:
        yield process
        process.kill()


def looked(process_id: int) -> tree.Process:
    process = tree.look(process_id)
    assert process is not None
    return process


def test_a_process_is_seen_with_its_parent_and_session(sleeper: subprocess.Popen[bytes]) -> None:
    process = looked(sleeper.pid)
    assert (process.parent, process.session) == (os.getpid(), sleeper.pid)
    assert process.started > looked(1).started


def test_a_name_with_blanks_and_parentheses_hides_no_field() -> None:
    program = "import sys, pathlib; pathlib.Path('/proc/self/comm').write_text('a) S (b'); print(flush=True); input()"
    arguments = [sys.executable, "-c", program]
    with subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert (looked(process.pid).name, looked(process.pid).parent) == ("a) S (b", os.getpid())
        process.communicate(b"\n")


def test_nobody_is_none(sleeper: subprocess.Popen[bytes]) -> None:
    sleeper.kill()
    sleeper.wait()
    assert tree.look(sleeper.pid) is None


def test_children_are_descendants_until_they_have_ended(sleeper: subprocess.Popen[bytes]) -> None:
    assert sleeper.pid in [process.id for process in tree.descendants(os.getpid())]
    os.kill(sleeper.pid, signal.SIGKILL)
    os.waitid(os.P_PID, sleeper.pid, os.WEXITED | os.WNOWAIT)
    assert sleeper.pid not in [process.id for process in tree.descendants(os.getpid())]


def test_a_signal_reaches_the_very_process_alone(sleeper: subprocess.Popen[bytes]) -> None:
    process = looked(sleeper.pid)
    tree.send(process._replace(started=process.started - 1), signal.SIGKILL)
    assert sleeper.poll() is None
    tree.send(process, signal.SIGKILL)
    assert sleeper.wait() == -signal.SIGKILL
    tree.send(process, signal.SIGKILL)


def test_a_session_is_its_members_as_long_as_the_number_is_its_own(sleeper: subprocess.Popen[bytes]) -> None:
    process = looked(sleeper.pid)
    assert [member.id for member in tree.session(process.id, process.started)] == [process.id]
    assert tree.session(process.id, process.started - 1) == []
