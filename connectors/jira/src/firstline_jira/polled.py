"""What a poll brought, taken apart into the webhook bodies that tell the same. Pure: one translation serves both."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from firstline_jira.shape import moment, needed, rows, text, tree

CLOSE = timedelta(seconds=2)  # an issue's time of change and those of its changelog and comments differ by less

Tree = dict[str, Any]


@dataclass(frozen=True)
class Told:
    """A webhook's body, and the categories of the status it was in before and after, where they are known."""

    body: Tree
    before: str = ""
    after: str = ""


def told(polled: Tree) -> list[Told]:
    """The opening, then what was changed and said in the window, in the order of time."""
    issue = tree(polled.get("issue"), "issue")
    changes = rows(polled.get("changes"), "changes")
    comments = rows(polled.get("comments"), "comments")
    fields = tree(issue.get("fields"), "issue.fields")
    created, updated = (_moment(fields.get(name), f"issue.fields.{name}") for name in ("created", "updated"))
    later = [row for row in changes if not _is_creation(row, created)]
    found = [
        *((_moment(row.get("created"), "changes.created"), _change(issue, row, later, polled)) for row in later),
        *(entry for comment in comments for entry in _remarks(issue, comment)),
    ]
    opening = Told(_body("jira:issue_created", issue, created, fields.get("creator") or fields.get("reporter")))
    explained = any(abs(when - updated) < CLOSE for when in (created, *(when for when, _ in found)))
    # Comments deleted and the like: the issue's time alone tells that something happened.
    unnamed = [Told(_body("jira:issue_updated", issue, updated, None))] if polled.get("whole") and not explained else []
    return [opening, *(one for _, one in sorted(found, key=lambda entry: entry[0])), *unnamed]


def _change(issue: Tree, row: Tree, changes: Sequence[Tree], polled: Tree) -> Told:
    categories = tree(polled.get("categories"), "categories")
    at = _moment(row.get("created"), "changes.created")
    body = _body("jira:issue_updated", issue, at, row.get("author"))
    body["changelog"] = {"id": needed(row.get("id"), "changes.id"), "items": row.get("items")}
    return Told(body, *_categories(row, changes, categories))


def _categories(row: Tree, changes: Sequence[Tree], categories: Mapping[str, Any]) -> tuple[str, str]:
    """Of the status before and after this change. When it is no change of status, both are that of the next such
    change's beginning; without a next one, it is the status the issue is in (and nothing is said here)."""
    if move := _move(row):
        return str(categories.get(str(move.get("from"))) or ""), str(categories.get(str(move.get("to"))) or "")
    following = next((move for later in changes[changes.index(row) + 1 :] if (move := _move(later))), None)
    there = str(categories.get(str(following.get("from"))) or "") if following else ""
    return there, there


def _move(row: Tree) -> Tree | None:
    items = rows(row.get("items"), "changes.items")
    return next((item for item in items if text(item.get("field"), "changes.items.field").casefold() == "status"), None)


def _is_creation(row: Tree, created: datetime) -> bool:
    """Whether it only tells what the issue was created with: each field from nothing, at that time."""
    items = rows(row.get("items"), "changes.items")
    soon = abs(_moment(row.get("created"), "changes.created") - created) < CLOSE
    return soon and all(item.get("from") is None and item.get("fromString") is None for item in items)


def _remarks(issue: Tree, comment: Tree) -> Iterator[tuple[datetime, Told]]:
    made, edited = (_moment(comment.get(name), f"comments.{name}") for name in ("created", "updated"))
    yield made, Told(_body("comment_created", issue, made, None) | {"comment": comment})
    if edited > made:
        yield edited, Told(_body("comment_updated", issue, edited, None) | {"comment": comment})


def _body(name: str, issue: Tree, at: datetime, user: Any) -> Tree:
    return {"timestamp": round(at.timestamp() * 1000), "webhookEvent": name, "issue": issue, "user": user}


def _moment(value: Any, place: str) -> datetime:
    return moment(needed(value, place), place) or datetime.fromtimestamp(0, UTC)
