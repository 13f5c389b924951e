"""What people look at is what is there."""

import pytest

from firstline.visible import exact, plain


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("shop\u202egnp.exe", "shop\\u202egnp.exe"),
        ("\x1b]0;title\x07 red", "\\x1b]0;title\\x07 red"),
        ("two\nlines\tand a tab", "two\nlines\tand a tab"),
        ("Zoë, 東京, \u00a0, 👩\u200d🔧", "Zoë, 東京, \u00a0, 👩\u200d🔧"),
    ],
)
def test_prose_keeps_all_but_what_tricks_the_eye_or_the_terminal(text: str, seen: str) -> None:
    assert plain(text) == seen


def test_a_command_shows_every_character_that_does_not_print() -> None:
    assert exact("echo 'a\n2. rm\u200b \u00a0\u2066x'") == "echo 'a\\n2. rm\\u200b \\xa0\\u2066x'"
    assert exact("printf 'Zoë %s'") == "printf 'Zoë %s'"
