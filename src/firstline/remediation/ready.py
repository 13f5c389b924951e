"""The first stage: nothing may be in the way, and the fault must still be there; then its change is opened."""

from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from firstline.errors import Unauthorized, Unavailable
from firstline.governor import connection as connections
from firstline.guard import Hold
from firstline.guard.override import override_of
from firstline.incident import Reference
from firstline.remediation import approval as questions
from firstline.remediation.change import cover
from firstline.remediation.hold import gate
from firstline.remediation.hold.admission import admitted
from firstline.remediation.planning import drift
from firstline.remediation.run.before import Before
from firstline.remediation.run.check import hold
from firstline.remediation.run.finding import Findings
from firstline.remediation.run.procedure import Procedure
from firstline.remediation.timeline import tell
from firstline.remediation.turn import Turn
from firstline.settings import OWN_REGISTER
from firstline.store.table import now


async def ready(turn: Turn) -> None:
    if turn.change is not None and not cover.waits(turn):
        await turn.move({"stage": "opened"})  # its manager may have touched it since it was opened
        return
    if not await passes(turn):
        return
    findings = await looked(turn)
    if findings is None:
        return
    if turn.plan.runbook.change is None:
        await turn.move({"stage": "prepared", "findings": findings.model_dump(mode="json"), **turn.unheld})
        return
    try:
        await _covered(turn, findings)
    except (Unavailable, Unauthorized) as error:
        await _without_record(turn, findings, error)


async def _covered(turn: Turn, findings: Findings) -> None:
    """Open its change, and go on under it, or wait for who has to approve it."""
    change = await cover.open_change(turn)
    if cover.waits(turn):
        await cover.ask(turn, change)
        await _wait_for(turn, change, findings.model_dump(mode="json"))
    else:
        await cover.implement(turn, change, findings)


async def _wait_for(turn: Turn, change: Reference, found: dict[str, Any]) -> None:
    """Let go of it until the change is approved: in the hub's own register, by the people it asks."""
    context, said = turn.context, f"{change.label} waits for its approval"
    values = {
        "attempts": 0,
        "stage": "opened",
        "findings": found,
        "owner": None,
        "wake_at": _soon(turn),
        "reason": said,
    }
    values |= turn.held([Hold(guard="change", why=said)])

    def wait(connection: sa.Connection) -> None:
        if not turn.update(connection, values):
            return
        gate.release(connection, turn.id, now())
        tell(connection, turn.id, "waits", f"{change.label} in {change.connection} waits for its approval")
        if turn.plan.change_register == OWN_REGISTER:
            questions.ask(connection, context, {**turn.row, **values})

    await context.database.write(wait)
    context.wake()
    turn.goes = False


def _soon(turn: Turn) -> datetime:
    """When to look at it first: some registers approve by themselves, at once."""
    return now() + timedelta(seconds=min(5.0, turn.context.changes.follow))


async def passes(turn: Turn) -> bool:
    """Whether the plan is still the one that was meant, and no guard holds it: then its targets are locked for it."""
    return not await drift.has_drifted(turn) and await admitted(turn)


async def looked(turn: Turn) -> Findings | None:
    """What the checks say: the fault is there, and the rest of the group is well. None: then it was let go of."""
    procedure, findings = turn.procedure(), Findings()
    await Before(procedure, turn.plan.runbook, findings).look()
    if not findings.needed(turn.plan.runbook.targets):
        await turn.end("not_needed", findings, "; ".join(dict.fromkeys(findings.spared.values())))
        return None
    sick = await _sick(procedure, turn, findings)
    if sick:
        await turn.hold(sick)
        return None
    return findings


async def _sick(procedure: Procedure, turn: Turn, findings: Findings) -> list[Hold]:
    """Those of the group that are not touched must be well: else the fix would take away what still works."""
    found = []
    for check in turn.plan.runbook.healthy:
        seen = await hold(procedure, "healthy", check, procedure.values(findings, check))
        if not seen.ok:
            why = f"{check.target} of the group is not healthy: {check.name}: {seen.detail}"
            found.append(Hold(guard="group", why=why, mend="Mend it first, or override with a reason."))
    return [] if override_of(turn.row) else found


async def _without_record(turn: Turn, findings: Findings, error: Unavailable | Unauthorized) -> None:
    """Policy decides: no record, no run; or what need not wait for anybody's approval runs, and is recorded late."""
    register, found = turn.plan.change_register, findings.model_dump(mode="json")
    if turn.context.changes.no_record == "late" and not cover.waits(turn):
        late = f"{register} does not answer: the change is recorded late ({error})"
        await turn.move({"stage": "prepared", "findings": found, "change_late": True, **turn.unheld}, "late", late)
        return
    asked = error.retry_after if isinstance(error, Unavailable) else connections.PAUSED_LOOK
    why = f"no record, no run: {register} does not answer: {error}"
    await turn.wait(why, asked, [Hold(guard="change", why=why, mend="It goes on when its register answers.")])
