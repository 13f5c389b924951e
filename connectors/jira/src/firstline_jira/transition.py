"""Which transition leads where, and what it wants to be told. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from firstline.errors import Rejected
from firstline_jira.edition import Edition
from firstline_jira.fit import clean, cut
from firstline_jira.issue import category, named
from firstline_jira.value import label as label_of
from firstline_jira.value import written

Goal = Literal["acknowledged", "resolved", "reopened"]
Tree = dict[str, Any]

# The categories that fulfil a goal, the better first, and words that a transition or its status has when it is the
# usual way there (names of Jira's and Jira Service Management's own workflows).
TARGETS: dict[Goal, tuple[str, ...]] = {
    "acknowledged": ("indeterminate",),
    "resolved": ("done",),
    "reopened": ("new", "indeterminate"),
}
NAMES: dict[Goal, tuple[str, ...]] = {
    "acknowledged": ("in progress", "start", "acknowledge", "investigate"),
    "resolved": ("resolve", "done", "complete", "close", "mark as done"),
    "reopened": ("reopen", "open", "to do", "back to", "waiting for support"),
}
NEVER = (
    "cancel",
    "declin",
    "duplicate",
    "won't",
    "pending",
    "reject",
    "fail",
)  # done, but not mended; waiting, not worked on


def choose(transitions: Sequence[Tree], goal: Goal, hint: str = "") -> Tree:
    """The transition for the goal: the one an operator named, else the best by category and name.

    Raises `Rejected`, saying what is offered, when none leads there."""
    if hint:
        wanted = [t for t in transitions if label(t).casefold() == hint.casefold()]
    else:
        wanted = [t for t in transitions if leads_to(t) in TARGETS[goal] and not _matches(t, NEVER)]
    if not wanted:
        missing = f"transition {hint!r}" if hint else f"transition to a status of category {' or '.join(TARGETS[goal])}"
        raise Rejected(f"to be {goal} the issue needs a {missing}; the workflow offers {offered(transitions)}")
    return min(wanted, key=lambda t: (_category_rank(t, goal), _name_rank(t, NAMES[goal])))


def label(transition: Mapping[str, Any]) -> str:
    return str(transition.get("name") or "")


def target(transition: Mapping[str, Any]) -> str:
    """The name of the status it leads to."""
    return named(transition.get("to"), "transition.to")


def leads_to(transition: Mapping[str, Any]) -> str:
    """The category of the status it leads to."""
    return category({"status": transition.get("to")}, "transition")


def offered(transitions: Sequence[Tree]) -> str:
    return ", ".join(f"{label(t)} (to {target(t)})" for t in transitions) or "none: its account may lack the permission"


def details(
    transition: Mapping[str, Any], reason: str, resolution: str, values: Mapping[str, str], edition: Edition
) -> Tree:
    """The request that takes it: with a resolution where its screen has one, the operator's `values` of those fields
    that are on it (by id or name), and the reason in the issue's history."""
    request: Tree = {"transition": {"id": str(transition["id"])}}
    screen = transition.get("fields") or {}
    fields = {id: written(screen[id], value, edition) for id, value in _named(screen, values).items()}  # noqa: A001
    if "resolution" in screen:
        fields.setdefault("resolution", {"name": _resolution(screen["resolution"], resolution)})
    if fields:
        request["fields"] = fields
    if reason:
        request["historyMetadata"] = {"type": "firstline", "description": cut(clean(reason), 200)}
    return request


def _named(screen: Mapping[str, Any], values: Mapping[str, str]) -> dict[str, str]:
    names = {label_of(screen, id).casefold(): id for id in screen}  # noqa: A001 - Jira's word
    found = {name if name in screen else names.get(name.casefold(), ""): value for name, value in values.items()}
    return {id: value for id, value in found.items() if id}  # noqa: A001


def _resolution(field: Mapping[str, Any], wanted: str) -> str:
    """The wanted one, when the screen lists it; else its first. Without a list, the wanted one."""
    names = [named(row, "resolution") for row in field.get("allowedValues") or [] if isinstance(row, dict)]
    return wanted if wanted in names or not names else names[0]


def unfilled(transition: Mapping[str, Any], sent: Mapping[str, Any]) -> list[str]:
    """Names of the fields it requires that were not sent."""
    screen = transition.get("fields") or {}
    return [
        label_of(screen, key)
        for key, field in screen.items()
        if field.get("required") and not field.get("hasDefaultValue") and key not in sent
    ]


def _category_rank(transition: Tree, goal: Goal) -> int:
    found = leads_to(transition)
    return TARGETS[goal].index(found) if found in TARGETS[goal] else len(TARGETS[goal])


def _name_rank(transition: Tree, names: Sequence[str]) -> int:
    return next((rank for rank, name in enumerate(names) if _matches(transition, (name,))), len(names))


def _matches(transition: Tree, words: Sequence[str]) -> bool:
    names = f"{label(transition)}\n{target(transition)}".casefold()
    return any(word in names for word in words)
