"""The users' files as the hub has them: loaded whole, or the last good ones kept."""

import shutil
from pathlib import Path

import structlog

from firstline.declaration import Misdeclarations
from firstline.errors import Misdeclared
from firstline.intake.decide import Declarations
from firstline.mapping import Matcher, Packs, load_packs
from firstline.remediation.run.shelf import keep
from firstline.store import new_id

log = structlog.get_logger()


CURRENT = "current"
KEPT = 3  # copies: another process may be reading the one before


class Declared:
    """Loads packs from a folder, and again when they change."""

    def __init__(self, folder: Path, state: Path) -> None:
        """`state` is where the hub keeps what it remembers: runbooks on the shelf, and the last packs without a
        mistake."""
        self._folder = folder
        self._shelf = state / "shelf"
        self._good = state / "last-good"
        self._seen: dict[str, tuple[int, int]] = {}
        self.errors: tuple[Misdeclared, ...] = ()

    def start(self) -> Declarations:
        """Load at the hub's start. With a mistake in the files it starts on the last good ones, if it ever had some:
        a hub that was killed while somebody edited must come up again. Else raises `Misdeclarations`."""
        try:
            return self.load()
        except Misdeclared as error:
            if not (self._good / CURRENT).is_dir():
                raise
            log.error("mappings.started_on_last_good", reason=str(error))  # noqa: TRY400 - a user's mistake, no trace
            return _compiled(load_packs(self._good / CURRENT), self._shelf)

    def load(self) -> Declarations:
        """Load all packs and put their runbooks on the shelf. Raises `Misdeclarations` with every mistake."""
        self._seen = self._look()
        packs = load_packs(self._folder)
        self.errors = tuple(packs.errors)
        loaded = _compiled(packs, self._shelf)
        self._keep_good()
        return loaded

    def reload(self) -> Declarations | None:
        """Load again if a file changed. None when nothing did, or when there is a mistake: then it is logged, shown,
        and looked at again after the next change."""
        if self._look() == self._seen:
            return None
        try:
            fresh = self.load()
        except Misdeclared as error:
            log.warning("mappings.kept_last_good", reason=str(error))
            return None
        log.info("mappings.reloaded", mappings=len(fresh.matcher.mappings))
        return fresh

    def _keep_good(self) -> None:
        """Keep a copy of the files; the link is moved to it at once, so that a kill leaves the old or the new one."""
        copy = self._good / new_id()
        shutil.copytree(self._folder, copy)
        link = self._good / f".{copy.name}"
        link.symlink_to(copy.name)
        link.replace(self._good / CURRENT)
        copies = sorted(path for path in self._good.iterdir() if path.is_dir() and not path.is_symlink())
        for old in copies[:-KEPT]:
            shutil.rmtree(old, ignore_errors=True)

    def _look(self) -> dict[str, tuple[int, int]]:
        """Size and time of each file: cheap, and enough to see that somebody saved one."""
        files = (path for path in sorted(self._folder.rglob("*")) if path.is_file())
        return {str(path): (stat.st_mtime_ns, stat.st_size) for path in files if (stat := path.stat())}


def _compiled(packs: Packs, shelf: Path) -> Declarations:
    if packs.errors:
        raise Misdeclarations(packs.errors)
    for runbook in packs.runbooks.values():
        keep(shelf, runbook.digest, runbook.folder)
    return Declarations(Matcher(packs.mappings), packs.runbooks)
