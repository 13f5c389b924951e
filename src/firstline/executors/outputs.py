"""What a run gave to be worked with: `key=value` lines, or one JSON object, in the file that $FIRSTLINE_OUTPUT names.

The lines are those that CI systems have taught people to write (GitHub's $GITHUB_OUTPUT, GitLab's dotenv reports): all
after the first `=` is the value, as text, and of two with one key the later counts. What has several lines is JSON.
"""

import json
import re
from typing import NoReturn

from pydantic import JsonValue

LIMIT = 65_536  # bytes
_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,119}")


def parse(text: str) -> dict[str, JsonValue]:
    """The outputs. Raises `ValueError` that says in words, and without their content, why they can't be used."""
    if len(text) > LIMIT or len(text.encode(errors="surrogatepass")) > LIMIT:
        raise ValueError(f"they have more than {LIMIT} bytes")
    if text.lstrip().startswith("{"):
        return _object(text)
    lines = ((number, line.rstrip("\r")) for number, line in enumerate(text.split("\n"), start=1))
    return dict(_pair(number, line) for number, line in lines if line.strip())


def _pair(number: int, line: str) -> tuple[str, str]:
    key, equals, value = line.partition("=")
    if not equals or not _KEY.fullmatch(key):
        raise ValueError(f"line {number} is not key=value, with a key of letters, digits, `_`, `.` and `-`")
    return key, value


def _object(text: str) -> dict[str, JsonValue]:
    try:
        found: dict[str, JsonValue] = json.loads(text, parse_constant=_refuse)
        json.dumps(found, ensure_ascii=False).encode()  # half a surrogate pair is no text
    except json.JSONDecodeError as error:
        raise ValueError(f"they begin as JSON and are none: {error.msg}, line {error.lineno}") from None
    except (ValueError, RecursionError) as error:
        raise ValueError(f"their JSON can't be used: {type(error).__name__}") from None
    return found


def _refuse(name: str) -> NoReturn:
    raise ValueError(name)
