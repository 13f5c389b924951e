"""A change draft as a new issue. Pure.

Everything an approver must know stands in the description, whatever fields the site has; where the create screen has
Jira Service Management's own change fields, they are filled as well.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from firstline.connector import ChangeDraft
from firstline.errors import Rejected
from firstline_jira.edition import SECTION, Edition
from firstline_jira.fit import clean, cut
from firstline_jira.issue import named
from firstline_jira.marker import CHANGE, label

SUMMARY = 255  # characters (Jira Cloud, field "summary")

Tree = dict[str, Any]

# Names of fields in Jira Service Management's change template → the draft's.
FIELDS = {
    "change type": "type",
    "implementation plan": "implementation_plan",
    "backout plan": "backout_plan",
    "test plan": "test_plan",
    "planned start": "planned_start",
    "change start date": "planned_start",
    "planned end": "planned_end",
    "change completion date": "planned_end",
}


@dataclass(frozen=True)
class Desk:
    """What a site says of its change project. `request_type` and `request_field` are empty where there is none."""

    project: str
    issue_type: str
    request_type: str
    request_field: str
    fields: tuple[Tree, ...]
    statuses: tuple[Tree, ...]

    def field(self, attribute: str) -> str:
        """The id of the field that holds a draft's attribute; empty when the create screen has none."""
        return next((field_id(f) for f in self.fields if FIELDS.get(_name(f)) == attribute), "")


def details(draft: ChangeDraft, desk: Desk, edition: Edition) -> Tree:
    """The body of POST issue. The mark is part of it: no change stands without."""
    if not any(field_id(field) == "labels" for field in desk.fields):
        raise Rejected(
            f"the create screen of changes in {desk.project} has no field Labels, by which a change is found again"
        )
    fields: Tree = {
        "project": {"key": desk.project},
        "issuetype": {"id": desk.issue_type},
        "summary": clean(" ".join(draft.short_description.split()))[:SUMMARY] or draft.key,
        "description": edition.sections(_sections(draft)),
        "labels": [label(draft.key)],
        **_template_fields(draft, desk.fields, edition),
    }
    if desk.request_type and desk.request_field:
        fields[desk.request_field] = desk.request_type
    return {"fields": fields, "properties": [{"key": CHANGE, "value": mark(draft)}]}


def mark(draft: ChangeDraft) -> Tree:
    times = {"start": draft.planned_start, "end": draft.planned_end}
    mine = {"key": draft.key, "type": draft.type, "risk": draft.risk, "ci": draft.ci}
    return mine | {name: when.isoformat() for name, when in times.items() if when}


def _sections(draft: ChangeDraft) -> list[tuple[str, str]]:
    sections = [
        ("", draft.description),
        ("Change type", f"{draft.type} {draft.template}".strip()),
        ("Configuration item", draft.ci),
        ("Assignment group", draft.group),
        ("Planned", _window(draft)),
        ("Mends", f"{draft.incident.label} {draft.incident.url}".strip() if draft.incident else ""),
        ("Justification", draft.justification),
        ("Implementation plan", draft.implementation_plan),
        ("Risk and impact", draft.risk_and_impact),
        ("Backout plan", draft.backout_plan),
        ("Test plan", draft.test_plan),
    ]
    return [(title, words) for title, words in sections if words.strip()]


def _window(draft: ChangeDraft) -> str:
    ends = [when.isoformat(sep=" ", timespec="minutes") for when in (draft.planned_start, draft.planned_end) if when]
    return " to ".join(ends)


def _template_fields(draft: ChangeDraft, fields: Sequence[Tree], edition: Edition) -> Tree:
    found: Tree = {}
    for field in fields:
        attribute = FIELDS.get(_name(field))
        value = _written(getattr(draft, attribute), field, edition) if attribute else None
        if value is not None:
            found[field_id(field)] = value
    return found


def _written(value: Any, field: Mapping[str, Any], edition: Edition) -> Any:
    """The value as a field of this kind takes it; None when it can't be told."""
    if not value:
        return None
    schema = field.get("schema") or {}
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%S.000%z") if schema.get("type") == "datetime" else None
    if schema.get("type") == "option":
        options = [str(o.get("value")) for o in field.get("allowedValues") or [] if isinstance(o, dict)]
        return next(({"value": option} for option in options if option.casefold() == value.casefold()), None)
    if str(schema.get("custom", "")).endswith(":textarea"):
        return edition.words(cut(value, SECTION))
    return cut(value, 250) if schema.get("type") == "string" else None


def field_id(field: Mapping[str, Any]) -> str:
    return str(field.get("fieldId") or field.get("key") or "")


def _name(field: Mapping[str, Any]) -> str:
    return named(field, "field").casefold()
