"""What stands around a command: programs that each limit something and then become the next; the last is its own.

    prlimit ── bwrap (or unshare) ── setpriv ── the command

Begins nothing: says what to begin, and in words what that holds and what it does not.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import firstline
from firstline.errors import Rejected
from firstline.executor import Bounds, Sandbox, Step
from firstline.executors.command.tool import Tools
from firstline.executors.process import bound
from firstline.executors.process.run_directory import RunDirectory

# What we are made of ourselves, wherever it is installed: some programs are ours, as the host of functions.
OURS = tuple(dict.fromkeys((sys.base_prefix, sys.prefix, str(Path(firstline.__path__[0]).parent))))
OWN = 2  # processes that bwrap has itself: one outside that waits, one inside that reaps

# What root keeps in a sandbox. The rest could undo it: mount, trace, load modules, make devices. To bwrap everything
# must be said, since it takes nothing from root by itself (github.com/containers/bubblewrap/issues/561).
_CAPABILITIES = ("chown", "dac_override", "fowner", "fsetid", "kill", "net_bind_service", "setgid", "setuid")

# Files by which root changes the kernel, whatever its capabilities. bwrap covers them only where a look says that they
# may be written to, and of the first it says no: proc_sys_permission in fs/proc/proc_sysctl.c speaks of each file.
_KERNEL = ("/proc/sys", "/proc/sysrq-trigger", "/proc/irq", "/proc/bus", "/proc/fs")


class Account(NamedTuple):
    """Whom a command runs as."""

    name: str
    user: int
    group: int
    home: str


class Place(NamedTuple):
    """Where a command works, and what it may not see of the machine. `hidden` exist, and no link is in their way."""

    run: RunDirectory
    directory: Path
    hidden: tuple[Path, ...]


class Confined(NamedTuple):
    """Arguments to put before the program, and in words what holds it. `beside`: processes that are not its own."""

    arguments: tuple[str, ...]
    surroundings: str
    beside: int = 0


def confine(step: Step, place: Place, tools: Tools, account: Account | None, sandbox: Sandbox | None) -> Confined:
    """`sandbox` None: as it is. Raises `Rejected` when the machine lacks what it takes."""
    limited = _limited(step.bounds, tools)
    held = _held(step, place, tools, sandbox) if sandbox else Confined((), "")
    become = _become(tools, account, bare=bool(sandbox and not tools.bwrap))
    words = (held.surroundings, f"as {account.name}" if account else "", bounds_in_words(step.bounds))
    arguments = (*limited, *held.arguments, *become)
    return Confined(arguments, "; ".join(each for each in words if each), held.beside)


def bounds_of(bounds: Bounds, beside: int) -> bound.Bounds:
    """As a supervisor is told."""
    told: bound.Bounds = {}
    told.update(bounds.model_dump(exclude_none=True))  # type: ignore[typeddict-item]
    if bounds.processes:
        told["beside"] = beside
    return told


def bounds_in_words(bounds: Bounds) -> str:
    words = (
        bounds.cpu and f"{bounds.cpu:g} s of processor time",
        bounds.memory and f"{bounds.memory} bytes of memory",
        bounds.processes and f"{bounds.processes} processes",
        bounds.file_size and f"{bounds.file_size} bytes a file",
    )
    known = [each for each in words if each]
    return f"at most {', '.join(known)}" if known else ""


def _limited(bounds: Bounds, tools: Tools) -> tuple[str, ...]:
    limits = bound.limits(bounds_of(bounds, 0))
    if limits and not tools.prlimit:
        raise Rejected("the step's bounds can't be held: prlimit is not installed (Debian's util-linux)")
    return (tools.prlimit, *limits, "--") if limits else ()


def _become(tools: Tools, account: Account | None, *, bare: bool) -> tuple[str, ...]:
    """Another user, for ever; `bare`: with less power, where no bwrap takes it."""
    if account and not tools.setpriv:
        raise Rejected("a command can't run as another user: setpriv is not installed (Debian's util-linux)")
    if not account and not (bare and tools.setpriv):
        return ()
    who = (f"--reuid={account.user}", f"--regid={account.group}", "--init-groups") if account else ()
    kept = ",".join(("-all", *(f"+{name}" for name in _CAPABILITIES)))
    less = (f"--bounding-set={kept}", "--inh-caps=-all") if bare and tools.root else ()
    return (tools.setpriv, "--no-new-privs", *who, *less, "--")


def _twice(path: Path) -> tuple[str, str]:
    """Itself, at its own place."""
    real = str(path.resolve())
    return real, real


def _held(step: Step, place: Place, tools: Tools, sandbox: Sandbox) -> Confined:
    if tools.bwrap:
        words = f"bwrap: {'network' if sandbox.network else 'no network'}, {_writes_in_words(sandbox)}"
        return Confined((tools.bwrap, *_walls(step, place, sandbox, root=tools.root), "--"), words, OWN)
    alone = not sandbox.network and bool(tools.unshare)
    held = [*(["unshare: no network"] if alone else []), *(["setpriv: no new privileges"] if tools.setpriv else [])]
    free = ["where it writes", "what it sees", *([] if alone or sandbox.network else ["the network"])]
    words = "; ".join((*held, f"not held: {', '.join(free)} ({tools.without})"))
    return Confined((*tools.unshare, "--") if alone else (), words)


def _writes_in_words(sandbox: Sandbox) -> str:
    return f"writes to {', '.join(sandbox.writes)}" if sandbox.writes else "writes to its own directory"


def _walls(step: Step, place: Place, sandbox: Sandbox, *, root: bool) -> Iterator[str]:
    """bwrap's arguments, bwrap(1): later ones lie over earlier ones, and no link may lead to where they lie. Sockets of
    services stand in /run, so who has no network has none of it. Nothing dies with the hub (--die-with-parent): the
    run outlives it."""
    run = place.run
    yield from ("--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc")
    for kernel in _KERNEL:
        yield from ("--ro-bind-try", kernel, kernel)
    for shared in ("/tmp", "/var/tmp"):  # noqa: S108 - its own there
        yield from ("--bind", str(run.tmp), shared)
    empty = [str(path) for path in place.hidden if path.is_dir()]
    empty += [str(run.path.parent)] + ([] if sandbox.network else ["/run"])
    for path in empty:
        yield from ("--tmpfs", path)
    for file in place.hidden:
        if not file.is_dir():
            yield from ("--ro-bind", "/dev/null", str(file))
    yield from ("--dir", str(run.path))  # what only leads to others would be closed to another account
    for readable in filter(None, (*OURS, step.folder, step.directory)):
        yield from ("--ro-bind", *_twice(Path(readable)))
    for writable in (run.work, run.outputs.parent, *map(Path, sandbox.writes)):
        yield from ("--bind", *_twice(writable))
    for path in empty:
        yield from ("--remount-ro", path)
    yield from ("--unshare-pid", "--unshare-ipc", *(() if sandbox.network else ("--unshare-net",)))
    yield from ("--cap-drop", "ALL")
    for name in _CAPABILITIES if root else ():
        yield from ("--cap-add", f"CAP_{name.upper()}")
    yield from ("--chdir", str(place.directory))
