"""Looks whether a connection can work, with few and cheap requests."""

from firstline.connector import Finding
from firstline.errors import FirstlineError, Unauthorized, Unavailable
from firstline_servicenow import query
from firstline_servicenow.settings import ServiceNowSettings
from firstline_servicenow.table import Table

# What the account reads, and the mend where it can't.
_READ = {
    "incident": "give the account the role itil",
    "sys_journal_field": "give the account a read access rule on sys_journal_field, so that no note is written twice",
    "change_request": "give the account the role itil or sn_change_write",
    "std_change_record_producer": "let the account read std_change_record_producer, or set `standard_templates`",
    "cmdb_ci": "give the account the role itil, so that changes name their configuration item",
}


async def findings(table: Table, settings: ServiceNowSettings) -> list[Finding]:
    """First the sign-in; what depends on it only when it works."""
    signed_in = await _sign_in(table, settings)
    if not signed_in.ok:
        return [signed_in]
    return [signed_in, *[await _readable(table, name, mend) for name, mend in _READ.items()]]


async def _sign_in(table: Table, settings: ServiceNowSettings) -> Finding:
    subject = "address and sign-in"
    try:
        await table.find("sys_user", query.where(("user_name", "=", settings.user)), ("user_name",), 1)
    except Unauthorized as error:
        return Finding(ok=False, subject=subject, message=str(error), mend="check `user` and `password`")
    except Unavailable as error:
        mend = "check `base_url` and that this machine can reach it; wake the instance if it hibernates"
        return Finding(ok=False, subject=subject, message=str(error), mend=mend)
    except FirstlineError as error:
        mend = "give the account the role itil, and the address of the instance itself in `base_url`"
        return Finding(ok=False, subject=subject, message=str(error), mend=mend)
    return Finding(ok=True, subject=subject, message=f"signed in at {settings.base_url} as {settings.user}")


async def _readable(table: Table, name: str, mend: str) -> Finding:
    try:
        found = await table.find(name, "", ("sys_id",), 1)
    except FirstlineError as error:
        return Finding(ok=False, subject=name, message=str(error), mend=mend)
    if found.hidden:
        message = f"{found.total} rows are there, and the account may not read the first"
        return Finding(ok=False, subject=name, message=message, mend=mend)
    return Finding(ok=True, subject=name, message="can be read")
