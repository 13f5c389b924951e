"""The ledger as events of the Open Cybersecurity Schema Framework 1.5.0, for a SIEM. Pure.

All are of its category Identity & Access Management. What people do to accounts, groups and privileges has classes of
its own there; every other act is an operation on a managed entity (a remediation, a mapping, a switch ...). API
Activity would ask for a network address, which no entry has."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from firstline.evidence.case import Line
from firstline.ledger.entry import HUB

SCHEMA = "1.5.0"
OTHER = 99
CATEGORY = 3
ACCOUNT, AUTHENTICATION, ENTITY, ACCESS, GROUP = 3001, 3002, 3004, 3005, 3006

NAMES = {
    ACCOUNT: "Account Change",
    AUTHENTICATION: "Authentication",
    ENTITY: "Entity Management",
    ACCESS: "User Access Management",
    GROUP: "Group Management",
}
# By class and act, the activity. An act that stands nowhere here is `Other`, under its own name.
ACTIVITIES: dict[int, dict[str, tuple[int, str]]] = {
    ACCOUNT: {"added": (1, "Create"), "turned on": (2, "Enable"), "turned off": (5, "Disable")},
    AUTHENTICATION: {"signed in": (1, "Logon"), "sign-in refused": (1, "Logon")},
    ACCESS: {"granted": (1, "Assign Privileges"), "revoked": (2, "Revoke Privileges")},
    GROUP: {
        "granted": (1, "Assign Privileges"),
        "revoked": (2, "Revoke Privileges"),
        "joined": (3, "Add User"),
        "left": (4, "Remove User"),
    },
    ENTITY: {
        "matched": (1, "Create"),
        "opened": (1, "Create"),
        "attached": (3, "Update"),
        "moved": (3, "Update"),
        "rescheduled": (3, "Update"),
        "wrote": (3, "Update"),
        "ended": (3, "Update"),
        "mode set": (3, "Update"),
        "demoted": (3, "Update"),
        "pinned": (8, "Enable"),
        "unpinned": (9, "Disable"),
        "thrown": (10, "Activate"),
        "lifted": (11, "Deactivate"),
        "held": (12, "Suspend"),
        "asked": (12, "Suspend"),
        "overridden": (13, "Resume"),
        "approved": (13, "Resume"),
    },
}
_ID = re.compile(r"[0-9a-f]{32}")
_INFORMATIONAL = (1, "Informational")
_LOW, _MEDIUM, _HIGH = (2, "Low"), (3, "Medium"), (4, "High")
SEVERITIES = {
    **dict.fromkeys(
        ("held", "waits", "refused", "refused afterwards", "expired", "drifted", "not counted", "stopped"), _LOW
    ),
    **dict.fromkeys(
        ("failed", "parked", "demoted", "breaker", "reopened", "late", "sign-in refused", "error"), _MEDIUM
    ),
    **dict.fromkeys(("overridden", "thrown", "unknown"), _HIGH),
}
_FAILURES = frozenset(
    {"refused", "refused afterwards", "failed", "parked", "error", "not counted", "sign-in refused", "unknown"}
)


@dataclass(frozen=True)
class _Said:
    entry: dict[str, Any]
    kind: str  # person, group, mapping, remediation ...
    name: str  # empty where there is one of the kind alone: the ledger
    class_uid: int = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "class_uid", _class(self.kind, self.entry["act"]))


def event(line: Line, version: str) -> dict[str, Any]:
    """One entry as one event. `version`: of Firstline."""
    entry = line.entry
    said = _Said(entry, *_subject(entry["subject"]))
    act, uid = entry["act"], said.class_uid
    activity, called = ACTIVITIES[uid].get(act, (OTHER, act))
    severity, severe = SEVERITIES.get(act, _INFORMATIONAL)
    return {
        "activity_id": activity,
        "activity_name": called,
        "category_uid": CATEGORY,
        "category_name": "Identity & Access Management",
        "class_uid": uid,
        "class_name": NAMES[uid],
        "type_uid": uid * 100 + activity,
        "type_name": f"{NAMES[uid]}: {called if activity != OTHER else 'Other'}",
        "time": round(datetime.fromisoformat(entry["at"]).timestamp() * 1000),
        "severity_id": severity,
        "severity": severe,
        "status_id": 2 if act in _FAILURES else 1,
        "status": "Failure" if act in _FAILURES else "Success",
        "message": entry["text"] or act,
        "actor": _actor(entry["by"]),
        "metadata": _metadata(line, said, version),
        "raw_data": line.text,
        "unmapped": {"facts": entry["facts"], "rows": entry["rows"]},
        **dict(_object(said)),
    }


def _subject(subject: str) -> tuple[str, str]:
    if _ID.fullmatch(subject):
        return "remediation", subject
    kind, _, name = subject.partition(":")
    return kind, name


def _class(kind: str, act: str) -> int:
    if act in ACTIVITIES[AUTHENTICATION]:
        return AUTHENTICATION
    if kind == "group":
        return GROUP
    if kind == "person":
        return ACCESS if act in ACTIVITIES[ACCESS] else ACCOUNT
    return ENTITY


def _metadata(line: Line, said: _Said, version: str) -> dict[str, Any]:
    entry = said.entry
    placed = {} if line.position is None else {"sequence": line.position}
    correlated = {"correlation_uid": said.name} if said.kind == "remediation" else {}
    return {
        "version": SCHEMA,
        "product": {"name": "Firstline", "vendor_name": "Firstline", "version": version},
        "uid": entry["id"],
        "event_code": entry["act"],
        "original_time": entry["at"],
        "log_name": "ledger",
        **placed,
        **correlated,
    }


def _actor(by: str) -> dict[str, Any]:
    if by == HUB:
        return {"app_name": "Firstline"}
    system, separator, name = by.partition(":")
    if separator:  # the operating system's user, at the command line
        return {"user": {"name": name, "domain": system, "type_id": 1, "type": "User"}, "app_name": "Firstline"}
    return {"user": {"name": by, "type_id": 1, "type": "User"}, "app_name": "Firstline"}


def _object(said: _Said) -> Iterator[tuple[str, Any]]:
    """What it was done to."""
    person = {"name": said.name or "unknown", "type_id": 1, "type": "User"}
    if said.class_uid == ENTITY:
        yield "entity", {"uid": said.name or said.kind, "type_id": OTHER, "type": said.kind}
        yield "comment", said.entry["text"]
    elif said.class_uid == GROUP:
        yield "group", {"name": said.name}
    else:
        yield "user", person
    if said.class_uid == AUTHENTICATION:
        yield "service", {"name": "Firstline"}
    if said.entry["act"] in ACTIVITIES[ACCESS]:
        yield "privileges", said.entry["facts"].get("rights") or [said.entry["text"]]
