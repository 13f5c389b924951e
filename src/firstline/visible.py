"""Text of others made safe to look at: what a terminal would obey, or what turns the order of letters round so that a
person reads something else than what is there (CVE-2021-42574), is written out."""

import re

# Control characters but for line break and tab; those that order text from right to left or end that; line and
# paragraph separators.
_TRICKS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")

# What a terminal obeys (ECMA-48, xterm); `numbers` are those of a colour or a weight.
SEQUENCE = re.compile(
    r"\x1b\[(?P<numbers>[0-9;:]{0,256})m"
    r"|\x1b\[[0-?]{0,256}[ -/]{0,16}[@-~]"  # CSI: the cursor, the screen, modes
    r"|\x1b\][^\x07\x1b\r\n]{0,4096}(?:\x07|\x1b\\)"  # OSC: titles, links
    r"|\x1b[PX^_][^\x07\x1b\r\n]{0,4096}\x1b\\"  # DCS, SOS, PM, APC
    r"|\x1b[ -/]{0,16}[0-~]"
)


def unstyled(text: str) -> str:
    """Output of a program for where no colours are: on a ticket, whose XML (1.0, 2.2) holds no escape character."""
    return plain(SEQUENCE.sub("", text).replace("\r\n", "\n"))


def plain(text: str) -> str:
    """Prose, which keeps its lines: `\\u202e` for what tricks the eye or the terminal, all else as it is."""
    return _TRICKS.sub(lambda found: _written(found[0]), text)


def exact(text: str) -> str:
    """A command on one line: everything that does not print is written out, so that two that look alike are alike."""
    return "".join(each if each.isprintable() else _written(each) for each in text)


def _written(each: str) -> str:
    return each.encode("unicode_escape").decode()
