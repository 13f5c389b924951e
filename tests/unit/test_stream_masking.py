"""A text masked in pieces shows what it shows as a whole, wherever it was cut."""

import base64
import html
import json
import string
from collections.abc import Iterator
from itertools import pairwise
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firstline.masking import MASK, Masker, StreamMasker
from firstline.masking.stream import LINE

SECRETS = ("Zx81-correct-horse", "pa ss\twör<d>&\"x'/?", "aaaaaaaaaaaa", "first-line-of-it\n  second-line-of-it")
KEY = "\n".join(["-----BEGIN RSA PRIVATE" + " KEY-----", *["M" * 64] * 3, "Q==", "-----END RSA PRIVATE" + " KEY-----"])


def written(secret: str) -> list[str]:
    """A secret as programs write it."""
    inner = secret.encode()
    encoded = [base64.b64encode(b"-" * offset + inner + b"--").decode() for offset in range(3)]
    return [secret, quote(secret, safe=""), quote_plus(secret), html.escape(secret), json.dumps(secret)[1:-1], *encoded]


FORMS = [form for secret in SECRETS for form in written(secret)]
PLAIN = ["password=", "token: ", "--api-key ", "Bearer ", "://ann:", "@db/x ", "cookie: ", '"', "'", "\\", "-----",
         "\r\n", "\n", "\n   ", " ", "\t", "aaaaa", "Zx81-", "0123456789abcdef", "QUJD" * 14 + "\n", "done", "�\x1b[1m",
         "fl_" + "a1" * 21 + "b", "-", "\r", *KEY.splitlines(keepends=True)]  # fmt: skip
TEXTS = st.lists(st.sampled_from([*FORMS, *PLAIN]) | st.text(string.printable, max_size=9), max_size=25).map("".join)

masker = Masker(SECRETS)


@st.composite
def folded(draw: st.DrawFn) -> str:
    """A text with line breaks anywhere in it, as `base64`, a terminal or YAML put them."""
    text = draw(TEXTS)
    breaks = draw(st.lists(st.tuples(st.integers(0, len(text)), st.sampled_from(["\n", "\r\n", "\n    "])), max_size=4))
    for at, gap in sorted(breaks, reverse=True):
        text = text[:at] + gap + text[at:]
    return text


def pieces(text: str, cuts: list[int]) -> Iterator[str]:
    bounds = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    return (text[begin:end] for begin, end in pairwise(bounds))


def streamed(stream: StreamMasker, parts: Iterator[str]) -> str:
    return "".join([*map(stream.feed, parts), stream.close()])


@given(text=folded(), cuts=st.lists(st.integers(0, 1500), max_size=30))
def test_wherever_a_text_is_cut_it_shows_the_same_as_the_whole(text: str, cuts: list[int]) -> None:
    assert streamed(StreamMasker(masker), pieces(text, cuts)) == masker(text)


@given(text=folded())
def test_a_text_that_comes_letter_by_letter_shows_the_same_as_the_whole(text: str) -> None:
    assert streamed(StreamMasker(masker), iter(text)) == masker(text)


@pytest.mark.parametrize("form", FORMS)
def test_a_secret_in_two_pieces_is_masked_wherever_the_cut_is(form: str) -> None:
    text = f"it said\n {form} and ended\n"
    for cut in range(len(text)):
        assert streamed(StreamMasker(masker), pieces(text, [cut])) == masker(text)


def test_what_no_secret_can_reach_into_is_shown_at_once() -> None:
    stream = StreamMasker(Masker(["correct-horse-battery"]))
    assert stream.feed("a first line that is long enough for a secret\nand a second one\n").startswith("a first line")


def test_a_line_that_has_not_ended_is_shown_as_far_as_nothing_begins_in_it() -> None:
    stream = StreamMasker(Masker())
    assert stream.feed("20 % done ... then the password: ") == "20 % done ... then the "
    assert stream.feed("letmein") == ""
    assert stream.feed("\n") == f"password: {MASK}\n"


def test_a_secret_learned_while_the_text_comes_is_masked_from_then_on() -> None:
    known = Masker()
    stream = StreamMasker(known)
    before = stream.feed("it was correct-horse \n")
    known.learn(["correct-horse"])
    assert before == "it was correct-horse \n"
    assert stream.feed("it is correct-horse\n") + stream.close() == f"it is {MASK}\n"


def test_a_key_that_never_ends_hides_what_a_key_can_be_and_no_more() -> None:
    text = KEY.splitlines()[0] + "\n" + "so it goes on\n" * 3000
    shown = streamed(StreamMasker(masker), iter([text[at : at + 1000] for at in range(0, len(text), 1000)]))
    assert shown == masker(text)
    assert shown.startswith(MASK)
    assert shown.endswith("so it goes on\n" * 1000)


@pytest.mark.parametrize("piece", ["x", "\n", "\n  ", "aaaaaaaaaaaa", "Zx81-", "word ", "M" * 64 + "\n", "é\x00", "-"])
def test_hardly_anything_is_held_back_however_long_the_text_is(piece: str) -> None:
    stream, chunk = StreamMasker(Masker(SECRETS)), piece * (8192 // len(piece))
    shown = [stream.feed(chunk) for _ in range(30)]
    assert all(len(held) < 3 * LINE for held in _held(stream))
    assert len("".join([*shown, stream.close()])) <= 30 * len(chunk) + len(MASK)


def test_a_value_as_long_as_no_line_is_shows_nowhere() -> None:
    stream = StreamMasker(Masker())
    parts = ["before password=", *["Zz9" * 2000] * 30, "\nafter\n"]
    shown = streamed(stream, iter(parts))
    assert "Zz9" not in shown
    assert shown.endswith("\nafter\n")


@pytest.mark.parametrize("at", range(LINE - 700, LINE + 30, 61))
def test_what_stands_where_a_long_line_is_parted_is_masked(at: int) -> None:
    token = "fl_" + "a1" * 21 + "b"
    text = "." * at + f'"password": "hush-hush", x://a:hush-hush@b {token} ' + "." * LINE
    shown = streamed(StreamMasker(Masker()), iter([text[at : at + 4096] for at in range(0, len(text), 4096)]))
    assert token not in shown
    assert "hush-hush" not in shown


def _held(stream: StreamMasker) -> list[str]:
    return [stream._held, stream._lines._held]
