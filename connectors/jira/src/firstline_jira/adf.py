"""Atlassian Document Format: a note as a document, a document as plain text. Pure."""

import json
import re
from typing import Any

from firstline.connector import Note
from firstline_jira.fit import FACTS, HEADLINE, LABEL, LIMIT, VALUE, clean, cut, fitted, units

Node = dict[str, Any]

_BLOCKS = {"paragraph", "heading", "codeBlock", "listItem", "blockquote", "rule", "tableRow", "panel"}


def document(*blocks: Node) -> Node:
    return {"version": 1, "type": "doc", "content": list(blocks)}


def paragraph(text: str, *, strong: bool = False) -> Node:
    """A paragraph; line ends become hard breaks."""
    content: list[Node] = []
    for line in clean(text).split("\n"):
        if content:
            content.append({"type": "hardBreak"})
        if line:
            content.append(_words(line, strong=strong))
    return {"type": "paragraph", "content": content}


def heading(text: str) -> Node:
    return {"type": "heading", "attrs": {"level": 3}, "content": [_words(clean(text))]}


def paragraphs(text: str) -> list[Node]:
    """One paragraph for each part between blank lines."""
    return [paragraph(part) for part in re.split(r"\n\s*\n", text.strip("\n")) if part.strip()]


def code(text: str) -> Node:
    return {"type": "codeBlock", "content": [_words(clean(text))]}


def _words(text: str, *, strong: bool = False) -> Node:
    node: Node = {"type": "text", "text": text}
    return {**node, "marks": [{"type": "strong"}]} if strong else node


def render(note: Note, limit: int = LIMIT) -> Node:
    """The note as a document that fits: the headline in bold, the facts, the body, the output in fixed width."""
    return _compose(fitted(note, lambda tried: size(_compose(tried)), limit))


def _compose(note: Note) -> Node:
    facts = [
        {
            "type": "listItem",
            "content": [_fact(cut(fact.label, LABEL) or "-", cut(fact.value, VALUE))],
        }
        for fact in note.facts[:FACTS]
    ]
    return document(
        paragraph(cut(note.headline, HEADLINE), strong=True),
        *([{"type": "bulletList", "content": facts}] if facts else []),
        *paragraphs(note.body),
        *([code(note.output)] if note.output else []),
    )


def _fact(label: str, value: str) -> Node:
    node = paragraph(value)
    return {**node, "content": [_words(f"{clean(label)}: ", strong=True), *node["content"]]}


def size(document: Node) -> int:
    """Characters of the document as it is sent: never fewer than those of what Jira turns it into."""
    return units(json.dumps(document, ensure_ascii=False, separators=(",", ":")))


def plain(value: Any) -> str:
    """The words of a document, a line for each block; text stays as it is (webhooks carry text, REST v3 documents)."""
    if value is None or isinstance(value, str):
        return value or ""
    parts: list[str] = []
    _gather(value, parts, 0)
    return re.sub(r"\n{2,}", "\n", "".join(parts)).strip("\n")


def _gather(node: Any, parts: list[str], depth: int) -> None:
    if not isinstance(node, dict) or depth > 50:
        return
    kind = node.get("type")
    if kind == "text":
        parts.append(str(node.get("text", "")))
    elif kind == "hardBreak":
        parts.append("\n")
    elif isinstance(attributes := node.get("attrs"), dict) and (
        words := attributes.get("text") or attributes.get("url")
    ):
        parts.append(str(words))  # mention, emoji, inlineCard
    children = node.get("content")
    for child in children if isinstance(children, list) else []:
        _gather(child, parts, depth + 1)
    if kind in _BLOCKS:
        parts.append("\n")
