"""Output on disk: nothing lost, nothing twice, head and tail beyond the limit."""

from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firstline.executors.process.output import PIECES, SEGMENT, STDERR, STDOUT, OutputReader, OutputWriter, Piece, whole

Writes = list[tuple[int, bytes]]
WRITES = st.lists(st.tuples(st.sampled_from([STDOUT, STDERR]), st.binary(min_size=1, max_size=30)), max_size=30)
TEXTS = st.lists(
    st.tuples(st.sampled_from([STDOUT, STDERR]), st.text(min_size=1, max_size=9).map(lambda text: text.encode())),
    max_size=30,
)


def write(directory: Path, limit: int, writes: Iterable[tuple[int, bytes]]) -> OutputReader:
    writer = OutputWriter(directory, limit)
    for stream, content in writes:
        writer.write(stream, content)
    writer.close()
    assert writer.failure == ""
    return OutputReader(directory, limit)


def joined(pieces: Iterable[Piece], stream: int = 0) -> bytes:
    return b"".join(piece.content for piece in pieces if stream in (0, piece.stream))


def read(reader: OutputReader, offset: int = 0) -> list[Piece]:
    """All that stays, reading by reading."""
    reading = reader.all(offset)
    return reading.pieces + (read(reader, reading.offset) if reading.more else [])


@settings(deadline=None)  # the disk is shared with whoever else is busy
@given(WRITES)
def test_within_the_limit_each_stream_is_read_as_it_was_written(writes: Writes) -> None:
    with TemporaryDirectory() as directory:
        reading = write(Path(directory), 10_000, writes).all(0)
    for stream in (STDOUT, STDERR):
        assert joined(reading.pieces, stream) == b"".join(content for own, content in writes if own == stream)
    assert (reading.offset, reading.dropped) == (sum(len(content) for _, content in writes), 0)


@settings(deadline=None)
@given(TEXTS)
def test_whole_characters_keep_the_order_of_both_streams(writes: Writes) -> None:
    with TemporaryDirectory() as directory:
        reading = write(Path(directory), 10_000, writes).all(0)
    assert joined(reading.pieces) == b"".join(content for _, content in writes)


@settings(deadline=None)
@given(WRITES, st.integers(1, 200))
def test_pieces_stand_in_order_without_overlap_and_never_exceed_the_limit(writes: Writes, limit: int) -> None:
    with TemporaryDirectory() as directory:
        reading = write(Path(directory), limit, writes).all(0)
    total = sum(len(content) for _, content in writes)
    kept = len(joined(reading.pieces))
    assert kept <= limit
    assert kept + reading.dropped == reading.offset == total
    gaps = [after.offset - before.offset - len(before.content) for before, after in pairwise(reading.pieces)]
    assert all(gap >= 0 for gap in gaps)
    assert len([gap for gap in gaps if gap]) <= 1


@settings(deadline=None)
@given(TEXTS, st.integers(1, 100))
def test_beyond_the_limit_no_character_is_cut(writes: Writes, limit: int) -> None:
    with TemporaryDirectory() as directory:
        reading = write(Path(directory), limit, writes).all(0)
    for piece in reading.pieces:
        piece.content.decode()


@settings(deadline=None)
@given(WRITES, st.integers(1, 300), st.integers(4, 40))
def test_readings_of_any_size_give_the_same_text(writes: Writes, limit: int, most: int) -> None:
    with TemporaryDirectory() as directory:
        reader = write(Path(directory), limit, writes)
        bit_by_bit = read(OutputReader(Path(directory), limit, most))
        at_once = reader.all(0)
    assert all(len(piece.content) <= most for piece in bit_by_bit)
    for stream in (STDOUT, STDERR):
        texts = [
            "".join(piece.content.decode(errors="replace") for piece in pieces if piece.stream == stream)
            for pieces in (bit_by_bit, at_once.pieces)
        ]
        assert texts[0] == texts[1]


def test_many_changes_of_stream_are_read_in_pieces(tmp_path: Path) -> None:
    reader = write(tmp_path, 100_000, ((STDOUT + number % 2, b"x") for number in range(3 * PIECES)))
    assert len(reader.all(0).pieces) == PIECES
    assert [piece.offset for piece in read(reader)] == list(range(3 * PIECES))


@settings(deadline=None)
@given(WRITES, st.integers(1, 300))
def test_what_is_seen_while_it_is_written_is_what_is_seen_in_the_end(writes: Writes, limit: int) -> None:
    with TemporaryDirectory() as name:
        directory = Path(name)
        writer, reader = OutputWriter(directory, limit), OutputReader(directory, limit)
        seen: list[Piece] = []
        offset = 0
        for stream, content in writes:
            writer.write(stream, content)
            reading = reader.so_far(offset)
            seen, offset = seen + reading.pieces, reading.offset
        writer.close()
        seen += reader.all(offset).pieces
        for stream in (STDOUT, STDERR):
            assert joined(seen, stream) == joined(reader.all(0).pieces, stream)


@pytest.mark.parametrize("limit", [1, 100, SEGMENT, 3 * SEGMENT])
def test_long_output_keeps_head_and_tail_over_many_segments(tmp_path: Path, limit: int) -> None:
    lines = [f"{number:07}\n".encode() for number in range(100_000)]
    reader = write(tmp_path, limit, ((STDOUT + number % 2, line) for number, line in enumerate(lines)))
    reading = reader.all(0)
    everything, head = b"".join(lines), limit - limit // 2
    assert joined(read(reader)) == everything[:head] + everything[len(everything) - limit // 2 :]
    assert reading.dropped == len(everything) - limit
    assert sum(file.stat().st_size for file in tmp_path.glob("output.*")) <= 3 * max(head, SEGMENT)


def test_without_a_head_that_is_whole_a_character_waits(tmp_path: Path) -> None:
    writer = OutputWriter(tmp_path, 1000)
    writer.write(STDOUT, "é".encode()[:1])
    assert OutputReader(tmp_path, 1000).so_far(0).pieces == []
    writer.write(STDOUT, "é".encode()[1:])
    assert OutputReader(tmp_path, 1000).so_far(0).pieces == [Piece(STDOUT, 0, "é".encode())]
    writer.close()


def test_a_disk_that_takes_no_more_is_told_and_does_not_raise(tmp_path: Path) -> None:
    writer = OutputWriter(tmp_path / "gone", 1000)
    writer.write(STDOUT, b"x")
    writer.close()
    assert "No such file" in writer.failure


def test_what_comes_after_the_end_is_dropped(tmp_path: Path) -> None:
    writer = OutputWriter(tmp_path, 1000)
    writer.write(STDOUT, b"x")
    writer.close()
    writer.write(STDOUT, b"y")
    assert joined(OutputReader(tmp_path, 1000).all(0).pieces) == b"x"


def test_bytes_whose_stream_was_lost_with_the_power_are_output(tmp_path: Path) -> None:
    write(tmp_path, 1000, [(STDERR, b"x")])
    (tmp_path / "streams.0").write_bytes(b"\0\0\0")
    assert OutputReader(tmp_path, 1000).all(0).pieces == [Piece(STDOUT, 0, b"x")]


@pytest.mark.parametrize(
    ("content", "length"),
    [
        (b"", 0),
        (b"abc", 3),
        ("é".encode(), 2),
        ("aé".encode()[:-1], 1),
        ("a€".encode()[:-1], 1),
        ("a😀".encode()[:-1], 1),
        ("a😀".encode()[:-2], 1),
        ("a😀".encode(), 5),
        (b"\x80\x80\x80\x80", 4),
        (b"a\xff", 1),
    ],
)
def test_a_character_is_whole_or_waits(content: bytes, length: int) -> None:
    assert whole(content) == length
