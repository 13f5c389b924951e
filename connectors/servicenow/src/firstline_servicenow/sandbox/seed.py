"""What is there to start with, unless the settings' seed says otherwise: `{"users": [...], "<table>": [records]}`."""

from typing import Any

from firstline_servicenow.sandbox.schema import SHAPES

USERS: list[dict[str, Any]] = [
    {"user_name": "admin", "password": "admin", "name": "System Administrator", "roles": ["admin"]},
    {"user_name": "firstline", "password": "firstline", "name": "Firstline", "roles": ["itil", "sn_change_write"]},
    {"user_name": "david.loo", "password": "david.loo", "name": "David Loo", "roles": ["itil", "approver_user"]},
]

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
}


def records(seed: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Rows by table; a table in the seed replaces the default rows of that table."""
    given = {table: rows for table, rows in seed.items() if table != "users"}
    unknown = given.keys() - SHAPES.keys()
    if unknown:
        raise ValueError(f"the seed names tables the sandbox does not keep: {', '.join(sorted(unknown))}")
    return _RECORDS | given
