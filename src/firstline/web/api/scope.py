"""What of a list a person may see, and on which single thing they may act: by the pack and environment it belongs to.

What belongs to no pack (an event that no mapping matched) is for those who have the right for all packs."""

from functools import partial

import sqlalchemy as sa
from fastapi import HTTPException

from firstline.access import Person, Right, within
from firstline.access.right import EVERY
from firstline.hub import Hub
from firstline.store.table import DECISION, EVENT, REMEDIATION
from firstline.web.api.access import everywhere

Condition = sa.ColumnElement[bool]


def reach(hub: Hub, person: Person, right: Right, table: sa.Table) -> Condition:
    """For a query of events, decisions, remediations, or a table with `remediation_id`: the rows for which the person
    has the right."""
    if person.may(right, pack=EVERY, environment=EVERY):
        return sa.true()
    if table is DECISION:
        return _decided(hub, person, right)
    if table is EVENT:
        return _of_no_pack(hub, person, right) | sa.exists().where(
            DECISION.c.event_id == EVENT.c.id, _decided(hub, person, right)
        )
    theirs = within(person, right, REMEDIATION.c.pack, REMEDIATION.c.environment)
    if table is REMEDIATION:
        return theirs
    of_one = sa.exists().where(REMEDIATION.c.id == table.c.remediation_id, theirs)
    return of_one | _of_no_pack(hub, person, right) & (table.c.remediation_id == "")


async def admit(hub: Hub, person: Person, right: Right, table: sa.Table, key: str) -> None:
    """404 unless there is such a row and the person may see it; 403 unless they have the right for it."""
    for asked, status in ((Right.SEE, 404), (right, 403)):
        if not await hub.database.read(partial(_first, table, key, reach(hub, person, asked, table))):
            raise HTTPException(status, _words(person, right, table, key, status))


def _first(table: sa.Table, key: str, condition: Condition, connection: sa.Connection) -> bool:
    return connection.execute(sa.select(table.c.id).where(table.c.id == key, condition)).first() is not None


def _words(person: Person, right: Right, table: sa.Table, key: str, status: int) -> str:
    kind = table.name.removeprefix("fl_").replace("_", "-")
    return f"there is no {kind} {key}" if status == 404 else f"{person.name} may not {right.value} this {kind}"


def _decided(hub: Hub, person: Person, right: Right) -> Condition:
    """A decision belongs to the pack of its mapping, `pack/id`, and to the hub's environment."""
    # Not LIKE: on SQLite that takes `shop` for `Shop`.
    packs = {grant.pack for grant in person.granting(right) if grant.covers(None, hub.settings.hub.environment)}
    named = (sa.func.substr(DECISION.c.mapping, 1, len(pack) + 1) == f"{pack}/" for pack in sorted(packs - {EVERY}))
    return sa.or_(_of_no_pack(hub, person, right), *named)


def _of_no_pack(hub: Hub, person: Person, right: Right) -> Condition:
    return sa.true() if everywhere(hub, person, right) else sa.false()
