"""The page on which a person sees the records."""

from collections.abc import Iterator
from html import escape

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from firstline_servicenow.sandbox import approval
from firstline_servicenow.sandbox.instance import Instance
from firstline_servicenow.sandbox.schema import STATES
from firstline_servicenow.sandbox.shape import Shaper
from firstline_servicenow.sandbox.store import Row, Store

SHOWN = 200  # the newest of each kind

_STYLE = """
:root{color-scheme:light dark;--line:#8884;--dim:#777;--ok:#1a7f37;--warn:#9a6700;--bad:#b3261e;--blue:#0b5cad}
body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.4rem;margin:0}h2{font-size:1.1rem;margin:2rem 0 .5rem}p.dim,.dim{color:var(--dim)}
details{border:1px solid var(--line);border-radius:.5rem;margin:.4rem 0;padding:.5rem .8rem}
summary{cursor:pointer;display:flex;gap:.8rem;align-items:baseline}summary b{white-space:nowrap}
summary .title{flex:1;overflow:hidden;text-overflow:ellipsis;white-space:nowrap}
.badge{border-radius:1rem;padding:0 .6rem;font-size:.85rem;border:1px solid;white-space:nowrap}
.open{color:var(--bad)}.busy{color:var(--warn)}.done{color:var(--ok)}.rest{color:var(--blue)}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.1rem 1rem;margin:.6rem 0}dt{color:var(--dim)}dd{margin:0}
dd,pre{white-space:pre-wrap;overflow-wrap:anywhere}
pre{background:#8881;border-left:3px solid var(--line);padding:.5rem .8rem;margin:.4rem 0;font-size:.85rem}
form{margin:.4rem 0}button{font:inherit;padding:.2rem .8rem;cursor:pointer}
"""
_ALWAYS = ("incident", "change_request")
_BADGES = {
    "incident": {"1": "open", "2": "busy", "3": "busy", "6": "done", "7": "done", "8": "rest"},
    "change_request": {"-1": "busy", "0": "busy", "3": "done"},
}
_FACTS = {
    "incident": "priority urgency impact category cmdb_ci business_service assignment_group opened_at resolved_at "
    "close_code close_notes rfc description",
    "change_request": "type approval risk cmdb_ci assignment_group start_date end_date work_start work_end "
    "close_code close_notes justification description implementation_plan risk_impact_analysis "
    "backout_plan correlation_id",
}


_OTHERS = "priority severity cmdb_ci node assignment_group opened_at acknowledged close_notes description"


class Page:
    def __init__(self, instance: Instance) -> None:
        self._instance = instance

    async def records(self, _: Request) -> Response:
        """What there is of each kind, newest first, each with its notes and files."""
        store = self._instance.store
        kinds = [table for table in STATES if table in _ALWAYS or store.rows(table)]
        body = "".join(part for table in kinds for part in self._section(table, f"{store.shapes[table].label}s"))
        return HTMLResponse(
            f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>ServiceNow stand-in</title>'
            f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head><body>'
            f'<h1>ServiceNow stand-in</h1><p class="dim">A small imitation for demonstrations and tests. Nothing here '
            f"is real, and nothing is kept.</p>{body}</body></html>"
        )

    async def form(self, request: Request) -> Response:
        """/nav_to.do?uri=incident.do?sys_id=...: the address of a record's form leads to it on the page."""
        record = request.query_params.get("uri", "").rpartition("sys_id=")[2]
        return RedirectResponse(f"/#{record}" if record.isalnum() else "/")

    def _section(self, table: str, title: str) -> Iterator[str]:
        rows = list(self._instance.store.rows(table).values())
        yield f'<h2>{title} <span class="dim">{len(rows)}</span></h2>'
        if not rows:
            yield '<p class="dim">None yet.</p>'
        for row in reversed(rows[-SHOWN:]):
            yield self._record(table, row)

    def _record(self, table: str, row: Row) -> str:
        shaper = Shaper(self._instance.store, "")
        badge = _BADGES.get(table, {}).get(row["state"], "rest")
        facts = "".join(
            f"<dt>{escape(name.replace('_', ' '))}</dt><dd>{escape(shaper.shown(table, row, name))}</dd>"
            for name in _FACTS.get(table, _OTHERS).split()
            if name in self._instance.store.shapes[table].kinds and row[name]
        )
        return (
            f'<details id="{escape(row["sys_id"])}"><summary><b>{escape(row["number"])}</b>'
            f'<span class="title">{escape(row["short_description"])}</span>'
            f'<span class="badge {badge}">{escape(shaper.shown(table, row, "state"))}</span></summary>'
            f"<dl>{facts}</dl>{self._forms(table, row)}{self._notes(row)}{self._files(row)}</details>"
        )

    def _forms(self, table: str, row: Row) -> str:
        return _decision(self._instance.store, row) + _planning(row) if table == "change_request" else ""

    def _notes(self, row: Row) -> str:
        entries = self._instance.store.among("sys_journal_field", "element_id", row["sys_id"])
        return "".join(
            f'<p class="dim">{escape(entry["sys_created_on"])} {escape(entry["sys_created_by"])} '
            f"({escape(entry['element'].replace('_', ' '))})</p><pre>{escape(entry['value'])}</pre>"
            for entry in entries
        )

    def _files(self, row: Row) -> str:
        files = self._instance.store.among("sys_attachment", "table_sys_id", row["sys_id"])
        return "".join(
            f'<p class="dim">{escape(file["file_name"])}, {escape(file["size_bytes"])} bytes</p>' for file in files
        )


def _decision(store: Store, row: Row) -> str:
    """For those who were asked: approve, or refuse."""
    entries = store.among(approval.TABLE, "sysapproval", row["sys_id"])
    waited_for = [entry for entry in entries if entry["state"] == "requested"]
    people = dict.fromkeys(name for entry in waited_for for name in approval.answerers(store, entry))
    if row["approval"] != "requested" or not people:
        return ""
    options = "".join(f"<option>{escape(name)}</option>" for name in people)
    return (
        f'<form method="post"><label>As <select name="by">{options}</select></label> '
        '<label>because <input name="comment"></label> '
        f"{_button(row, 'approve', 'Approve')} {_button(row, 'reject', 'Reject')}</form>"
    )


def _planning(row: Row) -> str:
    """For the change's manager: move the planned times."""
    if row["active"] != "true":
        return ""
    times = "".join(
        f'<label>{label} <input name="{name}" value="{escape(row[name])}" placeholder="YYYY-MM-DD HH:MM:SS"></label> '
        for name, label in (("start_date", "Planned start"), ("end_date", "end (UTC)"))
    )
    return f'<form method="post">{times}{_button(row, "plan", "Move")}</form>'


def _button(row: Row, act: str, label: str) -> str:
    return f'<button formaction="/sandbox/change/{escape(row["number"])}/{act}">{label}</button>'
