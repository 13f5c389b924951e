"""The page on which a person sees the issues. Server-rendered; nothing is loaded from elsewhere."""

from html import escape

from firstline_jira.sandbox import markup
from firstline_jira.sandbox.model import CHANGE
from firstline_jira.sandbox.record import Approval, Comment, Issue
from firstline_jira.sandbox.workflow import PLANNED, PRIORITIES

_STYLE = """
body{font:16px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:60rem;padding:0 1rem;color:#172b4d;
background:#fafbfc}
article{background:#fff;border:1px solid #dfe1e6;border-radius:6px;padding:1rem 1.25rem;margin:1rem 0}
h2{font-size:1.1rem;margin:0}.status{border-radius:4px;padding:.1rem .5rem;font-size:.85rem;font-weight:600}
.new{background:#dfe1e6}.indeterminate{background:#deebff}.done{background:#c9f0dc}
pre{white-space:pre-wrap;overflow-wrap:anywhere;font:inherit;margin:.25rem 0}
.comment{border-left:4px solid #4c9aff;padding:.25rem .75rem;margin:.75rem 0}
.internal{border-color:#b38600;background:#fff8e1}
small{color:#44546f}button{font:inherit;padding:.3rem .8rem;margin-right:.5rem}
"""


def page(issues: list[Issue]) -> str:
    articles = "".join(_article(issue) for issue in sorted(issues, key=lambda issue: issue.updated, reverse=True))
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Jira sandbox</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head>'
        f"<body><h1>Jira sandbox</h1><main>{articles or '<p>There are no issues.</p>'}</main></body></html>"
    )


def _article(issue: Issue) -> str:
    comments = "".join(_comment(comment) for comment in issue.comments)
    waiting = next((approval for approval in issue.approvals if approval.decision == "pending"), None)
    plans = _plan(issue) if issue.type.id == CHANGE and issue.status.category != "done" else ""
    priority = PRIORITIES[issue.fields.get("priority", "3")]
    summary, key = escape(str(issue.fields.get("summary", ""))), escape(issue.key)
    description = escape(markup.text(issue.fields.get("description")))
    return (
        f'<article id="{key}"><h2>{key} · {summary}</h2>'
        f'<p><span class="status {issue.status.category}">{escape(issue.status.name)}</span> '
        f"<small>{escape(issue.type.name)} · {priority} · {escape(issue.resolution or 'unresolved')} · "
        f"reported by {escape(issue.reporter.name)}</small></p>"
        f"<pre>{description}</pre>{_answer(issue, waiting) if waiting else ''}{plans}{comments}"
        "</article>"
    )


def _answer(issue: Issue, approval: Approval) -> str:
    """Who has answered what, and a form for those who have not."""
    votes = ", ".join(f"{escape(person.name)}: {vote}" for person, vote in approval.votes.items())
    people = "".join(
        f'<option value="{escape(person.email)}">{escape(person.name)}</option>'
        for person, vote in approval.votes.items()
        if vote == "pending"
    )
    buttons = "".join(
        f'<button formaction="/sandbox/request-approval/{issue.key}/{decision}">{decision.title()}</button>'
        for decision in ("approve", "decline")
    )
    return (
        f'<form method="post"><p>Approval: {votes or "nobody is named"}; {approval.needed} needed. '
        f'<label>As <select name="approver">{people}</select></label> {buttons}</p></form>'
    )


def _plan(issue: Issue) -> str:
    inputs = "".join(
        f'<label>Planned {name} (UTC) <input type="datetime-local" name="{name}" required '
        f'value="{escape(str(issue.fields.get(field) or "")[:16])}"></label> '
        for name, field in zip(("start", "end"), PLANNED, strict=True)
    )
    action = f"/sandbox/planned-times/{issue.key}"
    return f'<form method="post" action="{action}"><p>{inputs}<button>Move, as the change manager</button></p></form>'


def _comment(comment: Comment) -> str:
    kind = "Internal note" if comment.internal else "Reply to customer"
    css = "comment internal" if comment.internal else "comment"
    return (
        f'<div class="{css}"><small>{kind} · {escape(comment.author.name)} · '
        f"{comment.updated:%Y-%m-%d %H:%M:%S} UTC</small><pre>{escape(markup.text(comment.body))}</pre></div>"
    )
