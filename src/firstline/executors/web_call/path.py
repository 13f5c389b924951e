"""Where in a JSON document something stands: `status`, `$.job.id`, `items[0].name`, `items[-1]["a b"]`.

The singular queries of JSONPath (RFC 9535, 2.3.5.1): names and indexes, nothing that could find two things. The leading
`$` may be left out.
"""

import re

from pydantic import JsonValue

_STEP = re.compile(
    r"""\.?(?P<name>[^\W\d][\w-]*)|\[(?P<index>-?\d{1,9})\]|\[(?P<quote>["'])(?P<quoted>.+?)(?P=quote)\]"""
)


def parse(path: str) -> list[str | int]:
    """Its steps. Raises ValueError for what is no such path."""
    rest, steps = path.removeprefix("$"), list[str | int]()
    if path.startswith("$") and rest and rest[0] not in ".[":
        raise ValueError(f"{path!r} is no path: after `$` comes `.name` or `[n]`")
    while rest:
        found = _STEP.match(rest)
        if found is None or (steps and rest[0] not in ".["):
            raise ValueError(f'{path!r} is no path from {rest!r} on: names after `.`, and [n] or ["a name"]')
        steps.append(int(found["index"]) if found["index"] else found["name"] or found["quoted"])
        rest = rest[found.end() :]
    return steps


def find(document: JsonValue, path: str) -> JsonValue:
    """What stands there. Raises LookupError that says how far the path led."""
    here, so_far = document, "$"
    for step in parse(path):
        if isinstance(step, str) and isinstance(here, dict) and step in here:
            here, so_far = here[step], f"{so_far}.{step}"
        elif isinstance(step, int) and isinstance(here, list) and -len(here) <= step < len(here):
            here, so_far = here[step], f"{so_far}[{step}]"
        else:
            raise LookupError(f"the answer has nothing at {path}; it leads as far as {so_far}")
    return here


def word(value: JsonValue) -> str:
    """A scalar as people write it in a map of states. Raises LookupError for what is none."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None or isinstance(value, dict | list):
        raise LookupError(f"what stands there is no word: {'null' if value is None else type(value).__name__}")
    return str(value)
