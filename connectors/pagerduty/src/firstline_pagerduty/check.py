"""Whether a connection can work: address, sign-in, rights, the user in whose name we write, clock, webhooks, budget."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from firstline.connector import Finding
from firstline.errors import FirstlineError, Rejected, Unauthorized
from firstline_pagerduty import registration
from firstline_pagerduty.rest import Answer, Refused, Rest
from firstline_pagerduty.settings import PagerDutySettings

SKEW = 60.0  # seconds
LOW = 0.1  # of the requests of a minute
READERS = {"observer", "read_only_user", "read_only_limited_user", "restricted_access"}  # OpenAPI, User, role
NOBODY = "/incidents/0"  # numbers begin at 1: a write to it tells whether we may write, and changes nothing
FORBIDDEN = 2010  # "Errors": Access Denied

Look = Callable[[Rest, PagerDutySettings, str], Awaitable[list[Finding]]]


async def check(rest: Rest, settings: PagerDutySettings, connection: str) -> list[Finding]:
    try:
        answer = await rest.read("/users", query=settings.from_email, limit=100)
    except Unauthorized as error:
        return [_ill("key", error, _SIGN_IN[bool(settings.token)])]
    except Rejected as error:
        return [_ill("key", error, "Let the key read users (as an app: the scope users.read).")]
    except FirstlineError as error:
        return [_ill("address", error, f"Look whether {settings.base_url} can be reached from here.")]
    findings = [_address(settings), _well("key", f"{settings.base_url} knows {_who(settings)}")]
    findings += [_author(answer, settings), _clock(answer)]
    for look in (_log, _writing, _priorities, _webhooks):
        findings += await look(rest, settings, connection)
    return [*findings, _budget(rest)]


_SIGN_IN = {
    True: "Set `token` to a REST API key of this account (Integrations, API Access Keys).",
    False: "Set oauth_client_id and oauth_client_secret to those of the app's Scoped OAuth, and in oauth_scope the "
    "region and subdomain of this account.",
}


def _who(settings: PagerDutySettings) -> str:
    return "the key" if settings.token else f"the app {settings.oauth_client_id}"


def _address(settings: PagerDutySettings) -> Finding:
    encrypted = settings.base_url.startswith("https://")
    return _well("address", f"{settings.base_url}, {'TLS' if encrypted else 'plain HTTP on this machine'}")


def _author(answer: Answer, settings: PagerDutySettings) -> Finding:
    users = answer.content.get("users") or ()
    mine = next((user for user in users if user.get("email", "").lower() == settings.from_email.lower()), None)
    if mine is None:
        return Finding(
            ok=False,
            subject="user",
            message=f"no user has the e-mail address {settings.from_email}: PagerDuty will refuse what we write",
            mend="Set `from_email` to a user's address, best one that only Firstline uses.",
        )
    who = f"{settings.from_email} is user {mine.get('id')}"
    if settings.own_user_id and settings.own_user_id != mine.get("id"):
        mend = f"Set `own_user_id` to {mine.get('id')}, so that our own writes are known as such."
        message = f"{who}, but own_user_id says {settings.own_user_id}"
        return Finding(ok=False, subject="user", message=message, mend=mend)
    if mine.get("role") in READERS:
        mend = "Give the user the role Responder, or a higher one."
        return Finding(ok=False, subject="user", message=f"{who}, whose role is {mine['role']}", mend=mend)
    hint = f"; set own_user_id to {mine.get('id')}, so that our own writes are known as such"
    zone = f"; time zone {mine.get('time_zone')}, we ask in UTC"
    return _well("user", f"{who}, role {mine.get('role')}{zone}{'' if settings.own_user_id else hint}")


def _clock(answer: Answer) -> Finding:
    if answer.at is None:
        return Finding(
            ok=False,
            subject="clock",
            message="answers carry no Date: polls can't tell how far they came",
            mend="Let the proxy between here and PagerDuty pass the Date header on.",
        )
    skew = (datetime.now(UTC) - answer.at).total_seconds()
    if abs(skew) > SKEW:
        words = f"our clock is {abs(skew):.0f} s {'before' if skew > 0 else 'behind'} PagerDuty's"
        return Finding(ok=False, subject="clock", message=words, mend="Set this machine's clock by NTP.")
    return _well("clock", f"within {SKEW:.0f} s of PagerDuty's")


async def _log(rest: Rest, settings: PagerDutySettings, _: str) -> list[Finding]:
    since = (datetime.now(UTC) - timedelta(minutes=5)).strftime("%Y-%m-%dT%H:%M:%SZ")
    team = {"team_ids__": [settings.team_id]} if settings.team_id else {}
    try:
        await rest.get("/log_entries", since=since, limit=1, **team)
    except FirstlineError as error:
        return [_ill("log", error, "Let the key read incidents (as an app: the scope incidents.read): polls need it.")]
    return [_well("log", "the log of incidents can be polled")]


async def _writing(rest: Rest, _: PagerDutySettings, __: str) -> list[Finding]:
    try:
        await rest.put(NOBODY, {"incident": {"type": "incident_reference"}})
    except Refused as refusal:
        if refusal.status == 403 or refusal.code == FORBIDDEN:
            mend = (
                "Use a key that is not read-only (a user's key: the role Responder; an app: the scope incidents.write)."
            )
            return [_ill("writing", refusal, mend)]
    except FirstlineError as error:
        return [_ill("writing", error, "Try again: whether we may write could not be seen.")]
    return [_well("writing", "incidents may be written")]


async def _priorities(rest: Rest, _: PagerDutySettings, __: str) -> list[Finding]:
    """An account may have none, and need none."""
    try:
        rows = (await rest.get("/priorities", limit=100)).get("priorities") or ()
    except Refused as refusal:
        return [_well("priorities", f"none are seen, so none can be set: {refusal}")]
    except FirstlineError as error:
        return [_ill("priorities", error, "Try again: the priorities could not be read.")]
    return [_well("priorities", ", ".join(str(row.get("name") or row.get("summary")) for row in rows) or "none")]


async def _webhooks(rest: Rest, settings: PagerDutySettings, connection: str) -> list[Finding]:
    try:
        rows = [row async for row in registration.subscriptions(rest)]
    except FirstlineError as error:
        mend = "Let the key read webhook subscriptions (as an app: the scope webhook_subscriptions.read)."
        return [_ill("webhooks", error, mend)]
    mine = [row for row in rows if registration.url(row).endswith(f"/hooks/{connection}")]
    findings = [finding for row in rows if (finding := _amiss(row, row in mine, settings, connection))]
    if not findings:
        none = "" if mine else f"; none sends to /hooks/{connection}, so its events come by polls alone"
        findings = [_well("webhooks", f"{len(rows)} webhook subscriptions, none disabled{none}")]
    return findings


def _amiss(row: dict[str, Any], mine: bool, settings: PagerDutySettings, connection: str) -> Finding | None:
    url = registration.url(row)
    if registration.is_disabled(row):
        words = f"PagerDuty has stopped sending to {url} for up to 24 hours, because three deliveries were refused"
        ours = f"firstline connect {connection}"
        mend = (
            f"Enable it once the hub answers 2xx again: `{ours}`." if mine else "Enable it once it answers 2xx again."
        )
        return Finding(ok=False, subject="webhooks", message=words, mend=mend)
    if mine and (amiss := registration.wrong(row, settings)):
        words = f"the webhook subscription {row.get('id')} to {url} is not as we need it: {', '.join(amiss)}"
        return Finding(ok=False, subject="webhooks", message=words, mend=f"`firstline connect {connection}` mends it.")
    return None


def _budget(rest: Rest) -> Finding:
    told = rest.quota
    if told is None or told.limit is None or told.remaining is None:
        return _well("budget", "PagerDuty told no limit")
    left = f"{told.remaining} of {told.limit} requests are left in this minute"
    if told.remaining < told.limit * LOW:
        mend = "Find what else uses the key, or give Firstline a key of its own."
        return Finding(ok=False, subject="budget", message=left, mend=mend)
    return _well("budget", left)


def _well(subject: str, message: str) -> Finding:
    return Finding(ok=True, subject=subject, message=message)


def _ill(subject: str, error: FirstlineError, mend: str) -> Finding:
    return Finding(ok=False, subject=subject, message=str(error), mend=mend)
