"""The sandbox's records, in memory."""

import hashlib
import time
from collections.abc import Container
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from firstline_jira.sandbox.model import Model
from firstline_jira.sandbox.trouble import Troubles
from firstline_jira.sandbox.workflow import IssueType, Status

PROJECT = "HELP"
PROJECT_ID = "10500"
DESK = "1"

Tree = dict[str, Any]


class Refused(Exception):
    """An answer in Jira's error shape."""

    def __init__(self, status: int, *messages: str, **errors: str) -> None:
        super().__init__(messages or errors)
        self.status = status
        self.body = {"errorMessages": list(messages), "errors": errors}


def stamp(when: datetime) -> str:
    """A time as Jira writes it."""
    return when.strftime("%Y-%m-%dT%H:%M:%S.") + f"{when.microsecond // 1000:03d}+0000"


@dataclass(frozen=True)
class Person:
    email: str

    @property
    def account_id(self) -> str:
        return "5" + hashlib.sha256(self.email.encode()).hexdigest()[:23]

    @property
    def login(self) -> str:
        """Data Center's name of the person."""
        return self.email.partition("@")[0]

    @property
    def name(self) -> str:
        return self.email.partition("@")[0].replace(".", " ").title()


STAFF = tuple(
    Person(f"{name}@example.com")
    for name in ("sam.agent", "kim.oncall", "kim.oncology", "change.manager", "ada.board", "hub")
)


@dataclass
class Comment:
    id: str
    author: Person
    body: Any  # a document, or Data Center's text
    created: datetime
    updated: datetime
    properties: dict[str, Any]

    @property
    def internal(self) -> bool:
        visibility = self.properties.get("sd.public.comment")
        return isinstance(visibility, dict) and visibility.get("internal") is True


@dataclass
class Approval:
    """`votes`: of each approver, `pending`, `approved` or `declined`."""

    id: str
    status: str
    created: datetime
    votes: dict[Person, str]
    needed: int = 1
    decision: str = "pending"
    completed: datetime | None = None


@dataclass
class History:
    """One entry of the changelog."""

    id: str
    author: Person
    created: datetime
    items: list[Tree]


@dataclass
class File:
    id: str
    name: str
    author: Person
    created: datetime
    media_type: str
    content: bytes


@dataclass
class Issue:
    id: str
    number: int
    type: IssueType
    status: Status
    reporter: Person
    created: datetime
    updated: datetime
    fields: Tree
    assignee: Person | None = None
    changed: list[tuple[float, datetime]] = field(default_factory=list)  # by the monotonic clock, and as it is told
    indexed: datetime = datetime.min  # the time of change that search knows now
    properties: dict[str, Any] = field(default_factory=dict)
    comments: list[Comment] = field(default_factory=list)
    approvals: list[Approval] = field(default_factory=list)
    links: list[tuple[str, str, str]] = field(default_factory=list)
    histories: list[History] = field(default_factory=list)
    files: list[File] = field(default_factory=list)
    web_links: list[str] = field(default_factory=list)
    resolution: str = ""

    @property
    def key(self) -> str:
        return f"{PROJECT}-{self.number}"


class Records:
    """All issues, and the numbers given out."""

    def __init__(self, troubles: Troubles, model: Model) -> None:
        self._troubles = troubles
        self._model = model
        self._moment = datetime.fromtimestamp(0, UTC)
        self.clear()

    def clear(self) -> None:
        """As on the first day; numbers begin again."""
        self.issues: dict[str, Issue] = {}
        self._last = {"issue": 0, "comment": 10_000, "approval": 0, "changelog": 10_000, "attachment": 10_000}

    def number(self, kind: str) -> int:
        self._last[kind] += 1
        return self._last[kind]

    def now(self) -> datetime:
        """To the millisecond, and never the same twice, so that each change has its own time."""
        current = datetime.now(UTC)
        current = current.replace(microsecond=current.microsecond // 1000 * 1000)
        self._moment = max(current, self._moment + timedelta(milliseconds=1))
        return self._moment

    def find(self, id: str) -> Issue:  # noqa: A002 - Jira's word
        for issue in self.issues.values():
            if id in (issue.id, issue.key) or id.upper() == issue.key:
                return self._seen(issue)
        raise Refused(404, "Issue does not exist or you do not have permission to see it.")

    def add(self, kind: IssueType, reporter: Person, fields: Tree) -> Issue:
        number = self.number("issue")
        now = self.now()
        issue = Issue(
            id=str(10_000 + number),
            number=number,
            type=kind,
            status=self._model.statuses[kind.start],
            reporter=reporter,
            created=now,
            updated=now,
            fields=fields,
        )
        self.touch(issue, now)
        self.issues[issue.id] = issue
        return issue

    def touch(self, issue: Issue, when: datetime | None = None) -> None:
        """It was changed; search will know."""
        issue.updated = when or self.now()
        issue.changed.append((time.monotonic(), issue.updated))

    def indexed(self, fresh: Container[str] = ()) -> list[Issue]:
        """As search sees them: late, but for those that are to be looked at anew."""
        known_to = time.monotonic() - self._troubles.now.index_delay
        found = []
        for issue in self.issues.values():
            known = [when for at, when in issue.changed if at <= known_to or issue.id in fresh]
            if known and issue.key not in self._troubles.now.hidden:
                issue.indexed = known[-1]
                found.append(issue)
        return found

    def _seen(self, issue: Issue) -> Issue:
        if issue.key in self._troubles.now.hidden:
            raise Refused(404, "Issue does not exist or you do not have permission to see it.")
        return issue
