"""Names a point in a file for people."""

from bisect import bisect_left
from collections.abc import Sequence


def breaks(source: str) -> list[int]:
    """Where the line breaks of a text stand."""
    return [index for index, character in enumerate(source) if character == "\n"]


def place(file: str, line_breaks: Sequence[int], index: int) -> str:
    """`file:line:column` of a character, both from 1."""
    line = bisect_left(line_breaks, index)
    start = line_breaks[line - 1] + 1 if line else 0
    return f"{file}:{line + 1}:{index - start + 1}"
