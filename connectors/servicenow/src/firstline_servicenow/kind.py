"""The tables whose records are faults or tasks to us: what is read of them, what their states mean, what is written to
move them. Pure.

States are those of the base system. Tenants add their own: see `states`, `acknowledge`, `resolve` of the settings."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from firstline.errors import Rejected
from firstline.incident import IncidentState
from firstline_servicenow.record import Record, value

OPEN, ACKNOWLEDGED, RESOLVED, CLOSED = IncidentState
ENDED = frozenset({RESOLVED, CLOSED})

CHANGE = "change_request"
APPROVAL = "sysapproval_approver"  # what each approver of a change was asked, and answered
ALERT = "em_alert"

REASON = "{reason}"  # in fields to write: why

_SYSTEM = ("sys_created_on", "sys_created_by", "sys_updated_on", "sys_updated_by", "sys_mod_count")
_CI = (
    "cmdb_ci",
    "cmdb_ci.sys_class_name",
    "cmdb_ci.ip_address",
    "cmdb_ci.fqdn",
    "cmdb_ci.support_group",
    "cmdb_ci.environment",
)


def _fields(names: str) -> tuple[str, ...]:
    return (*names.split(), *_CI, *_SYSTEM)


_TASK = (
    "number short_description description state active priority urgency impact business_service assignment_group "
    "assigned_to opened_at closed_at made_sla sla_due correlation_id correlation_display "
)

# What is asked for, and what our script sends, of each table. The same lists stand in script_action.js.
FIELDS: dict[str, tuple[str, ...]] = {
    "incident": _fields(
        _TASK + "category subcategory caller_id resolved_at close_code rfc x_pd_integration_incident "
        "x_pd_integration_incident_id"
    ),
    "sc_task": _fields(_TASK + "request request_item x_pd_integration_incident_id"),
    "change_task": _fields(_TASK + "change_request change_task_type x_pd_integration_incident_id"),
    "problem": _fields(_TASK + "category subcategory resolution_code rfc x_pd_integration_incident_id"),
    ALERT: _fields(
        "number short_description description state severity acknowledged maintenance source node type resource "
        "metric_name message_key assignment_group assigned_to incident initial_remote_time"
    ),
    CHANGE: _fields(
        "number short_description type state approval active assignment_group start_date end_date work_start work_end "
        "close_code correlation_id correlation_display"
    ),
    APPROVAL: _fields("sysapproval sysapproval.number sysapproval.sys_class_name approver approver.user_name state"),
}
# Which rows of a table are meant at all: other records have approvals too.
MEANT: dict[str, str] = {APPROVAL: f"sysapproval.sys_class_name={CHANGE}"}


@dataclass(frozen=True)
class Kind:
    """`states`: what the vendor's values of `state` mean. The others: the fields to write, by the state to reach;
    `{reason}` stands for why."""

    states: Mapping[str, IncidentState]
    acknowledge: Mapping[str, str] = field(default_factory=lambda: {"state": "2"})
    resolve: Mapping[str, str] = field(default_factory=lambda: {"state": "3", "close_notes": REASON})
    reopen: Mapping[str, str] = field(default_factory=lambda: {"state": "2"})


# Since Madrid: 101 New, 102 Assess, 103 Root Cause Analysis, 104 Fix in Progress, 106 Resolved, 107 Closed. Before:
# 1 Open, 2 Known Error, 3 Pending Change, 4 Closed.
_PROBLEM = dict.fromkeys(("102", "103", "104", "2", "3"), ACKNOWLEDGED) | {
    "101": OPEN,
    "106": RESOLVED,
    "107": CLOSED,
    "1": OPEN,
    "4": CLOSED,
}

KINDS: dict[str, Kind] = {
    "incident": Kind(
        {"1": OPEN, "2": ACKNOWLEDGED, "3": ACKNOWLEDGED, "6": RESOLVED, "7": CLOSED, "8": CLOSED},
        resolve={"state": "6", "close_notes": REASON},  # and `close_code` of the settings
    ),
    "sc_task": Kind({"-5": OPEN, "1": OPEN, "2": ACKNOWLEDGED, "3": CLOSED, "4": CLOSED, "7": CLOSED}),
    "change_task": Kind(
        {"-5": OPEN, "1": OPEN, "2": ACKNOWLEDGED, "3": CLOSED, "4": CLOSED},
        resolve={"state": "3", "close_code": "successful", "close_notes": REASON},
    ),
    "problem": Kind(
        _PROBLEM,
        acknowledge={"state": "102"},
        resolve={"state": "106", "resolution_code": "fix_applied", "fix_notes": REASON},
        reopen={"state": "103"},
    ),
    ALERT: Kind(
        {"Open": OPEN, "Reopen": OPEN, "Flapping": OPEN, "Closed": CLOSED},
        acknowledge={"acknowledged": "true"},
        resolve={"state": "Closed"},
        reopen={"state": "Reopen"},
    ),
}


def kind(table: str) -> Kind:
    """How the table's records move. Raises `Rejected` for one that holds no faults or tasks."""
    if table not in KINDS:
        raise Rejected(f"only records of {', '.join(KINDS)} have these states, not a {table}")
    return KINDS[table]


def state(table: str, record: Record, added: Mapping[str, IncidentState]) -> IncidentState:
    """How far the record is. `added`: states that the customer made. One that nobody explained counts as acknowledged
    while the record is active: it is not New, so somebody has it."""
    word = value(record, "state")
    known = added.get(word) or KINDS[table].states.get(word)
    if known is OPEN and value(record, "acknowledged") == "true":
        return ACKNOWLEDGED
    if known is not None:
        return known
    if not word:
        return OPEN
    return CLOSED if value(record, "active") == "false" else ACKNOWLEDGED
