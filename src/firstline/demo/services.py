"""The services that the demo takes down, each for another rule about what may run, and what is seen of them on the
disk."""

import json
import shlex
import sys
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from firstline.demo import control


@dataclass(frozen=True)
class Service:
    """`title` is what its fault is called on the record that tells of it."""

    name: str
    title: str


RELAY = Service("relay", "mail relay: the queue does not move")
PAYROLL = Service("payroll", "Please restart payroll, its report never ends")
ORDERS = Service("orders", "orders: nothing reaches the warehouse")
CARDS = Service("cards", "cards: no payment goes through")
SEARCH = Service("search", "search: finds nothing")
SERVICES = (RELAY, PAYROLL, ORDERS, CARDS, SEARCH)
TITLES = frozenset(service.title for service in SERVICES)
RESTARTS = "restarts"


def install(folder: Path) -> None:
    """All of them up, and the command that controls them."""
    for service in SERVICES:
        _write(folder, service, up=True, cured=True)
    command = shlex.join([sys.executable, "-I", "-S", control.__file__, str(folder)])
    script = folder / "service"
    script.write_text(f'#!/bin/sh\nexec {command} "$@"\n', encoding="utf-8")
    script.chmod(0o755)


def take_down(folder: Path, service: Service, *, cured: bool = True) -> None:
    """`cured`: a restart will help."""
    _write(folder, service, up=False, cured=cured)


def restarts(folder: Path, service: Service) -> list[datetime]:
    """When it was restarted, oldest first."""
    path = folder / RESTARTS
    lines = path.read_text(encoding="ascii").splitlines() if path.exists() else []
    found = (line.split(" ", 1) for line in lines)
    return [datetime.fromisoformat(at) for at, name in found if name == service.name]


def _write(folder: Path, service: Service, *, up: bool, cured: bool) -> None:
    (folder / f"{service.name}.json").write_text(json.dumps({"up": up, "cured": cured}) + "\n", encoding="utf-8")
