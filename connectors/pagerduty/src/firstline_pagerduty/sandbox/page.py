"""The page on which a person sees the incidents."""

from html import escape
from typing import Any

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #1a1a1a; }
article { border: 1px solid #bbb; border-left-width: .5rem; border-radius: .3rem; padding: .5rem 1rem; margin: 1rem 0; }
.triggered { border-left-color: #b00020; } .acknowledged { border-left-color: #b26a00; }
.resolved { border-left-color: #1b6e3c; }
h2 { font-size: 1.1rem; margin: .2rem 0; } dl { display: grid; grid-template-columns: max-content 1fr; gap: 0 1rem; }
dt { color: #555; } dd { margin: 0; } pre { background: #f3f3f3; padding: .5rem; white-space: pre-wrap;
overflow-wrap: anywhere; } ol { padding-left: 1.2rem; } time { color: #555; }
"""
MOST_SHOWN = 50


def render(incidents: list[dict[str, Any]]) -> str:
    """The newest incidents, as GET /sandbox/state gives them."""
    newest = incidents[::-1][:MOST_SHOWN]
    counts = ", ".join(
        f"{sum(one['status'] == status for one in incidents)} {status}"
        for status in ("triggered", "acknowledged", "resolved")
    )
    shown = f", the newest {MOST_SHOWN} shown" if len(incidents) > MOST_SHOWN else ""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>PagerDuty sandbox</title>'
        '<meta name="viewport" content="width=device-width"><meta http-equiv="refresh" content="5">'
        f"<style>{_STYLE}</style></head><body><main><h1>PagerDuty sandbox</h1>"
        f"<p>{counts}{shown}. A stand-in: it wakes nobody.</p>"
        f"{''.join(map(_incident, newest)) or '<p>No incidents.</p>'}</main></body></html>"
    )


def _incident(incident: dict[str, Any]) -> str:
    facts = {
        "Status": incident["status"],
        "Urgency": incident["urgency"],
        "Service": incident["service"]["summary"],
        "Escalation level": incident["escalation_level"],
        "Assigned to": ", ".join(one["assignee"]["summary"] for one in incident["assignments"]) or "nobody",
        "Priority": (incident["priority"] or {}).get("summary", "none"),
        "Key": incident["incident_key"],
    }
    rows = "".join(f"<dt>{name}</dt><dd>{escape(str(value))}</dd>" for name, value in facts.items())
    return (
        f'<article id="{escape(incident["id"])}" class="{incident["status"]}">'
        f"<h2>#{incident['incident_number']} {escape(incident['title'])}</h2><dl>{rows}</dl>"
        f"{''.join(map(_note, incident['notes']))}"
        f"<details><summary>Log</summary><ol>{''.join(map(_entry, incident['log_entries']))}</ol></details></article>"
    )


def _note(note: dict[str, Any]) -> str:
    who = f"{escape(note['user']['summary'])}, <time>{note['created_at']}</time>"
    return f"<section><h3>Note by {who}</h3><pre>{escape(note['content'])}</pre></section>"


def _entry(entry: dict[str, Any]) -> str:
    return f"<li><time>{entry['created_at']}</time> {escape(entry['summary'])}</li>"
