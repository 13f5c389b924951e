from firstline.executor import Chunk
from firstline.remediation.output import joined


def chunk(text: str, offset: int) -> Chunk:
    return Chunk(stream="stdout", text=text, offset=offset)


def test_output_is_joined_in_its_order() -> None:
    assert joined([chunk("a\n", 0), chunk("b\n", 2)], 0) == "a\nb\n"


def test_what_was_dropped_is_said_where_it_is_missing() -> None:
    text = joined([chunk("head", 0), chunk("tail", 1004)], 1000)
    assert text == "head\n[... 1000 bytes left out ...]\ntail"


def test_what_was_dropped_is_said_also_when_its_place_is_not_known() -> None:
    assert joined([chunk("\ufffd" * 10, 0), chunk("tail", 20)], 10).endswith("[... 10 bytes left out ...]\n")
