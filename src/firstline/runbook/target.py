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
    return _names("targets", runbook, runbook.declaration.targets, bindings)


def group_of(runbook: Runbook, bindings: Bindings, targets: Sequence[str]) -> tuple[str, ...]:
    """Those that do the same work, the targets among them. Empty where none is declared. Raises `Rejected` when a
    target is not of the group: a share of something else says nothing."""
    declared = runbook.declaration.group
    if not declared:
        return ()
    group = _names("group", runbook, declared, bindings)
    strange = [each for each in targets if each not in group]
    if strange:
        raise Rejected(f"group: {', '.join(strange)} is not of it; it has {', '.join(group)}")
    return group


def _names(what: str, runbook: Runbook, declared: str | tuple[str, ...], bindings: Bindings) -> tuple[str, ...]:
    if isinstance(declared, str):
        found = Template(runbook.scope, declared).evaluate(bindings)
    else:
        found = [Template(runbook.scope, each).evaluate(bindings) for each in declared]
    if not isinstance(found, list) or not found:
        raise Rejected(f"{what}: must be a list of at least one, not {found!r}")
    if len(found) > LIMIT:
        raise Rejected(f"{what}: {len(found)} of them; at most {LIMIT}")
    return tuple(dict.fromkeys(_name(what, each) for each in found))


def _name(what: str, given: Json) -> str:
    if not isinstance(given, str) or not given.strip():
        raise Rejected(f"{what}: each must be a text that is not empty, not {given!r}")
    if given.startswith("-") or given != given.strip() or not given.isprintable():
        raise Rejected(f"{what}: {given!r} is no name of a target")
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


def port(address: str) -> str:
    """`host:port`. Raises `Rejected`: nothing else can be connected to."""
    host, _, number = address.rpartition(":")
    if not host.isprintable() or not host.strip() or not number.isdecimal() or not 0 < int(number) < 65_536:
        raise Rejected(f"{address!r} is no address of the form host:port")
    return address
