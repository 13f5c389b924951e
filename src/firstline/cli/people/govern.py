"""Acts that ask for the right to govern all packs of the hub, of who names themselves with --as."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import sqlalchemy as sa

from firstline import settings
from firstline.access import Right
from firstline.access.right import EVERY
from firstline.cli.actor import act

T = TypeVar("T")


def govern(folder: Path, named: str, do: Callable[[sa.Connection, str], T]) -> T:
    environment = settings.load(folder).hub.environment
    return act(folder, named, do, Right.GOVERN, pack=EVERY, environment=environment)
