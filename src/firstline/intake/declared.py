"""The users' files as the hub has them: loaded whole, or the last good ones kept."""

from pathlib import Path

import structlog

from firstline.declaration import Misdeclarations
from firstline.errors import Misdeclared
from firstline.intake.decide import Declarations
from firstline.mapping import Matcher, load_packs
from firstline.remediation.shelf import keep

log = structlog.get_logger()


class Declared:
    """Loads packs from a folder, and again when they change."""

    def __init__(self, folder: Path, shelf: Path) -> None:
        self._folder = folder
        self._shelf = shelf
        self._seen: dict[str, tuple[int, int]] = {}
        self.errors: tuple[Misdeclared, ...] = ()

    def load(self) -> Declarations:
        """Load all packs and put their runbooks on the shelf. Raises `Misdeclarations` with every mistake."""
        self._seen = self._look()
        packs = load_packs(self._folder)
        self.errors = tuple(packs.errors)
        if self.errors:
            raise Misdeclarations(self.errors)
        for runbook in packs.runbooks.values():
            keep(self._shelf, runbook.digest, runbook.folder)
        return Declarations(Matcher(packs.mappings), packs.runbooks)

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

    def _look(self) -> dict[str, tuple[int, int]]:
        """Size and time of each file: cheap, and enough to see that somebody saved one."""
        files = (path for path in sorted(self._folder.rglob("*")) if path.is_file())
        return {str(path): (stat.st_mtime_ns, stat.st_size) for path in files if (stat := path.stat())}
