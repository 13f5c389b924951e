"""The tables that the stand-in keeps: fields with their kinds, defaults and labels.

Fields and kinds are those of the vendor's published answers (Table API and Change Management API). Kinds: `text`,
`number`, `bool`, `date`, `journal`, or the name of the table that a reference points to.
"""

from dataclasses import dataclass, field

TEXT, NUMBER, BOOL, DATE, JOURNAL = "text", "number", "bool", "date", "journal"
SIMPLE = frozenset({TEXT, NUMBER, BOOL, DATE, JOURNAL})


def _kinds(**named: str) -> dict[str, str]:
    return {name: kind for kind, names in named.items() for name in names.split()}


_SYSTEM = _kinds(
    text="sys_id sys_created_by sys_updated_by",
    number="sys_mod_count",
    date="sys_created_on sys_updated_on",
)

_TASK = _SYSTEM | _kinds(
    text="additional_assignee_list approval approval_history business_duration calendar_duration close_notes "
    "comments_and_work_notes contact_type correlation_display correlation_id delivery_plan delivery_task description "
    "group_list number order parent rejection_goto short_description sys_class_name sys_domain_path sys_tags "
    "time_worked upon_approval upon_reject user_input watch_list wf_activity work_notes_list",
    number="escalation impact priority reassignment_count state urgency",
    bool="active knowledge made_sla",
    date="activity_due approval_set closed_at due_date expected_start follow_up opened_at sla_due work_end work_start",
    journal="comments work_notes",
    sys_user="assigned_to closed_by opened_by",
    sys_user_group="assignment_group sys_domain",
    cmdb_ci="cmdb_ci",
    cmdb_ci_service="business_service",
    cmn_location="location",
    core_company="company",
)

_INCIDENT = _TASK | _kinds(
    text="business_stc calendar_stc category child_incidents close_code notify parent_incident reopen_count "
    "subcategory",
    number="incident_state severity",
    date="resolved_at",
    sys_user="caller_id resolved_by",
    change_request="caused_by rfc",
    problem="problem_id",
)

_CHANGE = _TASK | _kinds(
    text="backout_plan cab_delegate cab_recommendation category change_plan chg_model ci_class close_code "
    "conflict_status contract implementation_plan justification on_hold_reason on_hold_task phase phase_state "
    "proposed_change reason review_comments review_status risk_impact_analysis risk_value route_reason "
    "service_offering skills task_effective_number test_plan type universal_request variables",
    number="risk scope",
    bool="cab_required is_bulk on_hold outside_maintenance_schedule production_system unauthorized",
    date="cab_date conflict_last_run end_date requested_by_date review_date start_date",
    sys_user="requested_by",
    std_change_producer_version="std_change_producer_version",
)


_ALERT = _SYSTEM | _kinds(
    text="number short_description description source node type resource metric_name message_key additional_info "
    "state sys_class_name",
    number="severity",
    bool="acknowledged maintenance",
    date="initial_remote_time last_remote_time",
    journal="comments work_notes",
    sys_user="assigned_to",
    sys_user_group="assignment_group",
    cmdb_ci="cmdb_ci",
    incident="incident",
)

_ATTACHMENT = _SYSTEM | _kinds(
    text="table_name table_sys_id file_name content_type size_bytes size_compressed compressed download_link "
    "image_height image_width average_image_color sys_tags"
)

_TASK_DEFAULTS = {
    "active": "true",
    "approval": "not requested",
    "escalation": "0",
    "impact": "3",
    "knowledge": "false",
    "made_sla": "true",
    "priority": "4",
    "reassignment_count": "0",
    "sys_domain": "global",
    "sys_domain_path": "/",
    "upon_approval": "proceed",
    "upon_reject": "cancel",
    "urgency": "3",
}

_LEVELS = {"1": "1 - High", "2": "2 - Medium", "3": "3 - Low"}
_TASK_LABELS = {
    "impact": _LEVELS,
    "urgency": _LEVELS,
    "priority": {"1": "1 - Critical", "2": "2 - High", "3": "3 - Moderate", "4": "4 - Low", "5": "5 - Planning"},
    "approval": {
        "not requested": "Not Yet Requested",
        "requested": "Requested",
        "approved": "Approved",
        "rejected": "Rejected",
    },
    "upon_approval": {"proceed": "Proceed to Next Task"},
    "upon_reject": {"cancel": "Cancel all future Tasks"},
    "escalation": {"0": "Normal", "1": "Moderate", "2": "High", "3": "Overdue"},
}
_INCIDENT_STATES = {
    "1": "New",
    "2": "In Progress",
    "3": "On Hold",
    "6": "Resolved",
    "7": "Closed",
    "8": "Canceled",
}
CHANGE_STATES = {
    "-5": "New",
    "-4": "Assess",
    "-3": "Authorize",
    "-2": "Scheduled",
    "-1": "Implement",
    "0": "Review",
    "3": "Closed",
    "4": "Canceled",
}


_WORK_STATES = {
    "-5": "Pending",
    "1": "Open",
    "2": "Work in Progress",
    "3": "Closed Complete",
    "4": "Closed Incomplete",
    "7": "Closed Skipped",
}
_PROBLEM_STATES = {
    "101": "New",
    "102": "Assess",
    "103": "Root Cause Analysis",
    "104": "Fix in Progress",
    "106": "Resolved",
    "107": "Closed",
}
# Of the tables with records that a person sees.
STATES = {
    "incident": _INCIDENT_STATES,
    "change_request": CHANGE_STATES,
    "sc_task": _WORK_STATES,
    "change_task": {"-5": "Pending", "1": "Open", "2": "In Progress", "3": "Closed", "4": "Canceled"},
    "problem": _PROBLEM_STATES,
    "em_alert": {state: state for state in ("Open", "Reopen", "Flapping", "Closed")},
}

TOLD = (*STATES, "sysapproval_approver")  # tables that may have the Business Rule


@dataclass(frozen=True)
class Shape:
    """One table: `kinds` names its fields, `name` the field that people know a row by, `indexed` what is looked up."""

    label: str
    kinds: dict[str, str]
    name: str = "name"
    prefix: str = ""
    defaults: dict[str, str] = field(default_factory=dict)
    labels: dict[str, dict[str, str]] = field(default_factory=dict)
    indexed: tuple[str, ...] = ("name",)


def _plain(label: str, fields: str, **defaults: str) -> Shape:
    return Shape(label, _SYSTEM | _kinds(text=fields + " sys_class_name"), defaults=defaults)


def _schedule(label: str, type_: str) -> Shape:
    fields = "name description type time_zone source applies_to condition sys_class_name"
    return Shape(label, _SYSTEM | _kinds(text=fields), defaults={"type": type_})


SHAPES: dict[str, Shape] = {
    "incident": Shape(
        "Incident",
        _INCIDENT,
        name="number",
        prefix="INC",
        defaults=_TASK_DEFAULTS
        | {"state": "1", "category": "inquiry", "child_incidents": "0", "notify": "1", "reopen_count": "0"}
        | {"severity": "3", "contact_type": "phone"},
        labels=_TASK_LABELS | {"state": _INCIDENT_STATES, "incident_state": _INCIDENT_STATES},
        indexed=("number", "correlation_id"),
    ),
    "problem": Shape(
        "Problem",
        _TASK,
        name="number",
        prefix="PRB",
        defaults=_TASK_DEFAULTS,
        labels=_TASK_LABELS | {"state": _PROBLEM_STATES},
        indexed=("number",),
    ),
    "sc_task": Shape(
        "Catalog Task",
        _TASK | _kinds(text="request request_item"),
        name="number",
        prefix="SCTASK",
        defaults=_TASK_DEFAULTS | {"state": "1"},
        labels=_TASK_LABELS | {"state": _WORK_STATES},
        indexed=("number",),
    ),
    "change_task": Shape(
        "Change Task",
        _TASK | _kinds(text="change_task_type close_code", change_request="change_request"),
        name="number",
        prefix="CTASK",
        defaults=_TASK_DEFAULTS | {"state": "1"},
        labels=_TASK_LABELS | {"state": STATES["change_task"]},
        indexed=("number",),
    ),
    "em_alert": Shape(
        "Alert",
        _ALERT,
        name="number",
        prefix="Alert",
        defaults={"state": "Open", "severity": "3", "acknowledged": "false", "maintenance": "false"},
        labels={"severity": {"1": "Critical", "2": "Major", "3": "Minor", "4": "Warning", "5": "OK", "0": "Clear"}},
        indexed=("number",),
    ),
    "change_request": Shape(
        "Change Request",
        _CHANGE,
        name="number",
        prefix="CHG",
        defaults=_TASK_DEFAULTS
        | {"state": "-5", "type": "normal", "category": "Other", "phase": "requested", "phase_state": "open"}
        | {"risk": "3", "scope": "3", "ci_class": "cmdb_ci", "conflict_status": "Not Run", "variables": "variable_pool"}
        | dict.fromkeys(
            ("cab_required", "is_bulk", "on_hold", "outside_maintenance_schedule", "production_system", "unauthorized"),
            "false",
        ),
        labels=_TASK_LABELS
        | {
            "state": CHANGE_STATES,
            "type": {"standard": "Standard", "normal": "Normal", "emergency": "Emergency"},
            "risk": {"2": "High", "3": "Moderate", "4": "Low"},
            "scope": {"3": "Medium"},
            "phase": {"requested": "Requested"},
            "phase_state": {"open": "Open"},
            "close_code": {
                "successful": "Successful",
                "successful_issues": "Successful with issues",
                "unsuccessful": "Unsuccessful",
            },
        },
        indexed=("number", "correlation_id", "cmdb_ci"),
    ),
    "sys_journal_field": Shape(
        "Journal Entry",
        _SYSTEM | _kinds(text="name element element_id value sys_tags"),
        indexed=("element_id",),
    ),
    "sysapproval_approver": Shape(
        "Approval",
        _SYSTEM
        | _kinds(text="state source_table", journal="comments", sys_user="approver", change_request="sysapproval"),
        labels={"state": {"requested": "Requested", "approved": "Approved", "rejected": "Rejected"}},
        indexed=("sysapproval",),
    ),
    "sys_user_delegate": Shape("Delegate", _SYSTEM | _kinds(sys_user="user delegate"), indexed=("user",)),
    "conflict": Shape(
        "Conflict",
        _SYSTEM
        | _kinds(
            text="type",
            change_request="change conflicting_change",
            cmdb_ci="configuration_item",
            cmn_schedule_blackout="schedule",
        ),
        indexed=("change",),
    ),
    "cmn_schedule_blackout": _schedule("Blackout Schedule", "blackout"),
    "cmn_schedule_maintenance": _schedule("Maintenance Schedule", "maintenance"),
    # The vendor's `schedule` refers to any schedule; dots do not lead through it here.
    "cmn_schedule_span": Shape(
        "Schedule Entry",
        _SYSTEM
        | _kinds(
            text="schedule name type start_date_time end_date_time all_day repeat_type repeat_count repeat_until "
            "days_of_week monthly_type yearly_type float_week float_day month show_as"
        ),
        defaults={"all_day": "false", "show_as": "busy", "repeat_count": "1"},
        indexed=("schedule",),
    ),
    "std_change_proposal": Shape(
        "Standard Change Proposal",
        _TASK
        | _kinds(
            text="template_name template_value category catalog",
            number="proposal_type",
            std_change_record_producer="std_change_producer",
        ),
        name="number",
        prefix="STDCHG",
        defaults=_TASK_DEFAULTS | {"state": "1", "proposal_type": "1"},
        labels=_TASK_LABELS
        | {
            "state": {"1": "New", "2": "In Progress", "3": "Closed", "4": "Canceled"},
            "proposal_type": {"1": "New Template", "2": "Modify Template", "3": "Retire Template"},
        },
        indexed=("number", "correlation_id"),
    ),
    "std_change_record_producer": _plain(
        "Standard Change Template",
        "name short_description description implementation_plan backout_plan test_plan assignment_group active",
        active="true",
    ),
    "cmdb_ci": Shape(
        "Configuration Item",
        _SYSTEM
        | _kinds(
            text="name ip_address fqdn environment install_status operational_status short_description sys_class_name",
            sys_user_group="support_group",
        ),
    ),
    "cmdb_ci_service": _plain("Service", "name short_description"),
    "sys_user_group": _plain("Group", "name description active", active="true"),
    "sys_user": Shape(
        "User",
        _SYSTEM | _kinds(text="user_name name email roles active time_zone sys_class_name"),
        defaults={"active": "true"},
        indexed=("user_name", "name"),
    ),
    "sys_user_role": _plain("Role", "name"),
    "sys_user_has_role": Shape("User Role", _SYSTEM | _kinds(sys_user="user", sys_user_role="role"), indexed=("user",)),
    "sys_attachment": Shape("Attachment", _ATTACHMENT, name="file_name", indexed=("table_sys_id",)),
    "sys_choice": _plain(
        "Choice", "name element value label language sequence inactive", language="en", inactive="false"
    ),
    "sys_dictionary": _plain("Dictionary Entry", "name element column_label mandatory active", active="true"),
    "sys_data_policy2": _plain("Data Policy", "name model_table conditions active", active="true"),
    "sys_data_policy_rule": Shape(
        "Data Policy Rule", _SYSTEM | _kinds(text="field mandatory", sys_data_policy2="sys_data_policy"), indexed=()
    ),
    "sys_script": _plain("Business Rule", "name collection active", active="true"),
    "sys_properties": _plain("System Property", "name value"),
}
