"""A note on an incident: plain text whose last line says which note of ours it is."""

from collections.abc import Iterable, Mapping
from typing import Any

from firstline.connector import Note

MARK = "[firstline:"

# PagerDuty documents no limit. Its webhooks are reliable up to 55 KB ("Behavior", Size Limit), and this many characters
# stay well below that unless most of them are outside ASCII.
LIMIT = 16_000
_ROOM_FOR_WORDS = 40  # the line that says how much was left out


def render(note: Note) -> str:
    """The note as text of at most `LIMIT` characters. What is too much is cut from the middle of the output, and only
    if that is not enough from the middle of the rest."""
    facts = "\n".join(f"{fact.label}: {fact.value}" for fact in note.facts)
    story = "\n\n".join(part for part in (note.headline, facts, note.body.strip()) if part)
    last = _last_line(note.key)
    story = _cut(story, LIMIT - len(last) - 2)
    output = _cut(note.output.strip("\n"), LIMIT - len(story) - len(last) - 4) if note.output.strip() else ""
    return "\n\n".join(part for part in (story, output, last) if part)


def find(notes: Iterable[Mapping[str, Any]], key: str, own_user_id: str = "") -> Mapping[str, Any] | None:
    """The note with this key among an incident's notes, or None. Where we know ourselves, only what we wrote counts:
    somebody may have copied a note of ours."""
    return next(
        (note for note in notes if key_of(str(note.get("content") or "")) == key and _by(note, own_user_id)), None
    )


def _by(note: Mapping[str, Any], own_user_id: str) -> bool:
    author = (note.get("user") or {}).get("id")
    return not own_user_id or not author or author == own_user_id


def key_of(content: str) -> str:
    """The key of the note of ours that this is; empty: it is none, or was cut before its end."""
    last = content.rstrip().rpartition("\n")[2]
    return last[len(MARK) : -1] if last.startswith(MARK) and last.endswith("]") else ""


def _last_line(key: str) -> str:
    return f"{MARK}{key}]"


def _cut(text: str, room: int) -> str:
    if len(text) <= room:
        return text
    keep = room - _ROOM_FOR_WORDS
    if keep <= 0:
        return ""
    words = f"\n... {len(text) - keep} characters left out ...\n"
    return text[: keep - keep // 2] + words + text[len(text) - keep // 2 :]
