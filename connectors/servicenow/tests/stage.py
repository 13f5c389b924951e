"""What the tests share: one seeded instance, and settings for it."""

from typing import Any

from firstline.connector import SandboxSettings
from firstline_servicenow.sandbox import create_app
from firstline_servicenow.settings import ServiceNowSettings

INCIDENT = "a9e30c7dc61122760116894de7bcc7bd"
TEMPLATE = "0" * 31 + "7"
CI = "0" * 31 + "c"
SECRET = "the-webhook-secret"
PASSWORD = "a password that nobody else has"

USERS = [
    {"user_name": "admin", "password": "admin", "name": "System Administrator", "roles": ["admin"]},
    {"user_name": "firstline", "password": PASSWORD, "name": "Firstline", "roles": ["itil", "sn_change_write"]},
    {"user_name": "david.loo", "password": "david.loo", "name": "David Loo", "roles": ["itil", "approver_user"]},
]
SEED: dict[str, Any] = {
    "users": USERS,
    "incident": [
        {
            "sys_id": INCIDENT,
            "number": "INC0010001",
            "short_description": "The shop does not answer",
            "cmdb_ci": CI,
            "impact": "2",
            "sys_created_by": "admin",
        }
    ],
    "cmdb_ci": [{"sys_id": CI, "name": "shop", "ip_address": "10.0.0.7"}],
    "std_change_record_producer": [{"sys_id": TEMPLATE, "name": "Restart web process", "description": "By template."}],
}


def settings(base_url: str, **more: Any) -> ServiceNowSettings:
    return ServiceNowSettings.model_validate(
        {"base_url": base_url, "user": "firstline", "password": PASSWORD, "webhook_secrets": SECRET, **more}
    )


def sandbox(**more: Any) -> Any:
    return create_app(SandboxSettings(seed=SEED, **more))
