"""Finds out whether the instance takes the times in our queries as they are meant: in UTC.

Times in a query are documented as UTC, but some instances read them in the time zone of the account. Then a poll would
ask for hours that are yet to come, and find nothing for ever. One row that is there says it: asked for by its sys_id
and its own time, it is found or not."""

from firstline.errors import Rejected
from firstline_servicenow import query
from firstline_servicenow.record import value
from firstline_servicenow.table import Table

MEND = "give the account the time zone GMT: its queries' times are read in another one"


async def shifted(table: Table, name: str) -> bool | None:
    """True when a row is not found by its own time. None: there is no row to try it with."""
    any_row = await table.find(name, "", ("sys_id", "sys_created_on"), 1)
    if not any_row.rows:
        return None
    row = any_row.rows[0]
    identifier, created = value(row, "sys_id"), value(row, "sys_created_on")
    where = query.where(
        ("sys_id", "=", identifier), ("sys_created_on", ">=", created), ("sys_created_on", "<=", created)
    )
    return not (await table.find(name, where, ("sys_id",), 1)).rows


async def demand_utc(table: Table, name: str) -> bool:
    """Raise `Rejected` where it is not so. False: it could not be tried yet."""
    found = await shifted(table, name)
    if found:
        raise Rejected(f"the times in our queries are not read as UTC, so a poll would miss what happened: {MEND}")
    return found is not None
