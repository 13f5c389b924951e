"""Notes as journal entries. Pure.

A journal entry can't be edited or removed, and carries nothing of ours but its text: the key stands in the last line.
"""

import hashlib
import re

from firstline.connector import Note

LIMIT = 32_000  # characters; the field holds more, but nobody reads more on a form
_PLAIN = re.compile(r"[A-Za-z0-9_.:@/+-]{1,200}")
# Between these tags a journal field is shown as HTML. What commands print must never be.
_CODE = re.compile(r"\[(/?code)\]", re.IGNORECASE)


def marker(key: str) -> str:
    """The last line of the note with this key. A key that can't stand in a query is replaced by its hash."""
    plain = key if _PLAIN.fullmatch(key) else hashlib.sha256(key.encode()).hexdigest()
    return f"[firstline:{plain}]"


def field(note: Note) -> str:
    """`comments` are seen by the caller, `work_notes` by those who work on the record."""
    return "comments" if note.public else "work_notes"


def render(note: Note, limit: int = LIMIT) -> str:
    """The entry's text, at most `limit` characters: the middle of the output goes first, then the middle of the rest.
    The key always stays."""
    end = marker(note.key)
    facts = "\n".join(f"{fact.label}: {fact.value}" for fact in note.facts)
    told = "\n\n".join(harmless(part) for part in (note.headline, facts, note.body) if part)
    told = shortened(told, limit - len(end) - 2)
    room = limit - len(told) - len(end) - 4
    output = shortened(harmless(note.output.rstrip("\n")), room) if room > 0 else ""
    return "\n\n".join(part for part in (told, output, end) if part)


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
