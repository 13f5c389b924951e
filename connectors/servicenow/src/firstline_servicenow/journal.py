"""Notes as journal entries. Pure.

A journal entry can't be edited or removed, and carries nothing of ours but its text: the key stands in the last line.
"""

import hashlib
import html
import re

from firstline.connector import Note

LIMIT = 32_000  # characters; the field holds more, but nobody reads more on a form
_PLAIN = re.compile(r"[A-Za-z0-9_.:@/+-]{1,200}")
_MARK = re.compile(r"\[firstline:([A-Za-z0-9_.:@/+-]{1,200})\]\s*$")
# Between these tags a journal field is shown as HTML. What commands print must never be.
_CODE = re.compile(r"\[(/?code)\]", re.IGNORECASE)


def marker(key: str) -> str:
    """The last line of the note with this key. A key that can't stand in a query is replaced by its hash."""
    plain = key if _PLAIN.fullmatch(key) else hashlib.sha256(key.encode()).hexdigest()
    return f"[firstline:{plain}]"


def marked(text: str) -> str:
    """The key in the last line of an entry, as `marker` put it there; empty: it is none of ours."""
    found = _MARK.search(text)
    return found[1] if found else ""


def field(note: Note) -> str:
    """`comments` are seen by the caller, `work_notes` by those who work on the record."""
    return "comments" if note.public else "work_notes"


def render(note: Note, limit: int = LIMIT, *, as_html: bool = False) -> str:
    """The entry's text, at most `limit` characters: the middle of the output goes first, then the middle of the rest.
    The key always stays."""
    return _html(note, limit) if as_html else _plain_text(note, limit)


def _plain_text(note: Note, limit: int) -> str:
    end = marker(note.key)
    facts = "\n".join(f"{fact.label}: {fact.value}" for fact in note.facts)
    told = "\n\n".join(harmless(part) for part in (note.headline, facts, note.body) if part)
    told = shortened(told, limit - len(end) - 2)
    room = limit - len(told) - len(end) - 4
    output = shortened(harmless(note.output.rstrip("\n")), room) if room > 0 else ""
    return "\n\n".join(part for part in (told, output, end) if part)


def _html(note: Note, limit: int) -> str:
    """Between [code] tags a form shows HTML; nothing of the note's own words is taken for it. The key stands behind."""
    end = f"[/code]\n{marker(note.key)}"
    room = limit - len(end) - len("[code]")
    facts = "".join(f"<li>{_escaped(fact.label)}: {_escaped(fact.value)}</li>" for fact in note.facts)
    head = f"<p><b>{_escaped(note.headline)}</b></p>" + (f"<ul>{facts}</ul>" if facts else "")
    if len(head) > room:
        return _plain_text(note, limit)
    body = _fitted("p", note.body, room - len(head))
    output = _fitted("pre", note.output.rstrip("\n"), room - len(head) - len(body))
    return f"[code]{head}{body}{output}{end}"


def _fitted(tag: str, text: str, room: int) -> str:
    """The text as one element that fits, or nothing. Escaping makes it longer, so it is cut until it does."""
    room -= 2 * len(tag) + len("<></>")
    while text and (over := len(_escaped(text)) - room) > 0:
        text = shortened(text, min(len(text) - 1, max(len(text) - over, room // 10))) if room > 200 else ""
    return f"<{tag}>{_escaped(text)}</{tag}>" if text else ""


def _escaped(text: str) -> str:
    return html.escape(harmless(text)).replace("\n", "<br>")


def shortened(text: str, limit: int) -> str:
    """The text with its middle left out, so that it has at most `limit` characters; head and tail stay."""
    if len(text) <= limit:
        return text
    gap = f"\n... {len(text) - limit} or more characters left out ...\n"
    keep = max(0, limit - len(gap))
    head = (keep + 1) // 2
    return (text[:head] + gap + text[len(text) - (keep - head) :])[:limit]


def harmless(text: str) -> str:
    return _CODE.sub(r"[ \1]", text)
