from firstline.executor import Chunk
from firstline.masking import Masker
from firstline.remediation.note.output import excerpt, joined


def chunk(text: str, offset: int) -> Chunk:
    return Chunk(stream="stdout", text=text, offset=offset)


def test_output_is_joined_in_its_order() -> None:
    assert joined([chunk("a\n", 0), chunk("b\n", 2)], 0) == "a\nb\n"


def test_what_was_dropped_is_said_where_it_is_missing() -> None:
    text = joined([chunk("head", 0), chunk("tail", 1004)], 1000)
    assert text == "head\n[... 1000 bytes left out ...]\ntail"


def test_what_stands_beside_a_gap_is_masked_by_itself() -> None:
    mask = Masker(["correct-horse-battery"])
    text = joined([chunk("said correct-horse", 0), chunk("rse-battery", 1018)], 1000, mask)
    assert text == "said [masked]\n[... 1000 bytes left out ...]\n[masked]"


def test_head_and_tail_of_a_long_text_stay() -> None:
    assert excerpt("short", 10) == "short"
    assert excerpt("head" + "x" * 100 + "tail", 8) == "head\n[... 100 characters left out ...]\ntail"


def test_what_was_dropped_is_said_also_when_its_place_is_not_known() -> None:
    assert joined([chunk("\ufffd" * 10, 0), chunk("tail", 20)], 10).endswith("[... 10 bytes left out ...]\n")
