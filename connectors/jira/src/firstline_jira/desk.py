"""Asks a site about its change project: service desk, request type, issue type, create screen, statuses."""

from collections.abc import Sequence
from typing import Any

from firstline.errors import Rejected
from firstline_jira.draft import Desk
from firstline_jira.issue import named
from firstline_jira.rest import Rest
from firstline_jira.settings import ChangeSettings
from firstline_jira.site import Site

REQUEST_TYPE_FIELD = "com.atlassian.servicedesk:vp-origin"  # the custom field type that holds an issue's request type

Tree = dict[str, Any]


async def discover(settings: ChangeSettings, rest: Rest, site: Site) -> Desk:
    """Raises `Rejected`, saying what there is, when the project has no such request or issue type."""
    request_type = {} if settings.issue_type else await _request_type(settings, site)
    form = await site.form(str(request_type["serviceDeskId"]), str(request_type["id"])) if request_type else ()
    issue_types = await site.issue_types(settings.project)
    issue_type = _issue_type(settings, issue_types, str(request_type.get("issueTypeId", "")))
    fields = await rest.fields() if request_type else []
    return Desk(
        project=settings.project,
        issue_type=str(issue_type["id"]),
        request_type=str(request_type.get("id", "")),
        request_field=next((str(f["id"]) for f in fields if _is_request_type(f)), ""),
        fields=tuple(await site.create_fields(settings.project, str(issue_type["id"]))),
        statuses=tuple(issue_type.get("statuses") or ()),
        form=frozenset(str(field.get("fieldId")) for field in form),
    )


async def _request_type(settings: ChangeSettings, site: Site) -> Tree:
    desks = await site.service_desks()
    desk = next((found for found in desks if found.get("projectKey") == settings.project), None)
    if desk is None:
        keys = ", ".join(str(found.get("projectKey")) for found in desks) or "none"
        raise Rejected(f"{settings.project} is no service project that this account can see; it sees: {keys}")
    found = await site.request_types(str(desk["id"]))
    kind = _named(found, settings.request_type, "request type", settings.project)
    return {**kind, "serviceDeskId": desk["id"]}


def _issue_type(settings: ChangeSettings, types: Sequence[Tree], wanted_id: str) -> Tree:
    if not wanted_id:
        return _named(types, settings.issue_type, "issue type", settings.project)
    match = next((found for found in types if str(found.get("id")) == wanted_id), None)
    if match is None:
        raise Rejected(f"{settings.project} has no issue type {wanted_id}, which its request type says it makes")
    return match


def _named(found: Sequence[Tree], name: str, what: str, project: str) -> Tree:
    match = next((row for row in found if named(row, what).casefold() == name.casefold()), None)
    if match is None:
        names = ", ".join(named(row, what) for row in found) or "none"
        raise Rejected(f"{project} has no {what} {name!r}; it has: {names}")
    return match


def _is_request_type(field: Tree) -> bool:
    schema = field.get("schema")
    return isinstance(schema, dict) and schema.get("custom") == REQUEST_TYPE_FIELD
