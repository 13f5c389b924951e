"""Asks the gate for a turn: the plan must be the one that was decided, and nothing may hold it."""

from firstline.remediation.hold import gate
from firstline.remediation.turn import Turn
from firstline.store.table import now


async def admitted(turn: Turn) -> bool:
    """Whether it may go on; its targets are locked for it then. Else it was let go of."""
    if not await is_meant(turn):
        return False
    context, plan, incident = turn.context, turn.plan, turn.incident
    rules, windows = context.guards, context.windows()
    holds = await context.database.write(
        lambda connection: gate.admit(connection, turn.row, plan, incident, rules, windows, now())
    )
    final = [one for one in holds if one.ends]
    if final:
        await turn.end("stopped", turn.findings, "; ".join(f"{one.why}. {one.mend}".strip() for one in final))
    elif holds:
        await turn.hold(holds)
    return not holds


async def is_meant(turn: Turn) -> bool:
    """Whether the plan in the row has the digest that was decided, and approved: whoever can write to the database does
    not get to choose what runs. Else it is over."""
    if turn.plan.digest == turn.row["plan_digest"]:
        return True
    why = f"its plan is not the one that was decided (digest {turn.row['plan_digest'][:12]}): somebody has edited it"
    await turn.end("stopped", turn.findings, why)
    return False
