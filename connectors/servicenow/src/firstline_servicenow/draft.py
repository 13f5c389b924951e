"""A change request's fields from a draft, and from evidence. Pure."""

from collections.abc import Mapping

from firstline.connector import ChangeDraft, ChangeState, Evidence
from firstline.errors import Rejected
from firstline_servicenow.journal import LIMIT, harmless, shortened
from firstline_servicenow.record import Record, written
from firstline_servicenow.settings import ServiceNowSettings
from firstline_servicenow.state import confirm

PLAN_LIMIT = 4_000  # characters in plan and note fields
TITLE_LIMIT = 160  # characters in short_description

# POST /change/standard/{template} takes these from the template and ignores what is sent (Change Management API).
_TEMPLATE_OWNS = ("description", "implementation_plan", "backout_plan", "test_plan")
_PLANS = ("description", "justification", "implementation_plan", "risk_and_impact", "backout_plan", "test_plan")
_NAMES = {"risk_and_impact": "risk_impact_analysis"}
_RISKS = {"high": "2", "moderate": "3", "low": "4"}
_LATE = "Filed late: the work was done before this change was opened."
_LABELS = {
    "description": "Description",
    "implementation_plan": "Implementation plan",
    "backout_plan": "Backout plan",
    "test_plan": "Test plan",
}


def fields(draft: ChangeDraft, ci: str, group: str, gaps: tuple[str, ...]) -> dict[str, str]:
    """What to create the change with. `ci` and `group` are sys_ids or empty; `gaps` says what could not be filled: as
    a work note, and where an approver reads it."""
    standard = draft.type == "standard"
    plans = {name: getattr(draft, name) for name in _PLANS}
    kept = plans if standard else {**plans, **_seen(draft, gaps)}
    kept |= {"justification": _joined(_LATE if draft.late else "", draft.justification)}
    kept |= {"risk_and_impact": _joined(f"Risk: {draft.risk}." if draft.risk else "", draft.risk_and_impact)}
    notes = [*gaps] + ([_told(plans)] if standard else [])
    title = f"Late: {draft.short_description}" if draft.late else draft.short_description
    filled = {
        "short_description": shortened(" ".join(title.split()), TITLE_LIMIT),
        **{_NAMES.get(name, name): _plan(text) for name, text in kept.items() if not _ignored(name, standard)},
        **held(draft, ci),
        "risk": _RISKS.get(draft.risk, ""),
        "assignment_group": group,
        "correlation_id": draft.key,
        "correlation_display": "Firstline",
        "work_notes": shortened(harmless("\n\n".join(note for note in notes if note)), LIMIT),
    }
    return {name: text for name, text in filled.items() if text}


def held(draft: ChangeDraft, ci: str) -> dict[str, str]:
    """What an approval, a conflict and a detected change hang on: a change that lacks one of them covers nothing."""
    times = {"start_date": draft.planned_start, "end_date": draft.planned_end}
    kept = {"cmdb_ci": ci, **{name: written(when) for name, when in times.items() if when}}
    return {name: text for name, text in kept.items() if text}


def telling(to: ChangeState, evidence: Evidence, settings: ServiceNowSettings) -> dict[str, str]:
    """What is written along with a move to this state."""
    told = _closing(evidence, settings) if to == "closed" else noting(evidence)
    return {**told, **entering(to, settings)}


def entering(state: ChangeState | None, settings: ServiceNowSettings) -> Mapping[str, str]:
    """The fields that the connection's settings want written with it."""
    return settings.change_fields.get(state, {}) if state else {}


def demand(change: Record, told: Mapping[str, str]) -> None:
    """Raise `Rejected`, naming the field and the likely rule, when the change is not as it was written. Notes are not
    compared: they read empty, or are laid out anew."""
    confirm(change, {name: text for name, text in told.items() if text})


def _closing(evidence: Evidence, settings: ServiceNowSettings) -> dict[str, str]:
    """What Closed needs: a close code and close notes. Raises `Rejected` without a result: success is not ours to
    assume."""
    if evidence.result is None:
        raise Rejected("a change is closed with a result: successful, successful_issues or unsuccessful")
    notes = harmless(evidence.notes) or "No notes were left."
    code = settings.close_codes.get(evidence.result, evidence.result)
    told = {"close_code": code, "close_notes": shortened(notes, PLAN_LIMIT)}
    if len(notes) > PLAN_LIMIT:
        told["work_notes"] = shortened(notes, LIMIT)
    return told | worked(evidence)


def noting(evidence: Evidence) -> dict[str, str]:
    """What goes along with a move to any other state."""
    note = {"work_notes": shortened(harmless(evidence.notes), LIMIT)} if evidence.notes else {}
    return note | worked(evidence)


def worked(evidence: Evidence) -> dict[str, str]:
    """The actual start and end, as far as they are known."""
    times = {"work_start": evidence.work_start, "work_end": evidence.work_end}
    return {name: written(when) for name, when in times.items() if when is not None}


def _seen(draft: ChangeDraft, gaps: tuple[str, ...]) -> dict[str, str]:
    """An approver's form has no test plan and no work notes, so what they say stands in fields that it has."""
    tested = f"How it is tested:\n{draft.test_plan}" if draft.test_plan else ""
    return {
        "description": _joined(draft.description, *gaps),
        "implementation_plan": _joined(draft.implementation_plan, tested),
    }


def _joined(*parts: str) -> str:
    return "\n\n".join(part for part in parts if part)


def _ignored(name: str, standard: bool) -> bool:
    return standard and name in _TEMPLATE_OWNS


def _told(plans: dict[str, str]) -> str:
    """What the template would swallow, for those who read the change's notes."""
    return "\n\n".join(f"{_LABELS[name]}:\n{plans[name]}" for name in _TEMPLATE_OWNS if plans[name])


def _plan(text: str) -> str:
    return shortened(text, PLAN_LIMIT)
