"""Where a runbook acts: its targets, and the addresses of its HTTP checks."""

from collections.abc import Sequence
from urllib.parse import urlsplit

from firstline.declaration import Json
from firstline.errors import Rejected
from firstline.expression import Bindings, Template
from firstline.runbook.runbook import Runbook

LIMIT = 1000


def targets_of(runbook: Runbook, bindings: Bindings) -> tuple[str, ...]:
    """The targets a runbook declares, each once, in order. Raises `Rejected` when there is none."""
    declared = runbook.declaration.targets
    if isinstance(declared, str):
        found = Template(runbook.scope, declared).evaluate(bindings)
    else:
        found = [Template(runbook.scope, each).evaluate(bindings) for each in declared]
    if not isinstance(found, list) or not found:
        raise Rejected(f"targets: must be a list of at least one, not {found!r}")
    if len(found) > LIMIT:
        raise Rejected(f"targets: {len(found)} of them; at most {LIMIT}")
    return tuple(dict.fromkeys(_target(each) for each in found))


def _target(given: Json) -> str:
    if not isinstance(given, str) or not given.strip():
        raise Rejected(f"targets: each must be a text that is not empty, not {given!r}")
    if given.startswith("-") or given != given.strip() or not given.isprintable():
        raise Rejected(f"targets: {given!r} is no name of a target")
    return given


def choose(found: tuple[str, ...], wanted: Sequence[str] | None) -> tuple[str, ...]:
    """Those of `found` that are wanted; all for None. Raises `Rejected` for none, and for one that is not there."""
    if wanted is None:
        return found
    strange = [each for each in wanted if each not in found]
    if strange or not wanted:
        raise Rejected(f"targets: {', '.join(strange) or 'none'} asked for; the runbook has {', '.join(found)}")
    return tuple(each for each in found if each in wanted)


def address(url: str) -> str:
    """An absolute HTTP address without credentials. Raises `Rejected`: a value that moves the host behind an `@`, or
    breaks the line, does not get to choose where the request goes."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise Rejected(f"{url!r} is no address: {error}") from error
    if parts.scheme not in {"http", "https"} or not host or "@" in parts.netloc:
        raise Rejected(f"{url!r} is no address of the form http://host/path")
    if not url.isprintable() or " " in url or "\\" in url:
        raise Rejected(f"{url!r} has a character that must be escaped in an address")
    return url
