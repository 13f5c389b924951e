"""Options that several commands share."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

Folder = Annotated[Path, typer.Option("--folder", "-f", help="The folder with firstline.toml.", file_okay=False)]


def moment(text: str, option: str) -> datetime:
    """A time as people give it; without a zone it is UTC."""
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no time; write 2026-11-22T14:00Z", param_hint=option) from None
    return read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)
