"""Polls: what was changed, or opened, in a window, a page at a time.

Search filters by the minute in the account's time zone, so more is asked for than is wanted, and filtered exactly here.
Each issue comes with its changelog and comments since the window's begin, because its webhooks tell of these.
"""

from collections import deque
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import orjson
from pydantic import BaseModel, ConfigDict

from firstline.connector import Delivery, Page, Window
from firstline.errors import Unavailable
from firstline_jira.rest import Rest
from firstline_jira.settings import JiraSettings
from firstline_jira.shape import Misshapen, moment, needed, rows, text, tree
from firstline_jira.site import Site, answered
from firstline_jira.site import rows as listed
from firstline_jira.when import before, not_before, told, zone

SIZE = 100  # issues in a page; Cloud may give fewer
RECENT = 50  # issues that a search may be told to look at anew ("Search and reconcile")
HISTORY = 100  # changes in one answer
BACK = 10  # rows that are read again where rows are counted: so many may have moved on meanwhile

FIELDS = (
    "summary", "description", "status", "resolution", "priority", "issuetype", "project", "components", "labels",
    "assignee", "reporter", "creator", "created", "updated",
)  # fmt: skip
# Custom fields that are known by their type: request type, organizations, agreements, addresses (which may be links).
KINDS = (
    "com.atlassian.servicedesk:vp-origin",
    "com.atlassian.servicedesk:sd-customer-organizations",
    "com.atlassian.servicedesk:sd-sla-field",
    "com.atlassian.jira.plugin.system.customfieldtypes:url",
)

Tree = dict[str, Any]


class _Place(BaseModel):
    """Where a poll stands between two pages. `now` is Jira's time before its first page."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    now: datetime
    zone: str
    since: datetime
    token: str = ""  # Cloud's
    start: int = 0  # Data Center's
    recent: tuple[int, ...] = ()


class Poller:
    def __init__(self, connection: str, settings: JiraSettings, rest: Rest, site: Site) -> None:
        self._connection = connection
        self._settings = settings
        self._rest = rest
        self._site = site
        self._recent: deque[int] = deque(maxlen=RECENT)
        self._fields: list[str] = []
        self._categories: dict[str, str] = {}

    async def page(self, window: Window, page: str) -> Page:
        try:
            return await self._page(window, page)
        except Misshapen as error:
            raise Unavailable(f"Jira's answer to a search is not what it documents: {error}") from error

    async def _page(self, window: Window, page: str) -> Page:
        place = _Place.model_validate_json(page) if page else await self._begin(window)
        found = await self._ask(window, place)
        issues = listed(found, "issues")
        deliveries = [await self._delivery(window, issue) for issue in issues]
        following = self._next(window, place, found, issues)
        return Page(
            deliveries=tuple(delivery for delivery in deliveries if delivery),
            next=following.model_dump_json() if following else "",
            complete_to=_time(issues[-1], window) if following else _end(window, place),
        )

    async def _begin(self, window: Window) -> _Place:
        """The time zone is asked for each time: it is a person's setting, and a wrong one would hide hours."""
        response = await self._site.request("GET", self._site.path("myself"))
        me = tree(answered(response), "myself")
        now = told(response.headers.get("date", ""))
        if now is None:
            raise Unavailable("Jira's answer has no Date header, so its time is not known")
        named = text(me.get("timeZone"), "myself.timeZone") or "UTC"
        return _Place(now=now, zone=named, since=window.since, recent=tuple(self._recent))

    async def _ask(self, window: Window, place: _Place) -> Tree:
        query: Tree = {"jql": self._jql(window, place), "fields": await self._asked(window), "maxResults": SIZE}
        if self._site.edition.cloud:
            query |= {"nextPageToken": place.token} if place.token else {}
            query |= {"expand": "changelog"} if window.by == "changed" else {}
            query |= {"reconcileIssues": [*place.recent]} if place.recent else {}
            return await self._site.tree("POST", self._site.path("search/jql"), json=query)
        query |= {"startAt": place.start, "expand": ["changelog"] if window.by == "changed" else []}
        return await self._site.tree("POST", self._site.path("search"), json=query)

    def _jql(self, window: Window, place: _Place) -> str:
        """`until` bounds only what was opened: an issue that changed in the window may have changed since."""
        where = zone(place.zone)
        field = "created" if window.by == "opened" else "updated"
        projects = ", ".join(f'"{key}"' for key in self._settings.watched)
        clauses = [
            f"project in ({projects})" if projects else "",
            f'{field} >= "{not_before(place.since, where)}"',
            f'{field} < "{before(window.until, where)}"' if window.until and window.by == "opened" else "",
        ]
        return " AND ".join(clause for clause in clauses if clause) + f" ORDER BY {field} ASC, key ASC"

    async def _asked(self, window: Window) -> list[str]:
        if not self._fields:
            wanted = {name.casefold() for name in self._settings.fields}
            found = [
                text(field.get("id"), "field.id")
                for field in await self._rest.fields()
                if tree(field.get("schema"), "field.schema").get("custom") in KINDS
                or {str(field.get("id")).casefold(), str(field.get("name")).casefold()} & wanted
            ]
            self._fields = sorted({*FIELDS, *self._settings.links, self._settings.ci, *found} - {""})
        return [*self._fields, "comment"] if window.by == "changed" else self._fields

    def _next(self, window: Window, place: _Place, found: Tree, issues: Sequence[Tree]) -> _Place | None:
        """A row that is changed meanwhile moves to the end, and where rows are counted from the start those behind it
        move up by one, past the count. So the count begins anew at the minute of the last row, if it is a later one."""
        token = text(found.get("nextPageToken"), "nextPageToken") if self._site.edition.cloud else ""
        start = place.start + len(issues)
        more = token if self._site.edition.cloud else start < int(found.get("total") or 0)
        if not issues or not more:
            return None
        last, where = _time(issues[-1], window), zone(place.zone)
        if last > place.since and not_before(last, where) != not_before(place.since, where):
            return place.model_copy(update={"since": last, "token": "", "start": 0})
        return place.model_copy(update={"token": token, "start": max(place.start + 1, start - BACK)})

    # one issue

    async def _delivery(self, window: Window, issue: Tree) -> Delivery | None:
        """None: it is in the minute that was asked for, but not in the window."""
        fields = tree(issue.get("fields"), "issue.fields")
        id = needed(issue.get("id"), "issue.id")  # noqa: A001 - Jira's word
        changes: list[Tree] = []
        comments: list[Tree] = []
        if window.by == "changed":
            changes = await self._changes(id, issue, window)
            comments = await self._comments(id, fields, window)
        if not (changes or comments or any(_within(_moment(issue, name), window) for name in _fields(window))):
            return None
        if id.isdigit() and int(id) not in self._recent:
            self._recent.append(int(id))
        return self._packed(window, issue, changes, comments, await self._of_statuses(changes))

    def _packed(
        self, window: Window, issue: Tree, changes: list[Tree], comments: list[Tree], categories: dict[str, str]
    ) -> Delivery:
        """The key names the version of the issue: its time, and the newest it shows of changelog and comments, which
        may come to the index later than the time."""
        shown = {name: value for name, value in tree(issue.get("fields"), "issue.fields").items() if name != "comment"}
        kept = {"id": issue["id"], "key": issue.get("key"), "fields": shown}
        newest = [str(max((int(row["id"]) for row in some if str(row.get("id")).isdigit()), default=0))
                  for some in (_histories(issue), _listed_comments(issue))]  # fmt: skip
        version = round(_updated(issue).timestamp() * 1000)
        whole = window.by == "changed" and _within(_updated(issue), window)
        told = {"changes": changes, "comments": comments, "categories": categories}
        return Delivery(
            connection=self._connection,
            key=":".join(("poll", window.by, str(issue["id"]), str(version), *newest)),
            body=orjson.dumps({"issue": kept, "whole": whole} | told),
            received_at=datetime.now(UTC),
            polled=True,
        )

    async def _changes(self, id: str, issue: Tree, window: Window) -> list[Tree]:  # noqa: A002
        """Those of the window, the oldest first. Search shows the newest 40."""
        found = list(_histories(issue))
        start = int(tree(issue.get("changelog"), "issue.changelog").get("total") or 0) - len(found)
        while start > 0 and self._site.edition.cloud and all(_created(row) >= window.since for row in found):
            begin = max(0, start - HISTORY)
            path = self._site.path(f"issue/{id}/changelog")
            page = await self._site.tree("GET", path, params={"startAt": begin, "maxResults": start - begin})
            found += listed(page, "values")
            start = begin
        return sorted((row for row in found if _within(_created(row), window)), key=_created)

    async def _comments(self, id: str, fields: Tree, window: Window) -> list[Tree]:  # noqa: A002
        """Those that were made or edited in the window, the oldest first. Search may show the first of many only; then
        they are read from the newest back to the window's begin, and edits of older ones are not seen."""
        block = tree(fields.get("comment"), "issue.fields.comment")
        found = rows(block.get("comments"), "issue.fields.comment.comments")
        if int(block.get("total") or 0) > len(found):
            found = await self._newest_comments(id, window)
        said = [row for row in found if any(_within(when, window) for when in (_created(row), _edited(row)))]
        return sorted(said, key=_created)

    async def _newest_comments(self, id: str, window: Window) -> list[Tree]:  # noqa: A002
        found: list[Tree] = []
        last = False
        while not last and all(_created(row) >= window.since for row in found):
            page, last = await self._rest.comments(id, len(found))
            found += page
        return found

    async def _of_statuses(self, changes: Sequence[Tree]) -> dict[str, str]:
        """Status id → key of its category, for the statuses that the changes name."""
        moves = [item for row in changes for item in rows(row.get("items"), "changelog.items") if _is_status(item)]
        ids = {str(item[end]) for item in moves for end in ("from", "to") if item.get(end)}
        if ids - self._categories.keys():
            for status in await self._site.listed("GET", self._site.path("status")):
                found = tree(status.get("statusCategory"), "status.statusCategory").get("key")
                self._categories[str(status.get("id"))] = str(found or "")
        return {id: self._categories.get(id, "") for id in ids}  # noqa: A001


def _end(window: Window, place: _Place) -> datetime:
    return min(window.until, place.now) if window.until else place.now


def _fields(window: Window) -> tuple[str, ...]:
    return ("created", "updated") if window.by == "changed" else ("created",)


def _time(issue: Tree, window: Window) -> datetime:
    return _updated(issue) if window.by == "changed" else _moment(issue, "created")


def _updated(issue: Tree) -> datetime:
    return _moment(issue, "updated")


def _moment(issue: Tree, field: str) -> datetime:
    place = f"issue.fields.{field}"
    return _there(moment(tree(issue.get("fields"), "issue.fields").get(field), place), place)


def _created(row: Tree) -> datetime:
    return _there(moment(row.get("created"), "created"), "created")


def _edited(row: Tree) -> datetime:
    return moment(row.get("updated"), "updated") or _created(row)


def _there(found: datetime | None, place: str) -> datetime:
    if found is None:
        raise Misshapen(f"{place}: is missing")
    return found


def _within(when: datetime, window: Window) -> bool:
    return when >= window.since and (window.until is None or when < window.until)


def _histories(issue: Tree) -> list[Tree]:
    return rows(tree(issue.get("changelog"), "issue.changelog").get("histories"), "issue.changelog.histories")


def _listed_comments(issue: Tree) -> list[Tree]:
    block = tree(tree(issue.get("fields"), "issue.fields").get("comment"), "issue.fields.comment")
    return rows(block.get("comments"), "issue.fields.comment.comments")


def _is_status(item: Tree) -> bool:
    return str(item.get("field")).casefold() == "status"
