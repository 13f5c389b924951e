"""The runbook's own files, on the host."""

from pathlib import Path

import pytest

from firstline.errors import Rejected
from firstline.executor import State
from firstline.testing.executor import Bench, text_of

pytestmark = pytest.mark.anyio


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A runbook with a script that reads its neighbour."""
    folder = tmp_path / "runbook"
    (folder / "lib").mkdir(parents=True)
    (folder / "fix").write_text('#!/bin/sh\n. "$(dirname "$0")/lib/words"; echo "$WORDS $1"; ls -A "$(dirname "$0")"\n')
    (folder / "fix").chmod(0o755)
    (folder / "lib" / "words").write_text("WORDS=hello\n")
    (folder / ".git").mkdir()
    (folder / ".git" / "config").write_text("secret = 1\n")
    (folder / ".env").write_text("PASSWORD=x\n")
    return folder


@pytest.mark.parametrize("absolute", [False, True])
async def test_a_script_runs_beside_its_neighbours_without_what_is_hidden(
    bench: Bench, folder: Path, absolute: bool
) -> None:
    program = str(folder / "fix") if absolute else "./fix"
    progress = await bench.end(await bench.start((program, "world"), folder=str(folder)))
    assert text_of(progress).split() == ["hello", "world", "fix", "lib"]


async def test_files_are_sent_once_and_unpacked_for_each_run(bench: Bench, folder: Path, tmp_path: Path) -> None:
    (folder / "fix").write_text('#!/bin/sh\ncat "$0.mark" 2>/dev/null; echo mine >> "$0.mark"; echo done\n')
    kept = tmp_path / "kept" / "files"
    for _ in range(2):
        assert text_of(await bench.end(await bench.start(("./fix",), folder=str(folder)))) == "done\n"
        (archive,) = kept.iterdir()
        inode = archive.stat().st_ino
    (folder / "fix").write_text("#!/bin/sh\necho other\n")
    assert text_of(await bench.end(await bench.start(("./fix",), folder=str(folder)))) == "other\n"
    assert archive.stat().st_ino == inode
    assert len(list(kept.iterdir())) == 2


async def test_an_archive_that_was_changed_on_the_host_is_sent_anew(bench: Bench, folder: Path, tmp_path: Path) -> None:
    await bench.end(await bench.start(("./fix",), folder=str(folder)))
    (archive,) = (tmp_path / "kept" / "files").iterdir()
    archive.write_bytes(archive.read_bytes().replace(b"hello", b"h3ll0"))
    progress = await bench.end(await bench.start(("./fix",), folder=str(folder)))
    assert text_of(progress).startswith("hello")


async def test_files_in_many_pieces_arrive_whole(bench: Bench, folder: Path) -> None:
    content = bytes(range(256)) * 4096
    (folder / "blob").write_bytes(content)
    (folder / "fix").write_text('#!/bin/sh\nwc -c < "$(dirname "$0")/blob"\n')
    assert text_of(await bench.end(await bench.start(("./fix",), folder=str(folder)))).strip() == str(len(content))


async def test_a_file_that_may_not_be_executed_is_refused(bench: Bench, folder: Path) -> None:
    with pytest.raises(Rejected, match="may be executed"):
        await bench.start(("./lib/words",), folder=str(folder))


@pytest.mark.parametrize("program", ["./missing", "./../runbook/fix", "./.env"])
async def test_what_is_no_file_of_the_folder_is_refused(bench: Bench, folder: Path, program: str) -> None:
    with pytest.raises(Rejected, match="runbook's folder"):
        await bench.start((program,), folder=str(folder))


async def test_files_too_large_to_send_are_refused(bench: Bench, folder: Path) -> None:
    with (folder / "image").open("wb") as file:
        file.truncate(65 * 1024 * 1024)
    with pytest.raises(Rejected, match="64 MiB"):
        await bench.start(("./fix",), folder=str(folder))


async def test_a_program_of_the_host_needs_no_files(bench: Bench, folder: Path, tmp_path: Path) -> None:
    assert (await bench.end(await bench.start(("true",), folder=str(folder)))).state is State.SUCCEEDED
    assert list((tmp_path / "kept" / "files").iterdir()) == []
