"""Atlassian Document Format: a note as a document, a document as plain text. Pure."""

import json
import re
from typing import Any

from firstline.connector import Note

LIMIT = (
    32_767  # characters of a comment or description after conversion (Jira Cloud, "jira.text.field.character.limit")
)
HEADLINE = 500
FACTS, LABEL, VALUE = 30, 60, 240  # together well below the limit, so that headline and facts are never at stake

Node = dict[str, Any]

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
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


def clean(text: str) -> str:
    """Without what Jira's XML can't hold: control characters and halves of surrogate pairs."""
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text.replace("\r\n", "\n").replace("\r", "\n"))


def render(note: Note, limit: int = LIMIT) -> Node:
    """The note as a document that fits: the headline in bold, the facts, the body, the output in fixed width."""
    for part in ("output", "body"):
        if size(_compose(note)) > limit:
            note = _fit(note, part, limit)
    return _compose(note)


def _fit(note: Note, part: str, limit: int) -> Note:
    """The note with as much of the part as the limit leaves room for. By halving, since how long a character becomes
    depends on the character."""
    text: str = getattr(note, part)
    low, high = 0, min(len(text), limit)
    while low < high:
        middle = (low + high + 1) // 2
        fits = size(_compose(note.model_copy(update={part: cut(text, middle)}))) <= limit
        low, high = (middle, high) if fits else (low, middle - 1)
    return note.model_copy(update={part: cut(text, low)})


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
    """Characters of the document as it is sent, counted as Java counts them: never fewer than those of what Jira turns
    it into."""
    return len(json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode("utf-16-le")) // 2


def cut(text: str, keep: int) -> str:
    """The text with its middle left out, so that about `keep` characters stay; empty when nothing would stay."""
    if len(text) <= keep:
        return text
    if keep <= 0:
        return ""
    head, tail = keep // 2, keep - keep // 2
    return f"{text[:head]}\n… {len(text) - keep} characters left out …\n{text[-tail:]}"


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
