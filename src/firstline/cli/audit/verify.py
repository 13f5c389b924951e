"""`firstline audit verify`: whether anybody has edited what the ledger tells."""

from pathlib import Path
from typing import Annotated

import typer

from firstline.cli.audit.pack import verify_pack


def verify(
    pack: Annotated[Path, typer.Argument(help="A pack of `audit export`.", exists=True, dir_okay=False)],
    key: Annotated[list[str] | None, typer.Option(help="A key you trust: name+id+base64. Default: the pack's.")] = None,
) -> None:
    """Check a pack without its hub. Exits with 1 and names each file that was edited."""
    verify_pack(pack, key or ())
