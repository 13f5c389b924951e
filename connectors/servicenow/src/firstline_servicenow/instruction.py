"""What a ServiceNow administrator does so that the instance tells the hub of saves, with the scripts as they are
shipped. The vendor lets nobody else make a webhook."""

from importlib.resources import files

from firstline_servicenow import kind
from firstline_servicenow.settings import ServiceNowSettings

RULE_NAME = "Firstline: tell of saves"
ACTION_NAME = "Firstline: send"

_TEXT = """\
ServiceNow has no webhooks of its own: one Business Rule for each table and one Script Action are the webhook. They use
no licence-metered action, and nobody waits for the hub while saving. Do this once, as an administrator of
{base_url}, in the scope Global:

1. Credential. Connections & Credentials > Credentials > New > Basic Auth. Name "Firstline webhook", user name
   "firstline", password: the secret that `webhook_secrets` of this connection names (ASCII characters only).
   Copy the record's sys_id.
2. Properties. In sys_properties.list make these, of type string:
     firstline.hook.url         {hook_url}
     firstline.hook.credential  the sys_id of step 1
{fields}\
3. Event. System Policy > Events > Registry > New. Event name "firstline.saved", table empty.
4. Script Action. System Policy > Events > Script Actions > New. Name "{action_name}", event name
   "firstline.saved", active. Paste script 1.
5. Business Rules. System Definition > Business Rules > New, once for each of these tables. Name "{rule_name}",
   active, advanced, when "after" (not "async"), insert and update. Paste script 2.
{tables}\
6. Save a record of one of the tables. It appears in the hub; if not, look at System Logs > Outbound HTTP Requests, and
   for "Firstline" in the system log.

----- script 1: Script Action "{action_name}" -----
{action}
----- script 2: Business Rule "{rule_name}" -----
{rule}
----- end -----
"""


def text(settings: ServiceNowSettings, hook_url: str) -> str:
    """The steps, for people to read and paste from."""
    more = " ".join(dict.fromkeys((*settings.extra_fields, *settings.links)))
    return _TEXT.format(
        base_url=settings.base_url,
        hook_url=hook_url,
        fields=f"     firstline.hook.fields      {more}\n" if more else "",
        tables="".join(f"     {_table(settings, table)}\n" for table in settings.tables),
        action_name=ACTION_NAME,
        rule_name=RULE_NAME,
        action=script("script_action.js"),
        rule=script("business_rule.js"),
    )


def script(name: str) -> str:
    return files("firstline_servicenow").joinpath(name).read_text(encoding="utf-8")


def _table(settings: ServiceNowSettings, table: str) -> str:
    chosen = {str(name): query for name, query in settings.filters.items()}.get(table)
    where = "^".join(part for part in (kind.MEANT.get(table), chosen) if part)
    return f"{table}, with the filter conditions {where}" if where else table
