"""Names a point in a file for people."""


def place(file: str, source: str, index: int) -> str:
    """`file:line:column` of a character, both from 1."""
    line = source.count("\n", 0, index) + 1
    return f"{file}:{line}:{index - source.rfind(chr(10), 0, index)}"
