"""The log of a run in its file."""

import gzip
import resource
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from firstline.errors import Unavailable
from firstline.remediation.run.log import PAGE, TAIL, Kept, LogWriter, open_log, pack, packed, read
from firstline.store import clock

Begin = Callable[..., LogWriter]
MINUTE = 60 * 10**9


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "logs" / "r" / "r.step.0.log"


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Moves the clock on."""
    at = [1_795_428_000 * 10**9]
    monkeypatch.setattr(clock, "time_ns", lambda: at[0])

    def on() -> None:
        at[0] += MINUTE

    return on


def write(path: Path, *lines: str, limit: int = 10**7) -> Kept:
    log = LogWriter(path, limit)
    for line in lines:
        log.write("stdout", line, whole=True)
        log.flush()
    assert list(log.rest()) == []
    return log.close()


@pytest.fixture
def begun(path: Path) -> Iterator[Begin]:
    """Begins a log, whose writer then dies."""
    made: list[LogWriter] = []

    def begin(*lines: str) -> LogWriter:
        made.append(LogWriter(path, 10**6))
        for line in lines:
            made[-1].write("stdout", line, whole=True)
            made[-1].flush()
        return made[-1]

    yield begin
    for each in made:
        each.drop()


def texts(path: Path, offset: int = 0) -> list[str]:
    return [line.text for line in read(path, offset)[0]]


def whole(path: Path) -> Iterator[str]:
    """All of it, page by page."""
    offset = 0
    while True:
        lines, offset = read(path, offset)
        if not lines:
            return
        yield from (line.text for line in lines)


def test_a_line_says_when_it_came_on_which_stream_and_whether_it_ended(path: Path, later: Callable[[], None]) -> None:
    log = LogWriter(path, 10**6)
    log.write("stdout", "one", whole=True)
    log.flush()
    later()
    log.write("stderr", "two, not ended", whole=False)
    log.close()
    assert path.read_text() == (
        "2026-11-23T10:00:00.000000Z stdout F one\n2026-11-23T10:01:00.000000Z stderr P two, not ended\n"
    )


def test_what_is_read_from_an_offset_goes_on_where_the_last_look_ended(path: Path) -> None:
    write(path, *map(str, range(30_000)))
    first, offset = read(path)
    assert offset >= PAGE
    assert list(whole(path)) == list(map(str, range(30_000)))
    assert texts(path, offset)[0] == str(len(first))


def test_each_line_says_where_it_begins(path: Path) -> None:
    write(path, "one", "two", "three")
    lines, end = read(path)
    assert [texts(path, line.offset) for line in lines] == [["one", "two", "three"], ["two", "three"], ["three"]]
    assert read(path, end) == ([], end)


def test_an_offset_inside_of_a_line_is_the_beginning_of_the_next(path: Path) -> None:
    write(path, "one", "two")
    assert texts(path, 1) == ["two"]


def test_a_line_that_is_not_written_whole_yet_waits(path: Path) -> None:
    write(path, "one")
    with path.open("ab") as file:
        file.write(b"2026-11-23T10:00:00.000000Z stdout F tw")
    lines, offset = read(path)
    assert [line.text for line in lines] == ["one"]
    assert offset == lines[0].offset + len(path.read_bytes().splitlines(keepends=True)[0])


def test_the_digest_and_size_are_those_of_the_text_also_when_it_is_packed(path: Path) -> None:
    kept = write(path, "one", "two")
    text = path.read_bytes()
    assert kept == Kept(len(text), sha256(text).hexdigest())
    assert kept.facts == {"log": {"bytes": kept.size, "sha256": kept.digest}}
    pack(path)
    assert not path.exists()
    assert gzip.decompress(packed(path).read_bytes()) == text


def test_a_packed_log_reads_as_it_did_at_the_same_offsets(path: Path) -> None:
    write(path, *map(str, range(2_000)))
    before = read(path, 5_000)
    pack(path)
    assert read(path, 5_000) == before


def test_where_nothing_was_printed_there_is_no_log(path: Path) -> None:
    assert write(path) == Kept()
    assert not path.parent.exists()
    assert read(path) == ([], 0)
    assert Kept().facts == {}


def test_a_log_is_for_the_account_of_the_hub_alone(path: Path) -> None:
    write(path, "one")
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_beyond_the_limit_the_middle_is_left_out_and_it_is_said(path: Path) -> None:
    kept = write(path, *(f"{number:05}" for number in range(5_000)), limit=20_000)
    lines = list(whole(path))
    gap = next(line for line in lines if "left out" in line)
    head, tail = lines[: lines.index(gap)], lines[lines.index(gap) + 1 :]
    size = len("2026-11-23T10:00:00.000000Z stdout F 00000\n")
    assert gap == f"{(5_000 - len(head) - len(tail)) * size} bytes left out"
    assert head == [f"{number:05}" for number in range(len(head))]
    assert tail == [f"{number:05}" for number in range(5_000 - len(tail), 5_000)]
    assert 19_000 < kept.size < 20_100
    assert abs(len(head) - len(tail)) < 3


def test_of_a_large_log_the_beginning_stays_and_the_last_mebibyte(path: Path) -> None:
    line = "x" * 963
    kept = write(path, *(f"{number:05} {line}" for number in range(4_000)), limit=3 * TAIL)
    assert 2.9 * TAIL < kept.size < 3.1 * TAIL
    lines = list(whole(path))
    gap = next(at for at, line in enumerate(lines) if "left out" in line)
    assert 1_900 < gap < 2_100
    assert lines[-1].startswith("03999")


# after a crash


def test_a_run_that_is_followed_anew_has_the_same_log(path: Path, begun: Begin, later: Callable[[], None]) -> None:
    begun("one", "two")
    known = path.read_bytes()
    later()
    write(path, "one", "two", "three")
    assert path.read_bytes() == known + b"2026-11-23T10:01:00.000000Z stdout F three\n"


def test_a_run_that_is_followed_anew_when_it_had_ended_has_the_same_digest(
    path: Path, later: Callable[[], None]
) -> None:
    kept = write(path, "one", "two")
    later()
    assert write(path, "one", "two") == kept


def test_a_packed_log_that_is_followed_anew_is_the_same(path: Path, later: Callable[[], None]) -> None:
    kept = write(path, "one", "two")
    pack(path)
    later()
    assert write(path, "one", "two") == kept
    assert texts(path) == ["one", "two"]


def test_a_reader_sees_all_that_was_there_while_the_run_is_read_again(path: Path, begun: Begin) -> None:
    begun("one", "two", "three")
    again = begun("one")
    assert texts(path) == ["one", "two", "three"]
    again.drop()


def test_a_line_that_was_torn_by_the_crash_is_written_anew(path: Path, begun: Begin) -> None:
    begun("one")
    with path.open("ab") as file:
        file.write(b"2026-11-23T10:00:00.000000Z stdout F tw")
    write(path, "one", "two")
    assert texts(path) == ["one", "two"]


@pytest.mark.parametrize("same", [0, 1, 2])
def test_what_reads_otherwise_than_before_is_replaced(path: Path, begun: Begin, same: int) -> None:
    """As when a secret is known now that was not then."""
    before = ["one", "two", "three"]
    begun(*before)
    after = [*before[:same], "[masked]", "four"]
    write(path, *after)
    assert texts(path) == after


def test_what_was_masked_stays_masked_when_nobody_knows_the_secret_any_more(path: Path, begun: Begin) -> None:
    begun("one", "it is [masked]", "three")
    log = LogWriter(path, 10**6)
    kept = [log.write("stdout", text, whole=True) for text in ("one", "it is s3cret", "three", "four")]
    log.close()
    assert kept == texts(path) == ["one", "it is [masked]", "three", "four"]


def test_what_the_executor_has_lost_since_stays(path: Path, begun: Begin) -> None:
    begun("one", "two")
    known = path.read_bytes()
    log = LogWriter(path, 10**6)
    log.write("stdout", "one", whole=True)
    assert [line.text for line in log.rest()] == ["two"]
    assert log.close() == Kept(len(known), sha256(known).hexdigest())
    assert path.read_bytes() == known


def test_who_was_taken_for_dead_and_writes_on_changes_nothing(path: Path, begun: Begin) -> None:
    woken = begun("one")
    other = begun("one", "two")
    woken.write("stdout", "of the dead", whole=True)
    with pytest.raises(Unavailable):
        woken.close()
    other.write("stdout", "three", whole=True)
    other.close()
    assert texts(path) == ["one", "two", "three"]


def test_who_lets_go_leaves_what_was_there_and_no_draft(path: Path, begun: Begin) -> None:
    begun("one", "two")
    begun("one").drop()
    assert texts(path) == ["one", "two"]
    assert [each.name for each in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize("text", ["", " ", "\r", "\x0b\x0c\x1c\u2028\x85", "a b  c ", "\ufffd\x1b[31mred"])
def test_any_text_without_a_line_break_is_read_as_it_was_written(path: Path, text: str) -> None:
    write(path, text, "after")
    assert texts(path) == [text, "after"]


def test_half_a_pair_is_no_trouble(path: Path) -> None:
    write(path, "a\ud800b")
    assert texts(path) == ["a?b"]


def test_a_folder_that_cannot_be_made_is_said_and_holds_up_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    log = LogWriter(tmp_path / "file" / "r" / "run.log", 10**6)
    assert log.write("stdout", "one", whole=True) == "one"
    log.flush()
    assert log.close() == Kept()
    assert log.failure == "Not a directory"


def test_a_disk_that_is_full_in_the_middle_leaves_the_whole_lines_before(path: Path) -> None:
    log = LogWriter(path, 10**6)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, limits[1]))
    try:
        for number in range(1_000):
            log.write("stdout", str(number), whole=True)
            log.flush()
        kept = log.close()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert log.failure == "File too large"
    assert kept == Kept()
    assert 100 < len(texts(path)) < 1_000
    assert texts(path) == [str(number) for number in range(len(texts(path)))]


def test_a_log_that_is_not_there_is_said_so(path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        open_log(path)
