"""Looks whether a connection can work, with few and cheap requests."""

from collections.abc import Sequence
from datetime import UTC, datetime
from ipaddress import ip_address
from urllib.parse import urlsplit

from firstline.connector import Finding
from firstline.errors import FirstlineError, Unauthorized, Unavailable
from firstline.meter import Quota
from firstline_servicenow import zone
from firstline_servicenow.dictionary import Dictionary
from firstline_servicenow.record import value
from firstline_servicenow.rule import Rules
from firstline_servicenow.settings import ServiceNowSettings
from firstline_servicenow.table import Found, Table

SIGN_IN = "address and sign-in"
SKEW = 60.0  # seconds that two clocks may differ
HOURLY = 120  # requests an hour for each watched table: a poll a minute, and as many for what follows from it

_ITIL = "give the account the role itil"
# What the account reads beside the watched tables, and the mend where it can't.
_READ = {
    "sys_journal_field": "give the account a read access rule on sys_journal_field, so that no note is written twice",
    "change_request": "give the account the role itil or sn_change_write",
    "sysapproval_approver": "let the account read sysapproval_approver, so that it is known who approved a change",
    "std_change_record_producer": "let the account read std_change_record_producer, or set `standard_templates`",
    "cmdb_ci": _ITIL + ", so that changes name their configuration item",
}
_DETECTOR = ("cmn_schedule_blackout", "cmn_schedule_maintenance", "cmn_schedule_span", "conflict")
_NO_DETECTOR = "let the account read it; or set `collision_detector` to false, where the instance has no such schedules"
_NEEDED = ("sys_id", "state", "sys_mod_count", "sys_created_on", "sys_updated_on", "sys_updated_by")
_WHO = "user_name=javascript:gs.getUserName()"  # the vendor's way to say: whoever asks


async def findings(settings: ServiceNowSettings, table: Table, dictionary: Dictionary) -> list[Finding]:
    """First the sign-in; what depends on it only when it works."""
    found = [transport(settings.base_url)]
    try:
        who = await table.find("sys_user", _WHO, ("user_name",), 1)
    except FirstlineError as error:
        return [*found, _refused(error)]
    found += [identity(who, settings), clock(who.answered_at, datetime.now(UTC))]
    for name in settings.tables:
        found.append(await _readable(table, name, _ITIL, _NEEDED))
    for other, mend in _READ.items():
        if other not in settings.tables:
            found.append(await _readable(table, other, mend))
    for detecting in _DETECTOR if settings.collision_detector else ():
        found.append(await _readable(table, detecting, _NO_DETECTOR))
    found.append(await _zone(table, settings.tables[0]))
    found += await Rules(settings, table, dictionary).findings()
    return [*found, budget(table.quota, len(settings.tables))]


def transport(base_url: str) -> Finding:
    """Plain http is for a machine's own sandbox only: the password goes over the wire with each request."""
    parts = urlsplit(base_url)
    if parts.scheme == "https":
        return Finding(ok=True, subject="TLS", message="on; the certificate is verified with each connection")
    if _loopback(parts.hostname or ""):
        return Finding(ok=True, subject="TLS", message="off, on this machine only")
    return Finding(ok=False, subject="TLS", message=f"{base_url} is not encrypted", mend="use https in `base_url`")


def identity(who: Found, settings: ServiceNowSettings) -> Finding:
    """Whether the account that signed in is the one whose changes are taken for our own."""
    # Where the question is not understood it is left out, and anybody comes.
    name = value(who.rows[0], "user_name") if (len(who.rows), who.total) == (1, 1) else ""
    if name and name.casefold() != settings.actor.casefold():
        message = f"signed in as {name}, but our own changes are taken to be those of {settings.actor}"
        mend = "set `user` (or `own_user`) to that name: else our own writes come back as news"
        return Finding(ok=False, subject=SIGN_IN, message=message, mend=mend)
    message = f"signed in at {settings.base_url} as {name or settings.actor}"
    return Finding(ok=True, subject=SIGN_IN, message=message)


def clock(theirs: datetime | None, ours: datetime) -> Finding:
    if theirs is None:
        return Finding(ok=True, subject="clock", message="the instance's answers bear no date")
    ahead = (ours - theirs).total_seconds()
    if abs(ahead) <= SKEW:
        return Finding(ok=True, subject="clock", message="agrees with the instance's")
    message = f"our clock is {abs(ahead):.0f} s {'ahead of' if ahead > 0 else 'behind'} the instance's"
    return Finding(ok=False, subject="clock", message=message, mend="set this machine's clock by NTP")


def budget(quota: Quota | None, tables: int) -> Finding:
    """How many are left, the instance does not say; the hub counts."""
    subject = "API budget"
    if quota is None or quota.limit is None:
        return Finding(ok=True, subject=subject, message="no rate limit rule fits the account")
    message = f"{quota.limit} requests an hour"
    if quota.limit < HOURLY * tables:
        mend = f"ask for a rate limit rule of {HOURLY * tables} an hour or more for the account, or poll less often"
        return Finding(ok=False, subject=subject, message=message, mend=mend)
    return Finding(ok=True, subject=subject, message=message)


def _refused(error: FirstlineError) -> Finding:
    if isinstance(error, Unauthorized):
        mend = "check `user` and `password`, or `client_id` and `client_secret`, or `api_key`"
    elif isinstance(error, Unavailable):
        mend = "check `base_url` and that this machine can reach it; wake the instance if it hibernates"
    else:
        mend = "give the account the role itil, and the address of the instance itself in `base_url`"
    return Finding(ok=False, subject=SIGN_IN, message=str(error), mend=mend)


async def _readable(table: Table, name: str, mend: str, fields: Sequence[str] = ("sys_id",)) -> Finding:
    try:
        found = await table.find(name, "", fields, 1)
    except FirstlineError as error:
        return Finding(ok=False, subject=name, message=str(error), mend=mend)
    if found.hidden:
        message = f"{found.total} rows are there, and the account may not read the first"
        return Finding(ok=False, subject=name, message=message, mend=mend)
    missing = [field for field in fields if found.rows and not value(found.rows[0], field)]
    if missing:
        mend = f"let the account read these fields of {name} (access rules)"
        return Finding(ok=False, subject=name, message=f"can't read {', '.join(missing)}", mend=mend)
    return Finding(ok=True, subject=name, message="can be read")


async def _zone(table: Table, name: str) -> Finding:
    subject = "time zone"
    try:
        shifted = await zone.shifted(table, name)
    except FirstlineError as error:
        return Finding(ok=False, subject=subject, message=str(error), mend=zone.MEND)
    if shifted:
        return Finding(ok=False, subject=subject, message="our queries' times are not read as UTC", mend=zone.MEND)
    message = "no record is there to try it with" if shifted is None else "our queries' times are read as UTC"
    return Finding(ok=True, subject=subject, message=message)


def _loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
