"""The executor that the guide shows: installed as a stranger's package is, it is found and passes what all pass."""

import os
import re
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from firstline.errors import Rejected
from firstline.executor import Executor, State
from firstline.registry import executor, names
from firstline.testing.executor import Bench, ExecutorContract, text_of

DOCS = Path(__file__).parents[3] / "docs/how-to"
EXAMPLE = DOCS / "examples/firstline-nice"
GUIDE = (DOCS / "write-an-executor.md").read_text()


@pytest.fixture(scope="module", autouse=True)
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A wheel, built by the backend that the package names and unpacked where Python looks."""
    folder = tmp_path_factory.mktemp("installed")
    build = f"import uv_build; uv_build.build_wheel({str(folder)!r})"
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"  # where the backend looks for its program
    subprocess.run([sys.executable, "-c", build], cwd=EXAMPLE, check=True, capture_output=True, env={"PATH": path})
    (wheel,) = folder.glob("firstline_nice-*.whl")
    zipfile.ZipFile(wheel).extractall(folder)
    sys.path.insert(0, str(folder))
    yield
    sys.path.remove(str(folder))
    sys.modules.pop("firstline_nice", None)


class TestNiceExecutor(ExecutorContract):
    def make(self, place: Path) -> Executor[Any]:
        kind = executor("nice")
        return kind(kind.settings_model(directory=place / "runs", kill_grace=0.3))

    def whitelist(self) -> set[str]:
        return {"PATH", "HOME", "LANG", "LC_ALL", "TZ", "FIRSTLINE_OUTPUT"}

    async def test_it_gives_way(self, bench: Bench) -> None:
        handle = await bench.start(("nice",), parameters={"level": 7})
        assert text_of(await bench.end(handle)) == "7\n"

    async def test_what_it_may_be_told_is_checked(self, bench: Bench) -> None:
        with pytest.raises(Rejected, match="level: Input should be less than or equal to 19"):
            await bench.start(("true",), parameters={"level": 20})

    async def test_what_began_is_found_when_its_program_is_gone(self, bench: Bench, place: Path) -> None:
        program = place / "program"
        program.write_text("#!/bin/sh\n")
        program.chmod(0o755)
        handle = await bench.start((str(program),), id="once")
        assert (await bench.end(handle)).state is State.SUCCEEDED
        program.unlink()
        assert await bench.start((str(program),), id="once") == handle


def test_it_is_listed() -> None:
    assert "nice" in names("firstline.executors")


def test_the_guide_shows_what_the_package_says() -> None:
    (shown,) = re.findall(r"^```toml\n# pyproject.toml\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)
    said = tomllib.loads((EXAMPLE / "pyproject.toml").read_text())["project"]
    assert tomllib.loads(shown)["project"]["entry-points"] == said["entry-points"]


def test_the_guide_names_all_that_an_executor_has() -> None:
    methods = {name for name in vars(Executor) if not name.startswith("_")} - {"refuse_dry_run"}
    assert {name for name in methods if f"`{name}" not in GUIDE} == set()
