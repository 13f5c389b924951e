"""What is there to start with, unless the settings' seed says otherwise: `{"users": [...], "<table>": [records]}`."""

from typing import Any

from firstline_servicenow.sandbox.hook import RULE
from firstline_servicenow.sandbox.schema import SHAPES, STATES, TOLD

USERS: list[dict[str, Any]] = [
    {"user_name": "admin", "password": "admin", "name": "System Administrator", "roles": ["admin"]},
    {"user_name": "firstline", "password": "firstline", "name": "Firstline", "roles": ["itil", "sn_change_write"]},
    {"user_name": "david.loo", "password": "david.loo", "name": "David Loo", "roles": ["itil", "approver_user"]},
]
OAUTH_CLIENTS = [{"client_id": "firstline-client", "client_secret": "firstline-secret", "user": "firstline"}]
API_KEYS = [{"key": "firstline-key", "user": "firstline"}]

_POLICY = "0" * 31 + "9"
_CLOSE_CODES = ("Solution provided", "Workaround provided", "Solved (Permanently)", "Duplicate", "User error")
_RECORDS: dict[str, list[dict[str, Any]]] = {
    "sys_user_group": [{"name": "Service Desk"}, {"name": "Network"}],
    "std_change_record_producer": [
        {
            "name": "Restart web process",
            "short_description": "Restart a hung web process",
            "description": "Restarts the process of one web application on its own host.",
            "implementation_plan": "Stop the process, start it, wait until it answers.",
            "backout_plan": "Start the process with the previous settings.",
            "test_plan": "The application's health page answers 200.",
        }
    ],
    "cmdb_ci": [{"name": "shop"}, {"name": "web-01"}],
    "sys_choice": [
        *(
            {"name": table, "element": "state", "value": value, "label": label}
            for table, states in STATES.items()
            for value, label in states.items()
        ),
        *({"name": "incident", "element": "close_code", "value": code, "label": code} for code in _CLOSE_CODES),
    ],
    "sys_dictionary": [
        {"name": "incident", "element": "caller_id", "column_label": "Caller"},
        {"name": "incident", "element": "close_code", "column_label": "Resolution code"},
        {"name": "incident", "element": "close_notes", "column_label": "Resolution notes"},
    ],
    "sys_data_policy2": [
        {
            "sys_id": _POLICY,
            "name": "Resolution details are mandatory",
            "model_table": "incident",
            "conditions": "stateIN6,7^EQ",
        }
    ],
    "sys_data_policy_rule": [
        {"sys_data_policy": _POLICY, "field": field, "mandatory": "true"} for field in ("close_code", "close_notes")
    ],
    "sys_properties": [{"name": "glide.ui.security.allow_codetag", "value": "true"}],
}
_OTHERS = frozenset({"users", "columns", "oauth_clients", "api_keys", "rules"})


def records(seed: dict[str, Any], hook_url: str) -> dict[str, list[dict[str, Any]]]:
    """Rows by table; a table in the seed replaces the default rows of that table. Where webhooks have somewhere to go,
    the Business Rules are there."""
    given = {table: rows for table, rows in seed.items() if table not in _OTHERS}
    unknown = given.keys() - SHAPES.keys()
    if unknown:
        raise ValueError(f"the seed names tables the sandbox does not keep: {', '.join(sorted(unknown))}")
    rules = [{"name": RULE, "collection": table} for table in TOLD] if hook_url else []
    return {**_RECORDS, "sys_script": rules, **given}
