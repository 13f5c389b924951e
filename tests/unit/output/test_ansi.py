"""Output of programs in a page: coloured, and nothing that a browser or an eye could be tricked by."""

import re
from html import unescape
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firstline.web.api.output import OutputChunk
from firstline.web.portal.ansi import Ansi
from firstline.web.portal.output import Painter


def html(text: str) -> str:
    return str(Ansi().html(text))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"),
        ("\x1b[31mred\x1b[0m plain", '<span class="f1">red</span> plain'),
        ("\x1b[1;32mgood\x1b[m", '<span class="b f2">good</span>'),
        ("\x1b[91;44mx", '<span class="f9 g4">x</span>'),
        ("\x1b[1mb\x1b[22mp", '<span class="b">b</span>p'),
        ("\x1b[3;4;9mx\x1b[23;24mx", '<span class="i s u">x</span><span class="s">x</span>'),
        ("\x1b[7mx\x1b[27mx", '<span class="v">x</span>x'),
        ("\x1b[31;7mx", '<span class="g1">x</span>'),
        ("\x1b[31;42mx\x1b[39mx\x1b[49mx", '<span class="f1 g2">x</span><span class="g2">x</span>x'),
        ("\x1b[38;5;196mx", '<span class="f9">x</span>'),
        ("\x1b[38;5;240mx", '<span class="f8">x</span>'),
        ("\x1b[38;2;250;2;2;1mx", '<span class="b f9">x</span>'),
        ("\x1b[48:5:4mx", '<span class="g4">x</span>'),
    ],
)
def test_colours_and_weights_are_kept(text: str, expected: str) -> None:
    assert html(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "\x1b[38;5m",
        "\x1b[38;2;1m",
        "\x1b[38;5;999m",
        "\x1b[38m",
        "\x1b[999m",
        "\x1b[;;;m",
        "\x1b[38;9;1m",
        "\x1b[107;30m",
    ],
)
def test_numbers_that_mean_nothing_are_no_trouble(text: str) -> None:
    assert "text" in html(f"{text}text")


def test_what_is_switched_on_stays_on_in_the_next_piece() -> None:
    ansi = Ansi()
    assert str(ansi.html("\x1b[31mone\n")) == '<span class="f1">one\n</span>'
    assert str(ansi.html("two\x1b[0m\n")) == '<span class="f1">two</span>\n'


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("\x1b[2J\x1b[1;1H\x1b[?25lx", "x"),
        ("\x1b]0;a title\x07x", "x"),
        ("\x1bPq#0\x1b\\x\x1b(B", "x"),
        ("\x1b]8;;https://evil.example\x1b\\https://good.example\x1b]8;;\x1b\\", "https://good.example"),
        ("\x1b]8;;https://evil.example", "8;;https://evil.example"),
        ("\x1b", "\\x1b"),
        ("10%\r20%\r100%", "10%\\r20%\\r100%"),
        ("rm -rf /\x08\x08x", "rm -rf /\\x08\\x08x"),
        ("\x1b[8mconcealed\x1b[0m", "concealed"),
        ("\x1b[30;40mblack on black", "black on black"),
        ("abc\u202efed", "abc\\u202efed"),
        ("pass\u200bword \ufeff\u2066", "pass\\u200bword \\ufeff\\u2066"),
        ("\x9b31mred \u2028 \x85", "\\x9b31mred \\u2028 \\x85"),
        ("tab\tand\nline", "tab\tand\nline"),
        ("naïve 日本 👍", "naïve 日本 👍"),
    ],
)
def test_what_a_terminal_would_obey_is_left_out_or_written_out(text: str, seen: str) -> None:
    assert unescape(re.sub("<[^>]*>", "", html(text))) == seen


def test_text_of_one_colour_on_itself_can_be_read() -> None:
    assert html("\x1b[30;40mx") == "x"


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[str, list[tuple[str, str | None]]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, attrs))


HOSTILE = [
    *("<script>alert(1)</script>", "</pre>", "<img src=x onerror=alert(1)>", "&lt;", "&", "<!--", '"', "'", "<", ">"),
    *("\x1b[31m", "\x1b]8;;javascript:1\x07", "\x1b[<script>m", "\x00", "\x1b", "[", "\x07", "\\"),
]
PARTS = st.lists(st.sampled_from(HOSTILE) | st.text(max_size=4), max_size=12)


@given(parts=PARTS, stream=st.sampled_from(["stdout", "stderr", "firstline"]))
def test_whatever_is_printed_becomes_text_in_spans_with_classes_of_ours(parts: list[str], stream: str) -> None:
    chunk = OutputChunk(stream=stream, text="".join(parts), offset=0, at=None)  # type: ignore[arg-type]
    tags = Tags()
    tags.feed(str(Painter().html([chunk, chunk])))
    tags.close()
    for tag, attributes in tags.seen:
        assert tag == "span"
        assert [name for name, _ in attributes] == ["class"]
        assert re.fullmatch(r"(err|gap|[bdiusv]|[fg]\d+)( ([bdiusv]|[fg]\d+))*", attributes[0][1] or "")


def test_the_two_streams_are_told_apart_each_with_its_own_colours() -> None:
    parts = [
        OutputChunk(stream="stdout", text="\x1b[31mone\n", offset=0, at=None),
        OutputChunk(stream="stderr", text="two\r\n", offset=9, at=None),
        OutputChunk(stream="firstline", text="7 bytes left out\n", offset=13, at=None),
        OutputChunk(stream="stdout", text="three", offset=20, at=None),
    ]
    assert str(Painter().html(parts)) == (
        '<span class="f1">one\n</span><span class="err">two\n</span>'
        '<span class="gap">[7 bytes left out]</span><span class="f1">three</span>'
    )
