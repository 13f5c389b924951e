"""What a run prints becomes its log, and head and tail of it."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firstline.errors import Unavailable
from firstline.executor import Chunk, Executor, Handle, NoParameters, Progress, State, Step
from firstline.masking import Masker, StreamMasker
from firstline.remediation.note.output import Excerpt
from firstline.remediation.run.log import NOTHING, LogWriter, read
from firstline.remediation.run.record import LONGEST, Printed, Record, follow

SECRET = "Zx81-correct-horse-battery"
LIMIT = 10**6


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run.log"


@pytest.fixture
def record(path: Path) -> Iterator[Callable[..., Record]]:
    made: list[Record] = []

    def make(secrets: Sequence[str] = (SECRET,), limit: int = LIMIT) -> Record:
        masker = Masker(secrets)
        made.append(Record(LogWriter(path, LIMIT), lambda: StreamMasker(masker), limit))
        return made[-1]

    yield make
    for each in made:
        each.drop()


def chunks(*parts: tuple[str, str]) -> list[Chunk]:
    """Of (stream, text), one after another."""
    made: list[Chunk] = []
    offset = 0
    for stream, text in parts:
        made.append(Chunk(stream=stream, text=text, offset=offset))  # type: ignore[arg-type]
        offset += len(text.encode())
    return made


def lines(path: Path) -> list[tuple[str, str]]:
    return [(line.stream, line.text) for line in read(path)[0]]


def size(path: Path) -> int:
    return path.stat().st_size


def test_lines_stand_in_the_order_in_which_they_ended(path: Path, record: Callable[..., Record]) -> None:
    one = record()
    one.add(chunks(("stdout", "a\nbeg"), ("stderr", "x\ny"), ("stdout", "un\n"), ("stderr", "z\n")))
    one.close()
    assert lines(path) == [("stdout", "a"), ("stderr", "x"), ("stdout", "begun"), ("stderr", "yz")]


def test_the_excerpt_is_what_the_log_says(record: Callable[..., Record]) -> None:
    one = record()
    one.add(chunks(("stdout", "a\nb"), ("stderr", "x\n")))
    assert one.close().excerpt == "a\nb\nx\n"


def test_what_is_shown_now_does_not_wait_for_the_end(path: Path, record: Callable[..., Record]) -> None:
    record().add(chunks(("stdout", "a line of it\nand ")))
    assert lines(path) == [("stdout", "a line of it")]


@pytest.mark.parametrize("cut", range(1, len(SECRET)))
def test_a_secret_that_comes_in_two_pieces_is_never_shown(path: Path, record: Callable[..., Record], cut: int) -> None:
    one, shown = record(), []
    for chunk in chunks(
        ("stdout", f"it is {SECRET[:cut]}"), ("stderr", "meanwhile\n"), ("stdout", f"{SECRET[cut:]}\n")
    ):
        one.add([chunk])
        shown += lines(path)
    printed = one.close()
    assert lines(path) == [("stderr", "meanwhile"), ("stdout", "it is [masked]")]
    assert all(SECRET[:8] not in text and SECRET[-8:] not in text for _, text in shown)
    assert printed.excerpt == "meanwhile\nit is [masked]\n"


def test_what_the_executor_left_out_is_said_where_it_is_missing(path: Path, record: Callable[..., Record]) -> None:
    one = record()
    head, tail = Chunk(stream="stdout", text="head", offset=0), Chunk(stream="stdout", text="tail\n", offset=1004)
    one.add([head])
    one.add([tail], dropped=1000)
    printed = one.close(dropped=1000)
    assert lines(path) == [("stdout", "head"), ("firstline", "1000 bytes left out"), ("stdout", "tail")]
    assert printed.excerpt == "head\n[... 1000 bytes left out ...]\ntail\n"


def test_a_secret_that_a_gap_cuts_is_masked_on_both_sides(path: Path, record: Callable[..., Record]) -> None:
    one = record()
    half = [Chunk(stream="stdout", text=SECRET[:13], offset=0), Chunk(stream="stdout", text=SECRET[13:], offset=1013)]
    one.add(half, dropped=1000)
    one.close(dropped=1000)
    assert [text for _, text in lines(path)] == ["[masked]", "1000 bytes left out", "[masked]"]


def test_what_was_left_out_is_said_also_where_its_place_is_not_known(path: Path, record: Callable[..., Record]) -> None:
    one = record()
    one.add([Chunk(stream="stdout", text="\ufffd" * 10, offset=0), Chunk(stream="stdout", text="tail", offset=20)], 10)
    one.close(10)
    assert lines(path)[-1] == ("firstline", "10 bytes left out")


def test_a_nul_becomes_its_symbol_and_a_line_without_end_is_parted(path: Path, record: Callable[..., Record]) -> None:
    one = record()
    one.add(chunks(("stdout", "\x00" + "x " * LONGEST)))
    printed = one.close()
    texts = [text for _, text in lines(path)]
    assert "".join(texts) == printed.excerpt == "\N{SYMBOL FOR NULL}" + "x " * LONGEST
    assert max(map(len, texts)) == LONGEST


def test_half_a_pair_is_kept_out_of_the_excerpt_too(record: Callable[..., Record]) -> None:
    one = record()
    one.add([Chunk(stream="stdout", text="a\ud800b\n", offset=0)])
    assert one.close().excerpt == "a?b\n"


def test_the_last_that_was_said_on_stderr_is_known_without_its_colours(record: Callable[..., Record]) -> None:
    one = record()
    one.add(chunks(("stderr", "looking\n\x1b[31mrefused: it would not be enough\x1b[0m\n \n"), ("stdout", "bye\n")))
    assert one.close().complaint == "refused: it would not be enough"


def test_a_log_that_is_not_whole_is_said_to_be_so(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    one = Record(LogWriter(tmp_path / "file" / "r" / "run.log", LIMIT), lambda: StreamMasker(Masker()), LIMIT)
    one.add(chunks(("stdout", "a line of it\n")))
    printed = one.close()
    assert printed == Printed("a line of it\n\n[... the full log is not whole: Not a directory ...]\n", NOTHING)


LINE = st.sampled_from(["\n", "a", "b c", SECRET, "password=", "\r", "\x00", "\ufffd", "\x1b[31m", "\n\n", "x" * 40])
PART = st.tuples(st.sampled_from(["stdout", "stderr"]), st.lists(LINE, max_size=6).map("".join))


@settings(max_examples=40)
@given(parts=st.lists(PART, max_size=12), cuts=st.lists(st.integers(1, 60), min_size=1, max_size=8))
def test_in_whatever_pieces_it_comes_each_stream_says_the_same(
    tmp_path_factory: pytest.TempPathFactory, parts: list[tuple[str, str]], cuts: list[int]
) -> None:
    masker, found = Masker([SECRET]), []
    for size in (10**6, *cuts):
        path = tmp_path_factory.mktemp("record") / "run.log"
        one = Record(LogWriter(path, LIMIT), lambda: StreamMasker(masker), LIMIT)
        for chunk in chunks(*_cut(parts, size)):
            one.add([chunk])
        one.close()
        found.append(
            {stream: [text for each, text in lines(path) if each == stream] for stream in ("stdout", "stderr")}
        )
    assert all(each == found[0] for each in found)


def _cut(parts: list[tuple[str, str]], size: int) -> Iterator[tuple[str, str]]:
    for stream, text in parts:
        yield from ((stream, text[at : at + size]) for at in range(0, len(text), size))


@given(texts=st.lists(st.text(max_size=9), max_size=30), limit=st.integers(1, 40))
def test_an_excerpt_made_in_pieces_is_head_and_tail_of_the_whole(texts: list[str], limit: int) -> None:
    made, whole, half = Excerpt(limit), "".join(texts), limit // 2
    for text in texts:
        made.add(text)
    gap = f"\n[... {len(whole) - 2 * half} characters left out ...]\n"
    assert made.text() == (whole if len(whole) <= limit else whole[:half] + gap + whole[len(whole) - half :])


# followed


class Told(Executor[NoParameters]):
    """Says what a test tells it to say, look by look."""

    name = "told"
    settings_model = NoParameters

    def __init__(self, *looks: Progress | Exception) -> None:
        super().__init__(NoParameters())
        self._looks = list(looks)
        self.asked: list[int] = []
        self.waited = 0

    async def start(self, step: Step) -> Handle:
        raise NotImplementedError

    async def cancel(self, handle: Handle) -> None:
        raise NotImplementedError

    async def aclose(self) -> None:
        pass

    async def watch(self, handle: Handle, offset: int = 0) -> Progress:
        self.asked.append(offset)
        look = self._looks.pop(0)
        if isinstance(look, Exception):
            raise look
        return look

    async def wait(self, handle: Handle, timeout: float) -> None:
        self.waited += 1


HANDLE = Handle(executor="told", step="s", where="here")


def look(state: State, text: str, offset: int, **more: Any) -> Progress:
    output = (Chunk(stream="stdout", text=text, offset=offset),) if text else ()
    return Progress(state=state, output=output, offset=offset + len(text), **more)


@pytest.mark.anyio
async def test_what_there_is_more_of_is_asked_for_at_once_also_after_the_end(
    path: Path, record: Callable[..., Record]
) -> None:
    told = Told(
        look(State.RUNNING, "a\n", 0, more=True),
        look(State.RUNNING, "b\n", 2),
        look(State.SUCCEEDED, "c\n", 4, more=True),
        look(State.SUCCEEDED, "d\n", 6),
    )
    progress, printed = await follow(told, HANDLE, record())
    assert told.asked == [0, 2, 4, 6]
    assert told.waited == 1
    assert progress.offset == 8
    assert printed.excerpt == "a\nb\nc\nd\n"


@pytest.mark.anyio
async def test_who_says_that_there_is_more_and_gives_none_is_not_asked_for_ever(record: Callable[..., Record]) -> None:
    stuck = look(State.FAILED, "", 5, more=True)
    progress, _ = await follow(Told(look(State.RUNNING, "abcd\n", 0), stuck), HANDLE, record())
    assert progress.state is State.FAILED


@pytest.mark.anyio
async def test_who_could_not_be_asked_is_followed_anew_into_the_same_log(
    path: Path, record: Callable[..., Record]
) -> None:
    with pytest.raises(Unavailable):
        await follow(Told(look(State.RUNNING, "a\nb", 0), Unavailable("cut off")), HANDLE, record())
    assert lines(path) == [("stdout", "a")]
    again = Told(look(State.SUCCEEDED, "a\nb\nc\n", 0))
    _, printed = await follow(again, HANDLE, record())
    assert [text for _, text in lines(path)] == ["a", "b", "c"]
    assert printed == Printed("a\nb\nc\n", printed.log)
    assert printed.log.size == size(path)


@pytest.mark.anyio
async def test_a_run_whose_traces_are_gone_keeps_what_was_seen_of_it(path: Path, record: Callable[..., Record]) -> None:
    with pytest.raises(Unavailable):
        await follow(Told(look(State.RUNNING, "a\nb\n", 0), Unavailable("cut off")), HANDLE, record())
    _, printed = await follow(Told(Progress(state=State.UNKNOWN, detail="it is gone")), HANDLE, record())
    assert printed.excerpt == "a\nb\n"
    assert printed.log.size == size(path)
