"""The same fault in another system, as PagerDuty's ServiceNow and Jira integrations record it on the incident.

The field `external_references` is in no schema, but in PagerDuty's webhooks of version 2 and in its own tools: each
names the extension that keeps it (`webhook.summary`), and the ticket (`external_id`, `external_url`)."""

import re
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from firstline.incident import Link

# By the ticket's address or number, or by what the extension is called.
_SYSTEMS = {
    "servicenow": re.compile(r"service-?now|\bINC\d{5,}\b", re.I),
    "jira": re.compile(r"jira|atlassian|/browse/", re.I),
}
_SYS_ID = re.compile(r"\b[0-9a-f]{32}\b")
_KEY = re.compile(r"/browse/([A-Z][A-Z0-9_]+-\d+)")


def links(references: Any) -> tuple[Link, ...]:
    rows = references if isinstance(references, list) else ()
    found = (_link(row) for row in rows if isinstance(row, dict))
    return tuple(dict.fromkeys(link for link in found if link))


def _link(row: dict[str, Any]) -> Link | None:
    ticket, url = str(row.get("external_id") or ""), str(row.get("external_url") or "")
    webhook = row.get("webhook")
    keeper = str(webhook.get("summary") or "") if isinstance(webhook, dict) else ""
    words = f"{url} {ticket} {row.get('summary') or ''} {keeper}"
    system = next((name for name, pattern in _SYSTEMS.items() if pattern.search(words)), "")
    if not system or not (ticket or url):
        return None
    if system == "jira":
        key = _KEY.search(url)
        return Link(system=system, number=key[1] if key else ticket)
    sys_id = _SYS_ID.search(f"{ticket} {_asked(url)}")
    return Link(system=system, id=sys_id[0] if sys_id else "", number="" if _SYS_ID.fullmatch(ticket) else ticket)


def _asked(url: str) -> str:
    """A ServiceNow address with what stands in its query: `nav_to.do?uri=incident.do%3Fsys_id=...`."""
    values = (value for many in parse_qs(urlsplit(url).query).values() for value in many)
    return " ".join([unquote(url), *values])
