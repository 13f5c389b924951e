"""Emergency: a named person lets one remediation past its holds, and everybody is told."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from firstline.access import Person, Right
from firstline.connector import Alarm, Fact, Note
from firstline.errors import Rejected
from firstline.governor import alarm
from firstline.guard import Hold
from firstline.guard.override import Override, override_of
from firstline.incident import Incident
from firstline.remediation.begin import note
from firstline.remediation.timeline import tell
from firstline.store.database import insert
from firstline.store.table import REMEDIATION, WriteBackRow


def override(
    connection: sa.Connection, remediation_id: str, person: Person, reason: str, now: datetime, *, pager: str, url: str
) -> Override:
    """Let it past whatever holds it now and later, as it is planned now: but for a kill switch, and for more targets
    than may be touched. Told on its incident, in the ledger, and to who is called. Raises `Rejected`; `url` is the
    hub's."""
    row = _row(connection, remediation_id)
    _look(row, person, reason)
    made = Override(by=person.name, reason=reason.strip(), plan_digest=row["plan_digest"], at=now)
    this = sa.update(REMEDIATION).where(REMEDIATION.c.id == remediation_id)
    connection.execute(this.values(override=made.model_dump(mode="json")))
    # What waits for the clock goes on at once; what waits for an answer waits for it still.
    connection.execute(this.where(REMEDIATION.c.wake_at > now, REMEDIATION.c.owner.is_(None)).values(wake_at=now))
    said = f"Let past its holds: {made.reason}"
    facts = {"plan": made.plan_digest, "holds": row["holds"] or []}
    tell(connection, remediation_id, "overridden", said, actor=made.by, facts=facts)
    where = f"{url}/remediations/{remediation_id}"
    insert(connection, *_notes(row, made, where))
    alarm.call(connection, pager, _alarm(row, made, where), remediation_id)
    return made


def over(connection: sa.Connection, row: Mapping[str, Any], pager: str) -> None:
    """The remediation (its row) has ended: nobody is called any more because somebody let it go."""
    if row["override"]:
        made = Override.model_validate(row["override"])
        said = f"Firstline: what {made.by} let go has ended: {row['outcome']}"
        alarm.withdraw(connection, pager, _key(row["id"], made), said)


def _row(connection: sa.Connection, remediation_id: str) -> Any:
    query = sa.select(REMEDIATION).where(REMEDIATION.c.id == remediation_id).with_for_update()
    row = connection.execute(query).mappings().first()
    if row is None:
        raise Rejected(f"there is no remediation {remediation_id}")
    return row


def _look(row: Any, person: Person, reason: str) -> None:
    if not person.may(Right.GOVERN, pack=row["pack"], environment=row["environment"]):
        raise Rejected(f"{person.name} may not govern {row['pack']} in {row['environment']}")
    if not reason.strip():
        raise Rejected("an override needs a reason")
    if row["ended_at"] is not None or row["stage"] == "acted":
        raise Rejected(f"it has ended: {row['outcome']}")
    if not row["changes"]:
        raise Rejected("it changes nothing, so that only a kill switch holds it, and no override passes that")
    known = override_of(row)
    if known is not None:
        raise Rejected(f"{known.by} let it past its holds already: {known.reason}")


def _notes(row: Any, made: Override, where: str) -> Iterator[WriteBackRow]:
    # A plan that drifted away and came back is let go anew.
    incident, key = Incident.model_validate(row["incident"]), f"override.{made.plan_digest[:12]}.{made.at:%y%m%d%H%M%S}"
    holds = [Hold.model_validate(one) for one in row["holds"] or []]
    told = {
        "By": made.by,
        "Because": made.reason,
        "Held by": _why(one for one in holds if made.covers(one.guard)),
        "Still held by": _why(one for one in holds if not made.covers(one.guard)),
        "More": where,
    }
    facts = tuple(Fact(label=label, value=value) for label, value in told.items() if value)
    headline = "Firstline was told to go on past what held it"
    yield note(row["id"], key, incident.reference, Note(key=f"{row['id']}.{key}", headline=headline, facts=facts))


def _why(holds: Iterable[Hold]) -> str:
    return "\n".join(f"{one.guard}: {one.why}" for one in holds)


def _alarm(row: Any, made: Override, where: str) -> Alarm:
    summary = f"Firstline: {made.by} let {row['runbook']} past its holds: {made.reason}"
    details = {"by": made.by, "reason": made.reason, "runbook": row["runbook"], "plan": made.plan_digest}
    return Alarm(key=_key(row["id"], made), summary=summary[:1024], severity="warning", details=details, url=where)


def _key(remediation_id: str, made: Override) -> str:
    return f"override.{remediation_id}.{made.plan_digest[:12]}"
