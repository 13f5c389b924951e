"""What a process is made of."""

from pathlib import Path

import pytest

from firstline.executor import Step
from firstline.executors.command.program import environment_of
from firstline.executors.process.program import NotThere, directory_of, find


def executable(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


def test_the_environment_is_the_whitelist_and_the_steps_own_which_wins() -> None:
    step = Step(id="s", run=("x",), environment={"LANG": "C", "PORT": "1"})
    own = {"PATH": "/bin", "LANG": "de", "SECRET": "x"}
    assert environment_of(step, ("PATH", "LANG", "TZ"), own) == {"PATH": "/bin", "LANG": "C", "PORT": "1"}


def test_the_first_program_on_the_path_is_taken(tmp_path: Path) -> None:
    first, second = executable(tmp_path / "a" / "tool"), executable(tmp_path / "b" / "tool")
    assert find("tool", {"PATH": f"{first.parent}:{second.parent}"}, tmp_path) == first


def test_what_may_not_be_executed_is_passed_over(tmp_path: Path) -> None:
    executable(tmp_path / "a" / "tool").chmod(0o644)
    second = executable(tmp_path / "b" / "tool")
    assert find("tool", {"PATH": f"{tmp_path}/a:{tmp_path}/b"}, tmp_path) == second


def test_a_folder_is_no_program(tmp_path: Path) -> None:
    (tmp_path / "tool").mkdir()
    with pytest.raises(NotThere, match="no program 'tool'"):
        find("tool", {"PATH": str(tmp_path)}, tmp_path)


def test_a_name_with_a_slash_is_found_from_the_working_directory(tmp_path: Path) -> None:
    tool = executable(tmp_path / "bin" / "tool")
    assert find("bin/tool", {"PATH": "/bin"}, tmp_path) == tool
    assert find(str(tool), {"PATH": "/bin"}, Path("/")) == tool


def test_without_a_path_the_systems_own_is_searched(tmp_path: Path) -> None:
    assert find("sh", {}, tmp_path) == Path("/bin/sh")


def test_a_step_without_a_directory_has_a_fresh_one(tmp_path: Path) -> None:
    assert directory_of("", tmp_path / "work") == tmp_path / "work"


def test_a_program_that_is_there_and_may_not_be_executed_is_told_apart_from_none(tmp_path: Path) -> None:
    executable(tmp_path / "tool").chmod(0o644)
    with pytest.raises(NotThere, match="by its mode, or since its file system is mounted noexec"):
        find("./tool", {}, tmp_path)
    with pytest.raises(NotThere, match="it is not there"):
        find("./other", {}, tmp_path)
