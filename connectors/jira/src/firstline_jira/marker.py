"""Marks by which we find what we wrote. People see none of them: entity properties (Atlassian, "Entity properties"),
and on Data Center an anchor in a comment's text."""

import hashlib
import re
from collections.abc import Mapping
from typing import Any

from firstline.errors import Rejected
from firstline.incident import Reference
from firstline_jira import wiki

NOTE = "firstline"  # on a comment: {"key": ...}
CHANGE = "firstline.change"  # on an issue that is a change: {"key", "ci", "start", "end"}
ESCALATED = "firstline.escalated"  # on an issue: {"to": priority id}
INTERNAL = "sd.public.comment"  # Jira Service Management's own: {"internal": true} hides a comment from customers

_ID = re.compile(r"\d{1,19}|[A-Z][A-Z0-9_]{1,254}-\d{1,19}")


def label(key: str) -> str:
    """The label of the change with this key. Labels may hold no blanks, so it is a digest; search finds labels, but not
    properties that no installed app declared."""
    return "firstline-" + hashlib.sha256(key.encode()).hexdigest()[:24]


def issue_id(reference: Reference) -> str:
    """The issue's id or key, fit for a path."""
    if not _ID.fullmatch(reference.id):
        raise Rejected(f"{reference.id!r} is neither a Jira issue's id nor its key")
    return reference.id


def note_key(comment: Mapping[str, Any]) -> str:
    """The key of the note that a comment is; empty when it is none of ours."""
    properties = comment.get("properties")
    for row in properties if isinstance(properties, list) else []:
        if isinstance(row, dict) and row.get("key") == NOTE and isinstance(row.get("value"), dict):
            return str(row["value"].get("key") or "")
    body = comment.get("body")
    return wiki.marked(body) if isinstance(body, str) else ""
