"""Checks what is written into fields, as Jira does."""

from typing import Any

from firstline_jira.sandbox import markup, workflow
from firstline_jira.sandbox.record import Refused

Tree = dict[str, Any]


class Values:
    def __init__(self, *, cloud: bool) -> None:
        self._cloud = cloud

    def __call__(self, fields: Tree) -> Tree:
        """The values as they are kept; `Refused` names the field."""
        kept = dict(fields)
        if len(str(kept.get("summary") or "")) > 255:
            raise Refused(400, summary="Summary must be less than 255 characters.")
        for name in workflow.DOCUMENTS:
            if kept.get(name) is not None:
                kept[name] = self.document(kept[name], name)
        if any(" " in str(label) for label in kept.get("labels") or []):
            raise Refused(400, labels="The label contains spaces which is invalid.")
        if "priority" in kept:
            kept["priority"] = _priority(kept["priority"])
        for name, options in workflow.OPTIONS.items():
            if name in kept and kept[name].get("value") not in options.values():
                raise Refused(400, **{name: "Option value is not valid"})
        return kept

    def document(self, body: Any, name: str) -> Any:
        """A document for REST v3, a text for v2; neither too long."""
        if self._cloud and not markup.is_document(body):
            words = "Operation value must be an Atlassian Document (see the Atlassian Document Format)"
            raise Refused(400, **{name: words})
        if not self._cloud and not isinstance(body, str):
            raise Refused(400, **{name: "Operation value must be a string"})
        if markup.too_long(body):
            words = "The entered text is too long. It exceeds the allowed limit of 32,767 characters."
            raise Refused(400, **{name: words})
        return body

    def words(self, text: str) -> Any:
        """Plain text as it is kept."""
        return markup.document(text) if self._cloud else text


def _priority(value: Any) -> str:
    wanted = value if isinstance(value, dict) else {}
    for id, name in workflow.PRIORITIES.items():  # noqa: A001
        if wanted.get("id") == id or wanted.get("name") == name:
            return id
    raise Refused(400, priority="The priority selected is invalid.")
