"""The lines of an iCalendar file, so that what is wrong in it can be found by its number."""

import re
from dataclasses import dataclass, field

_NAME = re.compile(r"([A-Za-z0-9-]+)[;:]")


class Fault(Exception):
    """Something in a calendar that can't be taken as it stands."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line


@dataclass
class Content:
    """`events`: for each VEVENT, in order, the line of each of its properties; of its begin as `BEGIN`."""

    text: str
    events: list[dict[str, int]] = field(default_factory=list)


def scan(raw: bytes) -> Content:
    """Look through the lines. Raises `Fault` for text that is no calendar or breaks off: the parser takes much of that
    for an empty one."""
    try:
        content = Content(raw.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise Fault(raw[: error.start].count(b"\n") + 1, "not UTF-8") from error
    open_: list[str] = []
    for number, line in enumerate(content.text.splitlines(), 1):
        if line.strip() and line[0] not in " \t":  # else it goes on with the line before
            _take(content, open_, number, line)
    if open_ or not content.text.strip():
        raise Fault(content.text.count("\n") + 1, f"it breaks off within {open_[-1]}" if open_ else "it is empty")
    return content


def _take(content: Content, open_: list[str], number: int, line: str) -> None:
    match = _NAME.match(line)
    if match is None:
        raise Fault(number, f"no line of a calendar: {line[:60]!r}")
    name, value = match[1].upper(), line[match.end() :].strip().upper()
    if not open_ and (name, value) != ("BEGIN", "VCALENDAR"):
        raise Fault(number, "a calendar begins with BEGIN:VCALENDAR")
    if name == "BEGIN":
        open_.append(value)
        if value == "VEVENT":
            content.events.append({"BEGIN": number})
    elif name == "END":
        if open_.pop() != value:
            raise Fault(number, f"END:{value} ends nothing that is open here")
    elif open_[-1] == "VEVENT":
        content.events[-1].setdefault(name, number)
