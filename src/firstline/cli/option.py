"""Options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

Folder = Annotated[Path, typer.Option("--folder", "-f", help="The folder with firstline.toml.", file_okay=False)]
