"""Notes as comments, each marked by an entity property that is created in the same request as the comment: there is no
moment at which the comment stands without its mark. An internal comment is made by a property too (Jira Service
Management's own), so that one request does all three. On Data Center the text carries a mark as well."""

from collections.abc import Set
from typing import Any

from firstline.connector import Note
from firstline.errors import Unavailable
from firstline.incident import Reference
from firstline_jira.issue import account
from firstline_jira.marker import INTERNAL, NOTE, issue_id, note_key
from firstline_jira.rest import Rest
from firstline_jira.site import Site

COMMENT = "comment"
MOST = 5_000  # comments an issue can have (Jira Cloud, "Per-issue limits")

Tree = dict[str, Any]


class Notes:
    def __init__(self, connection: str, rest: Rest, site: Site, base_url: str, own: Set[str]) -> None:
        self._connection = connection
        self._rest = rest
        self._site = site
        self._base_url = base_url
        self._own = own

    async def write(self, reference: Reference, note: Note) -> Reference:
        """Find the note by its key, then leave or edit it; else add it."""
        issue = issue_id(reference)
        body = self._site.edition.note(note)
        found = await self._find(issue, note.key) if note.tried else None
        if found is None:
            found = await self._site.add_comment(issue, body, _properties(note))
        elif not self._site.edition.same(found.get("body"), body):
            found = await self._site.edit_comment(issue, str(found["id"]), body)
        return self._reference(reference, found)

    async def _find(self, issue: str, key: str) -> Tree | None:
        """Reading an issue's comments does not go through the search index: what was written is there."""
        start, last = 0, False
        while not last and start < MOST:
            page, last = await self._rest.comments(issue, start)
            for comment in page:
                if note_key(comment) == key and self._is_ours(comment):
                    return comment
            start += len(page)
        return None

    def _is_ours(self, comment: Tree) -> bool:
        """Anybody can copy a mark that stands in the text."""
        properties = comment.get("properties") or []
        marked = any(isinstance(row, dict) and row.get("key") == NOTE for row in properties)
        return marked or account(comment.get("author"), "comment.author") in self._own

    def _reference(self, of: Reference, comment: Tree) -> Reference:
        if "id" not in comment:
            raise Unavailable("Jira answered a comment without an id")
        url = f"{self._base_url}/browse/{of.number}?focusedCommentId={comment['id']}" if of.number else ""
        return Reference(connection=self._connection, kind=COMMENT, id=str(comment["id"]), number=of.number, url=url)


def _properties(note: Note) -> list[Tree]:
    properties: list[Tree] = [{"key": NOTE, "value": {"key": note.key}}]
    if not note.public:
        properties.append({"key": INTERNAL, "value": {"internal": True}})
    return properties
