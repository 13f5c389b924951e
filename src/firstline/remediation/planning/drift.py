"""Whether the plan is still the one that was meant. An approval binds its digest: any drift voids it, and is told."""

from typing import Any

import sqlalchemy as sa
import structlog

from firstline.errors import FirstlineError, Rejected
from firstline.incident import Event, Incident
from firstline.ledger.facet import bind
from firstline.remediation import approval as questions
from firstline.remediation.autonomy import mode
from firstline.remediation.autonomy.policy import read as read_policy
from firstline.remediation.begin import note
from firstline.remediation.change.closing import cancel
from firstline.remediation.hold import gate
from firstline.remediation.news import OVER, RESOLVED
from firstline.remediation.note import text
from firstline.remediation.plan import Plan
from firstline.remediation.received import received
from firstline.remediation.timeline import lines, tell
from firstline.remediation.turn import Turn
from firstline.store.database import insert
from firstline.store.table import DELIVERY, EVENT, INCIDENT, now

log = structlog.get_logger()

FRESH = 30.0  # seconds after its begin in which what nobody had to let go is not looked at again
MOST = 5  # times that a plan is made anew: one that never stands still needs a person
DRIFTED = "drifted"


async def has_drifted(turn: Turn) -> bool:
    """Look, and do what follows: ask anew, plan anew, or stop. True: the turn is over."""
    age = (now() - turn.row["created_at"]).total_seconds()
    if not turn.row["approved_by"] and age < FRESH:
        return False
    view = await turn.context.database.read(lambda connection: _view(connection, turn.incident))
    incident = fuller(turn.incident, view) if view is not None else turn.incident
    if incident.state in OVER:
        await turn.end("not_needed", turn.findings, RESOLVED)
        return True
    try:
        fresh = await _planned(turn, incident)
    except Rejected as error:
        await turn.end("stopped", turn.findings, f"its plan can't be made any more: {error}")
        return True
    drifts = differences(turn.plan, fresh)
    if drifts:
        await renew(turn, fresh, "; ".join(drifts))
    elif await turn.context.database.read(lambda connection: _has_lapsed(connection, turn)):
        await renew(turn, fresh, f"what {turn.row['approved_by']} let go was held until it expired")
        return True
    return bool(drifts)


def fuller(then: Incident, view: Incident) -> Incident:
    """The incident as it is now. What the newer view does not tell is as it was: another of the vendor's shapes may
    tell less, and that is no drift. Pure."""
    return Incident.model_validate(_filled(then.model_dump(), view.model_dump()))


def _filled(then: Any, view: Any) -> Any:
    if isinstance(then, dict) and isinstance(view, dict):
        return {name: _filled(then.get(name), view.get(name)) for name in {**then, **view}}
    other = isinstance(then, dict | list | tuple) != isinstance(view, dict | list | tuple)
    return then if view in (None, "", [], {}, ()) or (other and then is not None) else view


def differences(then: Plan, fresh: Plan) -> list[str]:
    """What is not as it was, in words. Pure."""
    old, new = then.runbook, fresh.runbook
    found = []
    if old.runbook_digest != new.runbook_digest:
        found.append(
            f"runbook: {then.named} ({old.runbook_digest[:12]}) is now {fresh.named} ({new.runbook_digest[:12]})"
        )
    found += [
        f"input {name}: {old.inputs.get(name)!r} is now {new.inputs.get(name)!r}"
        for name in sorted({*old.inputs, *new.inputs})
        if old.inputs.get(name) != new.inputs.get(name)
    ]
    for what, was, is_ in (
        ("targets", old.targets, new.targets),
        ("group", old.group, new.group),
        ("approvers", then.asks.by, fresh.asks.by),
    ):
        if was != is_:
            found.append(f"{what}: {', '.join(was) or 'none'} is now {', '.join(is_) or 'none'}")
    found += [
        f"settings of {name}"
        for name in sorted({*then.settings, *fresh.settings})
        if then.settings.get(name) != fresh.settings.get(name)
    ]
    if then.asks.count != fresh.asks.count:
        found.append(f"approvals needed: {then.asks.count} is now {fresh.asks.count}")
    if then.change_type != fresh.change_type or then.change_register != fresh.change_register:
        found.append("change: " + " is now ".join(map(_covered, (then, fresh))))
    if mode.lower(fresh.mode, then.mode):
        found.append(f"mode: {then.mode} is now {fresh.mode}")
    return found


def _covered(plan: Plan) -> str:
    return f"{plan.change_type} in {plan.change_register or 'no register'}"


async def _planned(turn: Turn, incident: Incident) -> Plan:
    event = await turn.context.database.read(lambda connection: _event(connection, turn))
    policy = await turn.context.database.read(read_policy)
    return turn.context.plan_again(event.model_copy(update={"incident": incident}), turn.plan.mapping, policy)


def _view(connection: sa.Connection, incident: Incident) -> Incident | None:
    reference = incident.reference
    this = (INCIDENT.c.connection, INCIDENT.c.kind, INCIDENT.c.record_id)
    keys = (reference.connection, reference.kind, reference.id)
    query = sa.select(INCIDENT.c.incident).where(*(column == key for column, key in zip(this, keys, strict=True)))
    found = connection.scalar(query)
    return Incident.model_validate(found) if found else None


def _event(connection: sa.Connection, turn: Turn) -> Event:
    """The event that began it, with the vendor's own shape where its delivery is still there."""
    query = sa.select(EVENT.c.event, DELIVERY).join(DELIVERY, DELIVERY.c.id == EVENT.c.delivery_id, isouter=True)
    row = connection.execute(query.where(EVENT.c.id == turn.row["event_id"])).mappings().first()
    if row is None:
        raise Rejected("the event that began it is no longer kept")
    kept = Event.model_validate(row["event"])
    return next((one for one in _translated(turn, row) if one.id == kept.id), kept)


def _translated(turn: Turn, row: Any) -> list[Event]:
    if row["body"] is None:
        return []
    delivery = received(row)
    try:
        return list(turn.context.connector(delivery.connection).translate(delivery))
    except FirstlineError as error:
        log.warning("drift.not_translated", remediation=turn.id, reason=str(error))
        return []


def _has_lapsed(connection: sa.Connection, turn: Turn) -> bool:
    """Whether the hub's people let it go so long ago that their word counts no more. That of a change is good for its
    planned time."""
    if not (turn.plan.question and turn.row["approved_by"]):
        return False
    answer = questions.answered(connection, turn.id, turn.row["plan_digest"])
    return answer is None or answer.state != "approved"


async def renew(turn: Turn, fresh: Plan, why: str) -> None:
    """Void what was let go, and begin anew with the plan as it is now."""
    number = await turn.context.database.read(lambda connection: _renewals(connection, turn.id)) + 1
    if mode.lower(fresh.mode, "approve"):
        await turn.end("stopped", turn.findings, f"the plan has changed: {why}")
    elif number > MOST:
        await turn.end("stopped", turn.findings, f"the plan has changed {number} times: {why}")
    else:
        await turn.context.database.write(lambda connection: _renewed(connection, turn, fresh, why, number))
        turn.context.wake()
        turn.goes = False


def _renewals(connection: sa.Connection, remediation_id: str) -> int:
    return sum(line["act"] == DRIFTED for line in lines(connection, remediation_id))


def _renewed(connection: sa.Connection, turn: Turn, fresh: Plan, why: str, number: int) -> None:
    asks = fresh.question
    values = {
        "plan": fresh.model_dump(mode="json"),
        "plan_digest": fresh.digest,
        "mode": fresh.mode,
        "stage": "waiting" if asks else "ready",
        "wake_at": None if asks else now(),
        "owner": None,
        "attempts": 0,
        **dict.fromkeys(("change", "change_record", "override", "holds", "findings", "tell_at", "asked_at")),
        **dict.fromkeys(("approved_by", "reason", "change_type"), ""),
    }
    if not turn.update(connection, values):
        return
    questions.void(connection, turn.id, why)
    gate.release(connection, turn.id, now())
    if turn.change is not None:
        insert(connection, cancel(turn.id, turn.change, f"the plan has changed: {why}"))
    if turn.row["approved_by"] or turn.change is not None:
        insert(connection, _note(turn, why, number))
    facts = {"before": turn.row["plan_digest"], "now": fresh.digest}
    said = f"The plan has changed, what was let go no longer counts: {why}"
    tell(connection, turn.id, DRIFTED, said, facts=facts, rows=bind(connection, "remediation.plan", turn.id))
    if asks:
        questions.ask(connection, turn.context, {**turn.row, **values})


def _note(turn: Turn, why: str, number: int) -> Any:
    key, url = f"drifted.{number}", f"{turn.context.url}/remediations/{turn.id}"
    told = text.drifted(f"{turn.id}.{key}", turn.plan, turn.row["approved_by"], why, url)
    return note(turn.id, key, turn.incident.reference, told)
