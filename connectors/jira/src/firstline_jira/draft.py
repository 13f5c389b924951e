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
from firstline_jira import value as values
from firstline_jira.edition import SECTION, Edition
from firstline_jira.fit import clean, cut
from firstline_jira.issue import named
from firstline_jira.marker import CHANGE, label
from firstline_jira.settings import ChangeSettings
from firstline_jira.value import field_id as id_of

SUMMARY = 255  # characters (Jira Cloud, field "summary")
LATE = "firstline-late"  # the label of changes that were filed after the work
_LATE_WORDS = "Late record, filed after the work"

Tree = dict[str, Any]

# Names of fields in Jira Service Management's change template → the draft's.
FIELDS = {
    "change type": "type",
    "change risk": "risk",
    "risk": "risk",
    "justification": "justification",
    "implementation plan": "implementation_plan",
    "backout plan": "backout_plan",
    "test plan": "test_plan",
    "planned start": "planned_start",
    "change start date": "planned_start",
    "planned end": "planned_end",
    "change completion date": "planned_end",
}
RISKS = {"moderate": ("moderate", "medium")}  # the draft's word → the template's
_GIVEN = ("project", "issuetype", "reporter")  # required by every screen, and never missing


@dataclass(frozen=True)
class Desk:
    """What a site says of its change project. `request_type` and `request_field` are empty where there is none; `form`
    names the fields that the portal shows, where approvers read."""

    project: str
    issue_type: str
    request_type: str
    request_field: str
    fields: tuple[Tree, ...]
    statuses: tuple[Tree, ...]
    form: frozenset[str] = frozenset()

    def field(self, attribute: str) -> str:
        """The id of the field that holds a draft's attribute; empty when the create screen has none."""
        return next((field_id(f) for f in self.fields if FIELDS.get(_name(f)) == attribute), "")

    @property
    def screen(self) -> dict[str, Tree]:
        return {field_id(field): field for field in self.fields}

    @property
    def hides_plan(self) -> bool:
        """Whether the portal does not show the description, in which all plans stand."""
        return bool(self.request_type) and "description" not in self.form


def details(draft: ChangeDraft, desk: Desk, settings: ChangeSettings, edition: Edition) -> Tree:
    """The body of POST issue. The mark is part of it: no change stands without. `Rejected` names what the create screen
    requires, or lacks."""
    if "labels" not in desk.screen:
        raise Rejected(
            f"the create screen of changes in {desk.project} has no field Labels, by which a change is found again"
        )
    fields: Tree = {
        "project": {"key": desk.project},
        "issuetype": {"id": desk.issue_type},
        "summary": title(draft),
        "description": edition.sections(sections(draft)),
        "labels": [label(draft.key), *([LATE] if draft.late else [])],
        **_template_fields(draft, desk, settings, edition),
        **_own_fields(desk, settings, edition),
    }
    if desk.request_type and desk.request_field:
        fields[desk.request_field] = desk.request_type
    _refuse_missing(desk, fields)
    return {"fields": fields, "properties": [{"key": CHANGE, "value": mark(draft)}]}


def title(draft: ChangeDraft) -> str:
    words = clean(" ".join(draft.short_description.split())) or draft.key
    return (f"{_LATE_WORDS}: {words}" if draft.late else words)[:SUMMARY]


def mark(draft: ChangeDraft) -> Tree:
    times = {"start": draft.planned_start, "end": draft.planned_end}
    mine = {"key": draft.key, "type": draft.type, "risk": draft.risk, "ci": draft.ci}
    return mine | {name: when.isoformat() for name, when in times.items() if when}


def sections(draft: ChangeDraft) -> list[tuple[str, str]]:
    """Title and words of all that an approver must know; empty ones are left out."""
    found = [
        ("", f"{_LATE_WORDS}." if draft.late else ""),
        ("", draft.description),
        ("Change type", f"{draft.type} {draft.template}".strip()),
        ("Risk", draft.risk),
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
    return [(name, words) for name, words in found if words.strip()]


def lost(sent: Mapping[str, Any], issue: Mapping[str, Any], desk: Desk) -> list[str]:
    """Names of the fields that were sent and are empty; of a change type, also one that is another."""
    shown, kind = issue["fields"], desk.field("type")
    names = [id for id in sent if id not in _GIVEN and not shown.get(id)]  # noqa: A001 - Jira's word
    if kind in sent and shown.get(kind) and not values.same(shown[kind], sent[kind]):
        names.append(kind)
    mark_lost = [] if (issue.get("properties") or {}).get(CHANGE) else ["our mark"]
    return [values.label(desk.screen, id) for id in names] + mark_lost  # noqa: A001


def _window(draft: ChangeDraft) -> str:
    ends = [when.isoformat(sep=" ", timespec="minutes") for when in (draft.planned_start, draft.planned_end) if when]
    return " to ".join(ends)


def _template_fields(draft: ChangeDraft, desk: Desk, settings: ChangeSettings, edition: Edition) -> Tree:
    found: Tree = {}
    for field in desk.fields:
        attribute = FIELDS.get(_name(field), "")
        value = _written(_words(draft, attribute, settings), field, edition) if attribute else None
        if value is not None:
            found[field_id(field)] = value
        elif attribute == "type" and _offered(field):
            raise Rejected(
                f"{desk.project} offers as {field.get('name')} {', '.join(_offered(field))}, and none stands for "
                f"{draft.type}: name it in change.types"
            )
    return found


def _words(draft: ChangeDraft, attribute: str, settings: ChangeSettings) -> Any:
    """What the field holds; several texts are other names of one option."""
    if attribute == "type":
        return (settings.types.get(draft.type, draft.type),)
    return RISKS.get(draft.risk, (draft.risk,)) if attribute == "risk" else getattr(draft, attribute)


def _own_fields(desk: Desk, settings: ChangeSettings, edition: Edition) -> Tree:
    """Those that the operator gives values for."""
    screen = desk.screen
    ids = {id_of(screen, name): value for name, value in settings.fields.items()}
    return {id: values.written(screen[id], value, edition) for id, value in ids.items()}  # noqa: A001


def _refuse_missing(desk: Desk, sent: Tree) -> None:
    required = [f for f in desk.fields if f.get("required") and not f.get("hasDefaultValue")]
    missing = [named(f, "field") for f in required if field_id(f) not in (*sent, *_GIVEN)]
    if missing:
        raise Rejected(
            f"the create screen of changes in {desk.project} requires {', '.join(missing)}: give it a value in "
            "change.fields, or make it optional"
        )


def _written(value: Any, field: Mapping[str, Any], edition: Edition) -> Any:
    """The value as a field of this kind takes it; None when it can't be told."""
    schema = field.get("schema") or {}
    if isinstance(value, tuple):
        if schema.get("type") != "option":
            return _written(value[0], field, edition)
        return next(({"value": o} for o in _offered(field) for word in value if o.casefold() == word.casefold()), None)
    if isinstance(value, datetime):
        return stamp(value) if schema.get("type") == "datetime" else None
    if not value or schema.get("type") != "string":
        return None
    if str(schema.get("custom", "")).endswith(":textarea"):
        return edition.words(cut(value, SECTION))
    return cut(value, 250)


def stamp(when: datetime) -> str:
    """A time as Jira takes it."""
    return when.strftime("%Y-%m-%dT%H:%M:%S.000%z")


def _offered(field: Mapping[str, Any]) -> Sequence[str]:
    return [str(option.get("value")) for option in field.get("allowedValues") or [] if isinstance(option, dict)]


def field_id(field: Mapping[str, Any]) -> str:
    return str(field.get("fieldId") or field.get("key") or "")


def _name(field: Mapping[str, Any]) -> str:
    return named(field, "field").casefold()
