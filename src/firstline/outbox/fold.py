"""Fewer writes that say as much: what stands unsent for one record is folded when its next write is due. Pure.

A row is one of the outbox (`fl_write_back`). Only rows that were never tried are folded: of any other, the vendor may
know already."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Row = Mapping[str, Any]

SECTIONS = 20
SECTION = 400  # characters of a section's facts
VALUE = 200  # characters of a headline or one fact in a section
_TOLD = ("Change", "Done", "Why", "Let it go or refuse it", "More")  # the facts a section keeps

# A state takes the place of which earlier ones: to escalate or to reassign is not undone by an acknowledgement.
_COURSE = frozenset({"acknowledged", "resolved", "reopened"})
_REPLACES = {
    "resolved": _COURSE | {"escalated", "reassigned"},
    "reopened": _COURSE,
    "acknowledged": _COURSE,
    "escalated": frozenset({"acknowledged", "resolved", "escalated"}),
    "reassigned": frozenset({"reassigned"}),
}


@dataclass(frozen=True)
class Folding:
    """`kept` in their order; `into`: the id of each folded row, and of the row that says it too."""

    kept: list[Row]
    into: dict[str, str]


def reduce(rows: Sequence[Row], ended: Collection[str] = ()) -> Folding:
    """Leave out what a later row of the same record makes needless. `rows` in their order; `ended`: the remediations
    that have ended. No row's body changes."""
    into: dict[str, str] = {}
    kept: list[Row] = []
    for row in reversed(rows):
        by = next((later for later in kept if _replaces(later, row, ended)), None)
        if by is None:
            kept.append(row)
        else:
            into[row["id"]] = by["id"]
    return Folding(kept[::-1], into)


def merge(kept: Sequence[Row], live: Collection[str], url: str) -> tuple[dict[str, Any], Folding]:
    """Tell the notes of several remediations in the first row's note; gives its body then. `live`: keys of notes that
    stand on the record or will be edited, which stay their own; `url`: where all remediations are."""
    first = kept[0]
    joined = [first, *(row for row in kept[1:] if _joins(first, row, live))] if _may_join(first, live) else [first]
    into = {row["id"]: first["id"] for row in joined[1:]}
    body = _joined([row["body"] for row in joined], url) if into else dict(first["body"])
    return body, Folding([row for row in kept if row["id"] not in into], into)


def _replaces(later: Row, row: Row, ended: Collection[str]) -> bool:
    if not (_is_fresh(later) and _is_fresh(row)):
        return False
    if (later["act"], row["act"]) == ("note", "state"):
        return _is_late(row, later, ended)
    if later["act"] != row["act"]:
        return False
    return _REPLACING[row["act"]](later, row)


def _is_fresh(row: Row) -> bool:
    return row["attempts"] == 0 and row["act"] in _REPLACING


def _is_late(state: Row, later: Row, ended: Collection[str]) -> bool:
    """To acknowledge says that somebody is at work: not after the end."""
    own = state["remediation_id"] == later["remediation_id"]
    return own and state["body"]["to"] == "acknowledged" and state["remediation_id"] in ended


def _replaces_note(later: Row, row: Row) -> bool:
    """The same note anew, or one that only says that somebody is at it, when more is known."""
    if later["remediation_id"] != row["remediation_id"] or later["body"]["public"] != row["body"]["public"]:
        return False
    key = row["body"]["key"]
    return bool(later["body"]["key"] == key or key.endswith(".start") or ".attached." in key)


def _replaces_state(later: Row, row: Row) -> bool:
    return row["body"]["to"] in _REPLACES[later["body"]["to"]]


def _replaces_update(later: Row, row: Row) -> bool:
    """All that the earlier sets, the later sets again."""
    before, after = row["body"], later["body"]
    return (
        set(before["fields"]) <= set(after["fields"])
        and (before["priority"] is None or after["priority"] is not None)
        and (not before["status"] or bool(after["status"]))
    )


def _tells_too(later: Row, row: Row) -> bool:
    """What a person is told of a question has room for the others that wait for them."""
    return bool(later["body"]["person"] == row["body"]["person"])


_REPLACING: Mapping[str, Callable[[Row, Row], bool]] = {
    "note": _replaces_note,
    "state": _replaces_state,
    "update": _replaces_update,
    "notification": _tells_too,
}


def _may_join(row: Row, live: Collection[str]) -> bool:
    return bool(row["act"] == "note" and row["attempts"] == 0 and row["body"]["key"] not in live)


def _joins(first: Row, row: Row, live: Collection[str]) -> bool:
    return _may_join(row, live) and bool(row["body"]["public"] == first["body"]["public"])


def _joined(notes: Sequence[Mapping[str, Any]], url: str) -> dict[str, Any]:
    """One note under the first one's key: the last in full, then a section for each before it, newest first."""
    *earlier, last = notes
    sections = [_section(note) for note in earlier[::-1][:SECTIONS]]
    more = len(earlier) - len(sections)
    if more:
        sections.append(f"and {more} more: {url}")
    body = "\n\n".join(part for part in (last["body"], "Before that, on the same record:", *sections) if part)
    return {**last, "key": notes[0]["key"], "body": body}


def _section(note: Mapping[str, Any]) -> str:
    facts = {fact["label"]: " ".join(fact["value"].split()) for fact in note["facts"]}
    told = [f"{label}: {_cut(facts[label], VALUE)}" for label in _TOLD if facts.get(label)]
    told = told or [_cut(" ".join(note["body"].split()), SECTION)]
    return f"{_cut(note['headline'], VALUE)}\n{' · '.join(told)}".strip()


def _cut(text: str, room: int) -> str:
    return text if len(text) <= room else f"{text[: room - 1]}…"
