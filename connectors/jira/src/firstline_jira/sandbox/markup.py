"""Documents (REST v3) as the text that webhooks and REST v2 carry, and back."""

import json
from typing import Any

LIMIT = 32_767  # characters of a comment or description
BLOCKS = ("paragraph", "heading", "codeBlock", "listItem", "blockquote")


def is_document(value: Any) -> bool:
    return isinstance(value, dict) and value.get("type") == "doc" and value.get("version") == 1 and _sound(value)


def _sound(node: Any) -> bool:
    """Text nodes may not be empty; all else is a typed node."""
    if not isinstance(node, dict) or not isinstance(node.get("type"), str):
        return False
    if node["type"] == "text" and not node.get("text"):
        return False
    return all(_sound(child) for child in node.get("content", []))


def too_long(document: Any) -> bool:
    if isinstance(document, str):
        return len(document) > LIMIT
    return len(json.dumps(document, ensure_ascii=False, separators=(",", ":"))) > LIMIT


def text(node: Any) -> str:
    if not isinstance(node, dict):
        return node if isinstance(node, str) else ""
    if node.get("type") == "text":
        return str(node.get("text", ""))
    inner = "".join(text(child) for child in node.get("content", []))
    if node.get("type") == "codeBlock":
        return "{noformat}" + inner + "{noformat}\n"
    if node.get("type") == "hardBreak":
        return "\n"
    return inner + "\n" if node.get("type") in BLOCKS else inner.strip("\n") if node.get("type") == "doc" else inner


def document(words: str) -> dict[str, Any]:
    parts = [part for part in words.split("\n") if part]
    blocks = [{"type": "paragraph", "content": [{"type": "text", "text": part}]} for part in parts]
    return {"version": 1, "type": "doc", "content": blocks}
