"""Data Center's wiki text: a note as text that shows it, and its mark. Pure.

Source: Atlassian, "Text formatting notation"."""

import re
from urllib.parse import quote, unquote

from firstline.connector import Fact, Note
from firstline_jira.fit import FACTS, HEADLINE, LABEL, LIMIT, VALUE, clean, cut, fitted, units

_MARKUP = re.compile(r"[{}\[\]*_!|^~+?(]")
_LINE_MARKUP = re.compile(r"(?m)^([-#])")
_ADDRESS = re.compile(r"(https?://[^\s|\]}]+)")
_MARK = re.compile(r"\{anchor:firstline-([^}\s]+)\}")


def plain(text: str) -> str:
    """Wiki text that reads as this text; addresses stay whole, so that they become links."""
    parts = _ADDRESS.split(clean(text))
    return "".join(part if index % 2 else _escaped(part) for index, part in enumerate(parts))


def _escaped(text: str) -> str:
    """Two backslashes would be a line's end, so a backslash is written as its number."""
    text = text.replace("\\", "&#92;")
    return _LINE_MARKUP.sub(r"\\\1", _MARKUP.sub(lambda found: "\\" + found[0], text))


def strong(text: str) -> str:
    return f"*{' '.join(plain(text).split())}*" if text.strip() else ""


def preformatted(text: str) -> str:
    return "{noformat}\n" + clean(text).replace("{noformat}", "{\u200bnoformat}") + "\n{noformat}"


def render(note: Note, limit: int = LIMIT) -> str:
    """The note as wiki text that fits, with its mark at the end."""
    return _compose(fitted(note, lambda tried: units(_compose(tried)), limit))


def _compose(note: Note) -> str:
    facts = "\n".join(_fact(fact) for fact in note.facts[:FACTS])
    output = preformatted(note.output) if note.output else ""
    parts = (strong(cut(note.headline, HEADLINE)), facts, plain(note.body.strip("\n")), output, mark(note.key))
    return "\n\n".join(part for part in parts if part)


def _fact(fact: Fact) -> str:
    value = " ".join(plain(cut(fact.value, VALUE)).split())
    return f"* {strong(cut(fact.label, LABEL) or '-')}: {value}"


def sections(parts: list[tuple[str, str]]) -> str:
    """Titles and plain texts, one below the other; an empty title has no heading."""
    return "\n\n".join(f"h3. {plain(title)}\n{plain(words)}" if title else plain(words) for title, words in parts)


def mark(key: str) -> str:
    """An anchor, which readers don't see; it stands in the text of webhooks and searches alike."""
    return "{anchor:firstline-" + quote(key, safe="") + "}"


def marked(text: str) -> str:
    """The key of the last mark in the text; empty when it has none."""
    found = _MARK.findall(text)
    return unquote(found[-1]) if found else ""
