"""What each kind of write-back asks of its connection."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from firstline.connector import Alarm, Announcement, Attachment, Attachments, Evidence, Note, Pager, StateChange, Update
from firstline.errors import Rejected
from firstline.incident import Reference
from firstline.register.proposal import Proposed, enter
from firstline.remediation.autonomy.promotion import PROPOSAL
from firstline.remediation.change.closing import Blame, ChangeMove, LateRecord, recorded
from firstline.remediation.context import Context
from firstline.remediation.note.log import log_of
from firstline.remediation.notification.notify import NOTIFICATION

Row = Mapping[str, Any]


async def write(context: Context, row: Row) -> Reference:
    """Write a claimed row once; gives the reference of what was written. Raises what the connector raises."""
    if row["act"] not in _ACTS:
        raise Rejected(f"no write-back is called {row['act']!r}")
    reference = Reference.model_validate(row["reference"])
    return await _ACTS[row["act"]](context, reference, row) or reference


async def _note(context: Context, reference: Reference, row: Row) -> Reference:
    note = Note.model_validate({**row["body"], "tried": row["tried"]})
    return await context.connector(row["connection"]).write_note(reference, note)


async def _state(context: Context, reference: Reference, row: Row) -> None:
    await context.connector(row["connection"]).set_state(reference, StateChange.model_validate(row["body"]))


async def _update(context: Context, reference: Reference, row: Row) -> None:
    await context.connector(row["connection"]).update(reference, Update.model_validate(row["body"]))


async def _attachment(context: Context, reference: Reference, row: Row) -> Reference:
    """The log, read when it is sent."""
    connector = context.connector(row["connection"])
    if not isinstance(connector, Attachments):
        raise Rejected(f"the connection {row['connection']!r} ({connector.name}) takes no files")
    content = await log_of(context.database, row["remediation_id"])
    file = Attachment(key=row["key"], name=row["body"]["name"], content=content, tried=row["tried"])
    return await connector.attach(reference, file)


async def _change(context: Context, reference: Reference, row: Row) -> None:
    move, register = ChangeMove.model_validate(row["body"]), context.register(row["connection"])
    if move.to == "canceled" and (await register.standing(reference)).state in ("canceled", "closed"):
        return  # a person was quicker
    await register.move(reference, move.to, move.evidence)


async def _late_record(context: Context, _: Reference, row: Row) -> Reference:
    """The change of what was done while its register did not answer. Where it needs an approval, that is asked for, and
    people close it."""
    record = LateRecord.model_validate(row["body"])
    register = context.register(row["connection"])
    change = await register.open(record.draft.model_copy(update={"tried": row["tried"]}))
    await context.database.write(lambda connection: recorded(connection, row["remediation_id"], change))
    try:
        await register.move(change, "implement", Evidence(work_start=record.evidence.work_start))
        await register.move(change, "closed", record.evidence)
    except Rejected:
        await register.request(change, record.evidence)
    return change


async def _blame(context: Context, reference: Reference, row: Row) -> None:
    change = Blame.model_validate(row["body"]).change
    await context.register(row["connection"]).blame(reference, change)


async def _proposal(context: Context, _: Reference, row: Row) -> Reference:
    wanted = context.mask.model(Proposed.model_validate(row["body"]))
    reference = await context.register(row["connection"]).propose(wanted.proposal)
    await context.database.write(lambda connection: enter(connection, wanted, reference))
    return reference


async def _alarm(context: Context, _: Reference, row: Row) -> None:
    await _pager(context, row["connection"]).alarm(Alarm.model_validate(row["body"]))


async def _announcement(context: Context, _: Reference, row: Row) -> None:
    await _pager(context, row["connection"]).announce(Announcement.model_validate(row["body"]))


async def _notification(context: Context, _: Reference, row: Row) -> None:
    await context.notifier.notify(context.database, row)


def _pager(context: Context, name: str) -> Pager:
    connector = context.connector(name)
    if not isinstance(connector, Pager):
        raise Rejected(f"the connection {name!r} ({connector.name}) calls nobody; alarms.connection names another")
    return connector


_ACTS: Mapping[str, Callable[[Context, Reference, Row], Awaitable[Reference | None]]] = {
    "note": _note,
    "state": _state,
    "update": _update,
    "attachment": _attachment,
    "change": _change,
    "late_record": _late_record,
    "blame": _blame,
    PROPOSAL: _proposal,
    "alarm": _alarm,
    "announcement": _announcement,
    NOTIFICATION: _notification,
}
