"""What the commands about one connection share: the connection as the settings name it, with its secrets."""

import logging
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from firstline import registry, settings
from firstline.cli import logs
from firstline.connector import Connector
from firstline.errors import Misdeclared
from firstline.masking import Masker
from firstline.settings import FILE, Settings

Name = Annotated[str, typer.Argument(help="The connection, as firstline.toml names it.", metavar="CONNECTION")]


def chosen(folder: Path, name: str = "") -> tuple[Settings, list[str]]:
    """The settings, and the connections meant: the one named, or all."""
    found = settings.load(folder)
    logs.configure(Masker(found.known_secrets), sys.stderr, logging.WARNING)  # what is printed is for scripts
    if name and name not in found.connections:
        known = ", ".join(found.connections) or "none"
        raise Misdeclared(f"there is no connection {name!r}; there are: {known}", place=str(folder / FILE))
    return found, [name] if name else list(found.connections)


@asynccontextmanager
async def opened(found: Settings, name: str) -> AsyncIterator[Connector[Any]]:
    """A connection's connector, closed at the end."""
    table = found.connections[name]
    kind = registry.connector(table["connector"])
    connector = kind(name, found.typed(kind.settings_model, table, f"connections.{name}"))
    try:
        yield connector
    finally:
        await connector.aclose()
