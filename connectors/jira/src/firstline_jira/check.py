"""Looks whether a connection can work: address, sign-in, rights, fields, statuses, time, webhook, budget, changes.
Few requests: one answer serves several findings."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import httpx

from firstline.connector import Finding
from firstline.errors import FirstlineError, Rejected, Unauthorized, Unavailable
from firstline_jira.change import Changes
from firstline_jira.issue import STATES, account
from firstline_jira.quota import quota
from firstline_jira.registration import Registrations, expiry, granted
from firstline_jira.rest import Rest
from firstline_jira.settings import JiraSettings
from firstline_jira.shape import text, tree
from firstline_jira.site import Site, answered
from firstline_jira.when import told, zone

SKEW = 60.0  # seconds
EXPIRING = timedelta(days=3)
LOOPBACK = ("localhost", "127.0.0.1", "::1")

# Permission keys of REST v3, "Get my permissions", and what each is for.
RIGHTS = {
    "BROWSE_PROJECTS": "read issues",
    "ADD_COMMENTS": "write notes",
    "EDIT_OWN_COMMENTS": "keep a note up to date",
    "TRANSITION_ISSUES": "acknowledge and resolve",
    "EDIT_ISSUES": "escalate and set fields",
    "ASSIGN_ISSUES": "reassign",
    "CREATE_ATTACHMENTS": "attach logs",
}
CHANGE_RIGHTS = {"CREATE_ISSUES": "open changes", "LINK_ISSUES": "link a change with its incident"}
ROLE = "the project role Service Desk Team has them by default"


class Check:
    """`learn` is told the id of the account that signed in."""

    def __init__(
        self,
        settings: JiraSettings,
        rest: Rest,
        site: Site,
        registrations: Registrations,
        changes: Changes | None,
        learn: Callable[[str], None],
    ) -> None:
        self._settings = settings
        self._rest = rest
        self._site = site
        self._registrations = registrations
        self._changes = changes
        self._learn = learn

    async def __call__(self) -> list[Finding]:
        try:
            response = await self._site.request("GET", self._site.path("myself"))
            me = tree(answered(response), "myself")
        except FirstlineError as error:
            return [self._address(), _failed("sign-in", error)]
        look: list[tuple[str, Callable[[], Awaitable[Finding]]]] = [
            ("rights", self._rights),
            ("fields", self._fields),
            ("state model", self._statuses),
            ("webhook", self._webhook),
        ]
        if self._changes and self._settings.change:
            look.append((f"changes in {self._settings.change.project}", self._change))
        asked = [await _attempt(subject, one) for subject, one in look]
        return [
            self._address(),
            self._sign_in(me),
            _zone(me),
            clock(response.headers.get("date", ""), datetime.now(UTC)),
            _budget(response),
            *asked,
        ]

    def _address(self) -> Finding:
        parts = urlsplit(self._settings.api_url)
        if parts.scheme == "https" or parts.hostname in LOOPBACK:
            return Finding(ok=True, subject="address", message=self._settings.api_url)
        return Finding(
            ok=False,
            subject="address",
            message=f"{self._settings.api_url} is plain http: the credentials can be read on the way",
            mend="give base_url as https",
        )

    def _sign_in(self, me: dict[str, Any]) -> Finding:
        found, named = account(me, "myself"), self._settings.own_account_id
        if not found:
            return _failed("sign-in", Unavailable("GET myself answered something that names no account"))
        if named and named != found:
            return Finding(
                ok=False,
                subject="sign-in",
                message=f"own_account_id is {named}, but the account signed in is {found}",
                mend=f"set own_account_id to {found}, or leave it out; else our own comments come back as others'",
            )
        self._learn(found)
        return Finding(
            ok=True, subject="sign-in", message=f"{self._settings.base_url} as {me.get('displayName') or found}"
        )

    async def _rights(self) -> Finding:
        """In the projects that matter, else in any."""
        change = self._settings.change
        wanted = dict.fromkeys(self._settings.projects or ("",), RIGHTS)
        if change:
            wanted[change.project] = RIGHTS | CHANGE_RIGHTS
        missing = [words for project, rights in wanted.items() if (words := await self._missing(project, rights))]
        if not missing:
            return Finding(ok=True, subject="rights", message=", ".join((RIGHTS | CHANGE_RIGHTS).values()))
        return Finding(
            ok=False,
            subject="rights",
            message="the account may not " + "; ".join(uses for uses, _ in missing),
            mend=f"in the permission scheme give it {'; '.join(keys for _, keys in missing)}; {ROLE}",
        )

    async def _missing(self, project: str, rights: dict[str, str]) -> tuple[str, str] | None:
        found = await self._site.permissions(project, [*rights])
        missing = {key: use for key, use in rights.items() if not granted(found, key)}
        where = f" in {project}" if project else " in any project"
        return (", ".join(missing.values()) + where, ", ".join(missing) + where) if missing else None

    async def _fields(self) -> Finding:
        """Fields that the settings name."""
        known = {str(field.get(key)).casefold() for field in await self._rest.fields() for key in ("id", "name")}
        settings = self._settings
        named = (*settings.fields, settings.ci, *settings.links, *settings.transition_fields)
        unknown = [name for name in named if name and name.casefold() not in known]
        if not unknown:
            return Finding(ok=True, subject="fields", message="all that the settings name are there")
        return Finding(
            ok=False,
            subject="fields",
            message=f"Jira has no field {', '.join(unknown)}",
            mend="correct the names in fields, ci, links, transition_fields; ids such as customfield_10031 serve too",
        )

    async def _statuses(self) -> Finding:
        found = await self._site.listed("GET", self._site.path("status"))
        there = {str(tree(row.get("statusCategory"), "status").get("key")) for row in found}
        missing = STATES.keys() - there
        if not missing:
            return Finding(ok=True, subject="state model", message=f"{len(found)} statuses in all categories")
        return Finding(
            ok=False,
            subject="state model",
            message=f"no status of category {', '.join(sorted(missing))}: not every state can be reached",
            mend="give the workflow statuses of the categories To Do, In Progress and Done",
        )

    async def _webhook(self) -> Finding:
        if not self._settings.oauth and not granted(await self._site.permissions("", ["ADMINISTER"]), "ADMINISTER"):
            words = "not to be seen by this account, which is no administrator: polls show whether it sends"
            return Finding(ok=True, subject="webhook", message=words)
        kind, found = await self._registrations.health()
        problem = _problem(found)
        if problem:
            return Finding(ok=False, subject="webhook", message=problem, mend="firstline connect CONNECTION mends it")
        return Finding(ok=True, subject="webhook", message=f"{kind}: {len(found) or 'none'} of this connection")

    async def _change(self) -> Finding:
        if self._changes is None:
            raise Rejected("this connection keeps no changes")
        desk = await self._changes.desk()
        states = self._changes.states(desk)
        problems = [f"no status stands for {state}" for state in ("implement", "closed") if state not in states]
        problems += self._changes.refusals(desk)
        subject = f"changes in {desk.project}"
        if problems:
            mend = "name the statuses in change.statuses, the rest as it says; then start anew"
            return Finding(ok=False, subject=subject, message="; ".join(problems), mend=mend)
        unknown = [str(s.get("name")) for s in desk.statuses if self._changes.state(s) is None]
        note = f"; not known, so never taken for ready: {', '.join(unknown)}" if unknown else ""
        note += "; the portal shows no Description, so the plan is a comment as well" if desk.hides_plan else ""
        return Finding(ok=True, subject=subject, message=f"statuses are known{note}")


async def _attempt(subject: str, look: Callable[[], Awaitable[Finding]]) -> Finding:
    try:
        return await look()
    except FirstlineError as error:
        return _failed(subject, error)


def _failed(subject: str, error: FirstlineError) -> Finding:
    return Finding(ok=False, subject=subject, message=str(error), mend=_mend(error))


def _mend(error: FirstlineError) -> str:
    if isinstance(error, Unauthorized):
        return "give the credentials of an account that may sign in, with a token that has not expired"
    if isinstance(error, Unavailable):
        return (
            "check base_url and that the hub may reach it; if both are well, Jira is down and the hub goes on by itself"
        )
    return "change the setting, the project or the account's rights that the message names"


def _zone(me: dict[str, Any]) -> Finding:
    named = text(me.get("timeZone"), "myself.timeZone")
    if not named:
        return Finding(
            ok=False,
            subject="time zone",
            message="Jira does not tell the account's time zone, so polls ask as if it were UTC",
            mend="set the account's time zone in its profile, and let apps see it; UTC is the plainest",
        )
    try:
        zone(named)
    except Rejected as error:
        return Finding(ok=False, subject="time zone", message=str(error), mend="set the account's time zone to UTC")
    return Finding(ok=True, subject="time zone", message=f"polls ask in the account's: {named}")


def clock(date: str, now: datetime) -> Finding:
    """How far ours is from the one that Jira's answer tells of."""
    theirs = told(date)
    if theirs is None:
        message, mend = "Jira's answer has no Date header", "let the proxy in front of Jira pass the header on"
        return Finding(ok=False, subject="clock", message=message, mend=mend)
    seconds = abs((now - theirs).total_seconds())
    mend = "" if seconds <= SKEW else "set the hub's clock by NTP; if it is right, Jira's is wrong"
    return Finding(ok=not mend, subject="clock", message=f"ours differs from Jira's by {seconds:.0f} s", mend=mend)


def _budget(response: httpx.Response) -> Finding:
    told = quota(response.headers)
    if told is None:
        return Finding(ok=True, subject="budget", message="Jira tells of no limit by the hour")
    if told.remaining is None or told.limit is None:
        return Finding(
            ok=True, subject="budget", message=f"well within the limit of {told.limit or 'an unknown number'}"
        )
    ok = told.remaining * 10 >= told.limit
    mend = "" if ok else "poll less often, or let other users of this account have one of their own"
    return Finding(ok=ok, subject="budget", message=f"{told.remaining} of {told.limit} requests are left", mend=mend)


def _problem(found: Sequence[dict[str, Any]]) -> str:
    """What is wrong with the webhooks of this connection; empty: nothing, or there are none."""
    for row in found:
        name = row.get("name") or row.get("id")
        ends = expiry(row)
        if row.get("enabled") is False or row.get("active") is False:
            return f"the webhook {name} is switched off"
        if row.get("isSigned") is False:
            return f"the webhook {name} is not signed, so what it sends is refused"
        if ends and ends < datetime.now(UTC) + EXPIRING:
            return f"the webhook {name} ends at {ends:%Y-%m-%d %H:%M} UTC"
    return ""
