"""The folder the demo lives in: emptied at each start, filled from the template that is shipped beside this module."""

import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path

from firstline.demo.process import sweep
from firstline.errors import Misdeclared

MARKER = "made-by-firstline-demo"
TEMPLATE_FOLDERS = {"/srv/shop": "shop", "/srv/desk": "desk", "/srv/services": "services"}


@dataclass(frozen=True)
class Place:
    """Where everything is, below one absolute path."""

    root: Path

    @property
    def hub(self) -> Path:
        return self.root / "hub"

    @property
    def shop(self) -> Path:
        return self.root / "shop"

    @property
    def desk(self) -> Path:
        return self.root / "desk"

    @property
    def services(self) -> Path:
        return self.root / "services"

    @property
    def freeze(self) -> Path:
        """The calendar with the freeze."""
        return self.hub / "calendars" / "freeze.ics"

    @property
    def logs(self) -> Path:
        return self.root / "logs"


@contextmanager
def held(root: Path) -> Iterator[Place]:
    """The folder, empty, and ours alone while the block lasts. `Misdeclared` when it holds what no demo made, or when
    another demo has it now. Processes that an earlier demo left there are ended."""
    root = root.absolute()
    root.mkdir(parents=True, exist_ok=True)
    if not (root / MARKER).is_file() and any(root.iterdir()):
        raise Misdeclared(f"{root} is not the demo's: it holds something else. Move it, or name another folder")
    lock = os.open(root, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        raise Misdeclared(f"another demo is running in {root}: stop it first, or name another folder") from None
    try:
        sweep(root)
        yield _emptied(Place(root))
    finally:
        os.close(lock)


def _emptied(place: Place) -> Place:
    (place.root / MARKER).write_text("The next `firstline demo` empties this folder.\n", encoding="utf-8")
    for entry in place.root.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        elif entry.name != MARKER:
            entry.unlink()
    for folder in (place.shop, place.desk, place.services, place.logs):
        folder.mkdir()
    return place


def render(place: Place, ports: dict[int, int]) -> None:
    """Copy the template of the hub's folder, with its ports and paths replaced by those of this run."""
    changes = {str(old): str(new) for old, new in ports.items()}
    # As in JSON, which is how YAML and TOML read what stands in double quotes.
    changes |= {old: json.dumps(str(place.root / new))[1:-1] for old, new in TEMPLATE_FOLDERS.items()}
    with as_file(files("firstline.demo") / "folder") as template:
        shutil.copytree(template, place.hub, ignore=shutil.ignore_patterns("__pycache__"))
    for path in place.hub.rglob("*"):
        if path.is_file():
            _rewrite(path, changes if path.suffix in (".toml", ".yaml") else {})


def _rewrite(path: Path, changes: dict[str, str]) -> None:
    text = path.read_text(encoding="utf-8")
    for old, new in changes.items():
        text = text.replace(old, new)
    path.write_text(text, encoding="utf-8")
    # An archive may have lost the bit that makes a script executable.
    path.chmod(0o755 if text.startswith("#!") else 0o644)
