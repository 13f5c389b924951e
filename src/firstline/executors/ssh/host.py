"""Which host a target names, and how it is reached: pure."""

import getpass
import re
from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import NamedTuple, TypeVar
from urllib.parse import quote, unquote

from firstline.errors import Rejected
from firstline.executors.ssh.settings import HostSettings, SshSettings

T = TypeVar("T")
FARTHEST = 5  # jump hosts in a row
_NAME = r"(?P<name>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_][A-Za-z0-9_.-]*)"  # none begins like an option
_USER = r"[A-Za-z0-9_][A-Za-z0-9_.$-]*"
_TARGET = re.compile(rf"(?:(?P<user>{_USER})@)?{_NAME}(?::(?P<port>[0-9]{{1,5}}))?")
_ADDRESS = re.compile(
    rf"ssh://(?P<user>{_USER})(?:;become=(?P<become>[^@;/]+))?@{_NAME}:(?P<port>[0-9]+)(?P<path>/.+)", re.ASCII
)


class Host(NamedTuple):
    """One account on one host. `jump` are the hosts before it, the nearest to us first."""

    name: str
    address: str
    port: int
    user: str
    become: str
    python: str
    host_key: str
    jump: tuple["Host", ...]

    def __str__(self) -> str:
        through = f" through {', '.join(host.name for host in self.jump)}" if self.jump else ""
        at = f" ({self.address}:{self.port})" if (self.address, self.port) != (self.name, 22) else ""
        return f"{self.user}@{self.name}{at}{through}"


def host_of(settings: SshSettings, target: str) -> Host:
    """Raises `Rejected` for what names no host, or an account that targets may not name."""
    found = _parsed(target)
    host = _resolved(settings, found, ())
    if found["user"] and found["user"] not in (_account(settings, found["name"].strip("[]")), *settings.users):
        raise Rejected(f"a target may not name the account {found['user']} (settings: users)")
    return host


def may_be_target(settings: SshSettings, name: str) -> bool | None:
    """None: it depends on whether its key is pinned."""
    return any(fnmatchcase(name, pattern) for pattern in settings.allow) if settings.allow else None


def where_of(host: Host, path: str) -> str:
    """The address of a run for its handle: `ssh://user;become=root@web1:22/home/user/.firstline/runs/ID`."""
    become = f";become={quote(host.become, safe='')}" if host.become else ""
    name = f"[{host.name}]" if ":" in host.name else host.name
    return f"ssh://{host.user}{become}@{name}:{host.port}{path}"


def run_at(settings: SshSettings, where: str) -> tuple[Host, str]:
    """Whose account a run is in, and its directory there. What else is to be known of the host is as set now. Raises
    `Rejected` for what is no such address."""
    found = _ADDRESS.fullmatch(where)
    if found is None:
        raise Rejected(f"{where!r} is no address of a run")
    host = _resolved(settings, found, ())
    return host._replace(become=unquote(found["become"] or "")), found["path"]


def _parsed(target: str) -> re.Match[str]:
    found = _TARGET.fullmatch(target)
    if found is None:
        raise Rejected(f"{target!r} names no host; write `web1`, `user@web1` or `user@web1:2222`")
    return found


def _resolved(settings: SshSettings, found: re.Match[str], on_the_way: tuple[str, ...]) -> Host:
    name = found["name"].strip("[]")
    if name in on_the_way or len(on_the_way) > FARTHEST:
        raise Rejected(f"the jump hosts go in a circle: {' -> '.join((*on_the_way, name))}")
    tables = list(_tables(settings, name))
    return Host(
        name=name,
        address=_first((table.address for table in tables), name),
        port=int(found["port"] or _first((table.port for table in tables), settings.port)),
        user=found["user"] or _account(settings, name),
        become="" if on_the_way else _set((table.become for table in tables), settings.become),
        python=_set((table.python for table in tables), settings.python),
        host_key=_first((table.host_key for table in tables), ""),
        # What is set for all is for targets: a jump host is reached through another only where its own table says so.
        jump=_jumps(
            settings, name, _set((table.jump for table in tables), "" if on_the_way else settings.jump), on_the_way
        ),
    )


def _jumps(settings: SshSettings, name: str, jump: str, on_the_way: tuple[str, ...]) -> tuple[Host, ...]:
    """Of the jump hosts named, each reached through the one before it, the first by its own jump where it has one."""
    named = [_parsed(each.strip()) for each in jump.split(",") if each.strip()]
    named = [each for each in named if each["name"].strip("[]") != name]  # a jump host for all is none for itself
    if not named:
        return ()
    first = _resolved(settings, named[0], (*on_the_way, name))
    rest = [_resolved(settings, each, (*on_the_way, name))._replace(jump=()) for each in named[1:]]
    return (*first.jump, first._replace(jump=()), *rest)


def _account(settings: SshSettings, name: str) -> str:
    return _set((table.user for table in _tables(settings, name)), settings.user) or getpass.getuser()


def _tables(settings: SshSettings, name: str) -> Iterable[HostSettings]:
    if name in settings.hosts:
        yield settings.hosts[name]
    for pattern, table in settings.hosts.items():
        if pattern != name and fnmatchcase(name, pattern):
            yield table


def _first(values: Iterable[T | None], otherwise: T) -> T:
    return next((value for value in values if value), otherwise)


def _set(values: Iterable[T | None], otherwise: T) -> T:
    return next((value for value in values if value is not None), otherwise)
