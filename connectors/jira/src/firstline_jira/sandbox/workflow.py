"""The sandbox's workflows, request types, fields: a service project as the IT template of Jira makes it.

Statuses are those of Jira Service Management's incident, service request and change workflows. Names of transitions are
general knowledge, not read in a primary source: sites rename them, so the connector may not rely on them.
"""

from dataclasses import dataclass
from typing import Any, Literal

Category = Literal["new", "indeterminate", "done"]

CATEGORIES: dict[Category, tuple[int, str, str]] = {
    "new": (2, "blue-gray", "To Do"),
    "indeterminate": (4, "yellow", "In Progress"),
    "done": (3, "green", "Done"),
}


@dataclass(frozen=True)
class Status:
    id: str
    name: str
    category: Category


STATUSES = {
    status.name: status
    for status in (
        Status("10000", "Open", "new"),
        Status("10001", "Work in progress", "indeterminate"),
        Status("10002", "Pending", "indeterminate"),
        Status("10003", "Completed", "done"),
        Status("10004", "Closed", "done"),
        Status("10005", "Canceled", "done"),
        Status("10006", "Waiting for support", "new"),
        Status("10007", "In progress", "indeterminate"),
        Status("10008", "Resolved", "done"),
        Status("10009", "Planning", "new"),
        Status("10010", "Peer review / change manager approval", "indeterminate"),
        Status("10011", "Awaiting CAB approval", "indeterminate"),
        Status("10012", "Awaiting implementation", "indeterminate"),
        Status("10013", "Implementing", "indeterminate"),
        Status("10014", "Failed", "done"),
        Status("10015", "Declined", "done"),
    )
}


@dataclass(frozen=True)
class Transition:
    """`screen` shows the resolution, which is then required. `only` names the change types that it is offered to,
    `shows` the ids of further fields on its screen."""

    id: str
    name: str
    sources: tuple[str, ...]
    to: str
    screen: bool = False
    only: tuple[str, ...] = ()
    shows: tuple[str, ...] = ()


@dataclass(frozen=True)
class Gate:
    """An approval step on a status: where it goes when approved and when declined, by whom, and how many are needed.
    A change's own approvers, where it names some, stand in the place of these. `exclude`: `reporter`, `assignee`, who
    never count (REST v3, workflow, "ApprovalConfiguration")."""

    approved: str
    declined: str
    approvers: tuple[str, ...] = ("change.manager@example.com",)
    needed: int = 1
    exclude: tuple[str, ...] = ("reporter",)


@dataclass(frozen=True)
class IssueType:
    id: str
    name: str
    transitions: tuple[Transition, ...]
    start: str

    def statuses(self) -> list[str]:
        """Names of those that its transitions pass; a gate's are added by the model."""
        return [*dict.fromkeys([self.start, *(name for t in self.transitions for name in (*t.sources, t.to))])]


@dataclass(frozen=True)
class RequestType:
    id: str
    name: str
    issue_type: str


ACTUAL = ("customfield_10026", "customfield_10027")

_OPEN = ("Open", "Work in progress", "Pending")
_ENDED = ("Completed", "Closed", "Canceled")
_UNANSWERED = ("Waiting for support", "In progress")
_PLANNED = ("Planning", "Peer review / change manager approval", "Awaiting CAB approval", "Awaiting implementation")

ISSUE_TYPES = (
    IssueType(
        "10100",
        "[System] Incident",
        (
            Transition("11", "Investigate", ("Open", "Pending"), "Work in progress"),
            Transition("21", "Pending", ("Open", "Work in progress"), "Pending"),
            Transition("31", "Cancel request", _OPEN, "Canceled", screen=True),
            Transition("41", "Resolve", _OPEN, "Completed", screen=True),
            Transition("51", "Close", ("Completed",), "Closed"),
            Transition("61", "Back to open", _ENDED, "Open"),
        ),
        "Open",
    ),
    IssueType(
        "10101",
        "[System] Service request",
        (
            Transition("11", "In progress", ("Waiting for support",), "In progress"),
            Transition("21", "Resolve this issue", _UNANSWERED, "Resolved", screen=True),
            Transition("31", "Cancel request", _UNANSWERED, "Canceled", screen=True),
            Transition("41", "Back to in progress", ("Resolved", "Canceled"), "In progress"),
        ),
        "Waiting for support",
    ),
    IssueType(
        "10102",
        "[System] Change",
        (
            Transition("11", "Request peer review", ("Planning",), "Peer review / change manager approval"),
            Transition("21", "Request CAB approval", ("Planning",), "Awaiting CAB approval"),
            Transition("31", "Pre-approved", ("Planning",), "Awaiting implementation", only=("Standard",)),
            Transition("41", "Start implementation", ("Awaiting implementation",), "Implementing"),
            Transition("51", "Completed", ("Implementing",), "Completed", screen=True, shows=ACTUAL),
            Transition("61", "Failed", ("Implementing",), "Failed", screen=True, shows=ACTUAL),
            Transition("71", "Cancel", _PLANNED, "Canceled", screen=True),
        ),
        "Planning",
    ),
)

GATES = {
    "Peer review / change manager approval": Gate("Awaiting implementation", "Declined"),
    "Awaiting CAB approval": Gate("Awaiting implementation", "Declined"),
}

REQUEST_TYPES = (
    RequestType("1", "Report a system problem", "10100"),
    RequestType("2", "Unlock my account", "10101"),
    RequestType("3", "Change", "10102"),
)

PRIORITIES = {"1": "Highest", "2": "High", "3": "Medium", "4": "Low", "5": "Lowest"}
RESOLUTIONS = {"10000": "Done", "10001": "Won't Do", "10002": "Duplicate"}
CHANGE_TYPES = {"10200": "Standard", "10201": "Normal", "10202": "Emergency"}
SERVICES = {"10300": "Shop", "10301": "Bank"}

_TEXT = "com.atlassian.jira.plugin.system.customfieldtypes"


def _custom(number: int, name: str, kind: str, custom: str) -> dict[str, Any]:
    return {"id": f"customfield_{number}", "name": name, "schema": {"type": kind, "custom": custom, "customId": number}}


_USERS = {"schema": {"type": "array", "items": "user", "custom": f"{_TEXT}:multiuserpicker", "customId": 10029}}

REQUEST_TYPE = "customfield_10010"
CHANGE_TYPE = "customfield_10020"
APPROVERS = "customfield_10029"
PLANNED = ("customfield_10024", "customfield_10025")
CUSTOM: tuple[dict[str, Any], ...] = (
    _custom(10010, "Request Type", "sd-customerrequesttype", "com.atlassian.servicedesk:vp-origin"),
    _custom(10020, "Change type", "option", f"{_TEXT}:select"),
    _custom(10021, "Implementation plan", "string", f"{_TEXT}:textarea"),
    _custom(10022, "Backout plan", "string", f"{_TEXT}:textarea"),
    _custom(10023, "Test plan", "string", f"{_TEXT}:textarea"),
    _custom(10024, "Planned start", "datetime", f"{_TEXT}:datetime"),
    _custom(10025, "Planned end", "datetime", f"{_TEXT}:datetime"),
    _custom(10026, "Actual start", "datetime", f"{_TEXT}:datetime"),
    _custom(10027, "Actual end", "datetime", f"{_TEXT}:datetime"),
    _custom(10028, "Change risk", "option", f"{_TEXT}:select"),
    _custom(10029, "Approvers", "array", f"{_TEXT}:multiuserpicker") | _USERS,
    _custom(10031, "Root cause", "string", f"{_TEXT}:textfield"),
    _custom(10032, "Affected service", "option", f"{_TEXT}:select"),
    _custom(10033, "PagerDuty incident", "string", f"{_TEXT}:url"),
    _custom(10034, "Affected hosts", "number", f"{_TEXT}:float"),
)
ROOT_CAUSE = "customfield_10031"
AGREEMENT = _custom(10030, "Time to resolution", "sd-servicelevelagreement", "com.atlassian.servicedesk:sd-sla-field")
GOAL = 4 * 3_600_000  # milliseconds from an incident's creation to its end
SYSTEM: tuple[dict[str, Any], ...] = (
    {"id": "summary", "name": "Summary", "schema": {"type": "string", "system": "summary"}},
    {"id": "description", "name": "Description", "schema": {"type": "string", "system": "description"}},
    {"id": "labels", "name": "Labels", "schema": {"type": "array", "items": "string", "system": "labels"}},
    {"id": "priority", "name": "Priority", "schema": {"type": "priority", "system": "priority"}},
    {
        "id": "components",
        "name": "Components",
        "schema": {"type": "array", "items": "component", "system": "components"},
    },
    {"id": "project", "name": "Project", "schema": {"type": "project", "system": "project"}},
    {"id": "issuetype", "name": "Work type", "schema": {"type": "issuetype", "system": "issuetype"}},
    {"id": "reporter", "name": "Reporter", "schema": {"type": "user", "system": "reporter"}},
)
DOCUMENTS = ("description", "customfield_10021", "customfield_10022", "customfield_10023")


RISKS = {"10400": "Low", "10401": "Medium", "10402": "High", "10403": "Critical"}
OPTIONS = {CHANGE_TYPE: CHANGE_TYPES, "customfield_10028": RISKS, "customfield_10032": SERVICES}

# What the form of the request type Change shows in the portal, where approvers see it.
FORM = (
    "summary", "description", CHANGE_TYPE, "customfield_10028", "customfield_10021", "customfield_10022",
    "customfield_10023", *PLANNED,
)  # fmt: skip

# Name → what the issue shows towards the other, inward and outward.
LINKS = {"Relates": ("relates to", "relates to"), "Problem/Incident": ("is caused by", "causes")}


def field(id: str) -> dict[str, Any]:  # noqa: A002
    """What Jira says of a field on a screen."""
    found = next(row for row in (*SYSTEM, *CUSTOM) if row["id"] == id)
    names = OPTIONS.get(id, {})
    options = [{"id": option, "value": name} for option, name in names.items()]
    if id == "priority":
        options = [{"id": option, "name": name} for option, name in PRIORITIES.items()]
    shown = {"name": found["name"], "key": id, "schema": found["schema"], "required": False, "operations": ["set"]}
    return shown | ({"allowedValues": options} if options else {})


def request_type(id: str) -> RequestType | None:  # noqa: A002
    return next((found for found in REQUEST_TYPES if found.id == id), None)
