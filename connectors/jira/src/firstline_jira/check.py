"""Looks whether a connection can work: address, sign-in, rights, the change project."""

from collections.abc import Awaitable, Callable
from typing import Any

from firstline.connector import Finding
from firstline.errors import FirstlineError, Unauthorized, Unavailable
from firstline_jira.change import Changes
from firstline_jira.draft import field_id
from firstline_jira.issue import account
from firstline_jira.rest import Rest
from firstline_jira.settings import JiraSettings
from firstline_jira.site import Site

# Permission keys of REST v3, "Get my permissions", and what each is for.
RIGHTS = {
    "BROWSE_PROJECTS": "read issues",
    "ADD_COMMENTS": "write notes",
    "EDIT_OWN_COMMENTS": "keep a note up to date",
    "TRANSITION_ISSUES": "acknowledge and resolve",
    "EDIT_ISSUES": "escalate",
}
CHANGE_RIGHTS = {"CREATE_ISSUES": "open changes", "LINK_ISSUES": "link a change with its incident"}


async def check(
    settings: JiraSettings, rest: Rest, site: Site, changes: Changes | None, learn: Callable[[str], None]
) -> list[Finding]:
    """`learn` is told the id of the account that signed in."""
    findings = [await _attempt("sign-in", lambda: _sign_in(settings, rest, learn))]
    if not findings[0].ok:
        return findings
    findings.append(await _attempt("rights", lambda: _rights(site, "", RIGHTS)))
    if settings.change and changes:
        project = settings.change.project
        findings.append(await _attempt(f"rights in {project}", lambda: _rights(site, project, RIGHTS | CHANGE_RIGHTS)))
        findings.append(await _attempt(f"changes in {project}", lambda: _changes(changes)))
    return findings


async def _attempt(subject: str, look: Callable[[], Awaitable[Finding]]) -> Finding:
    try:
        return await look()
    except FirstlineError as error:
        return Finding(ok=False, subject=subject, message=str(error), mend=_mend(error))


def _mend(error: FirstlineError) -> str:
    if isinstance(error, Unauthorized):
        return "set user to the account's e-mail address and api_token to a token of that account that has not expired"
    if isinstance(error, Unavailable):
        return (
            "check base_url and that the hub may reach it; if both are well, Jira is down and the hub goes on by itself"
        )
    return "change the setting, or the project, that the message names"


async def _sign_in(settings: JiraSettings, rest: Rest, learn: Callable[[str], None]) -> Finding:
    me = await rest.myself()
    found = account(me, "myself")
    if settings.own_account_id and settings.own_account_id != found:
        return Finding(
            ok=False,
            subject="sign-in",
            message=f"own_account_id is {settings.own_account_id}, but the account signed in is {found}",
            mend=f"set own_account_id to {found}, or leave it out; else our own comments come back as other people's",
        )
    if not found:
        raise Unavailable("GET myself answered something that names no account")
    learn(found)
    return Finding(ok=True, subject="sign-in", message=f"{settings.base_url} as {me.get('displayName') or found}")


async def _rights(site: Site, project: str, wanted: dict[str, str]) -> Finding:
    where = f"in {project}" if project else "in at least one project"
    found = await site.permissions(project, list(wanted))
    missing = {key: use for key, use in wanted.items() if not _has(found.get(key))}
    if not missing:
        return Finding(ok=True, subject=f"rights {where}", message=", ".join(wanted.values()))
    return Finding(
        ok=False,
        subject=f"rights {where}",
        message="the account may not " + ", ".join(missing.values()),
        mend=f"give it {', '.join(missing)} {where}, in the permission scheme",
    )


def _has(permission: Any) -> bool:
    return isinstance(permission, dict) and permission.get("havePermission") is True


async def _changes(changes: Changes) -> Finding:
    desk = await changes.desk()
    states = changes.states(desk)
    problems = [f"no status stands for {state}" for state in ("implement", "closed") if state not in states]
    if not any(field_id(field) == "labels" for field in desk.fields):
        problems.append("the create screen has no field Labels, by which a change is found again")
    subject = f"changes in {desk.project}"
    if problems:
        mend = "name the statuses in change.statuses, add Labels to the create screen"
        return Finding(ok=False, subject=subject, message="; ".join(problems), mend=mend)
    unknown = [str(s.get("name")) for s in desk.statuses if changes.state(s) is None]
    note = f"; not known, so never taken for ready: {', '.join(unknown)}" if unknown else ""
    return Finding(ok=True, subject=subject, message=f"statuses are known{note}")
