"""Reads a runbook from its folder."""

from pathlib import Path

from firstline.declaration import Json, Misdeclarations, digest
from firstline.declaration import load as load_document
from firstline.runbook.editor import editors
from firstline.runbook.folder import inventory
from firstline.runbook.lint import lint
from firstline.runbook.model import RunbookDeclaration
from firstline.runbook.runbook import Runbook, scopes


def load(folder: Path) -> Runbook:
    """Read `runbook.yaml` and the inventory of its folder. Raises `Misdeclared`, or `Misdeclarations` with every fault,
    each with its `file:line:column`."""
    document = load_document(folder / "runbook.yaml")
    files = inventory(folder)
    declared = document.check(RunbookDeclaration)
    faults = list(lint(declared, document, files))
    if declared.id != folder.name:
        faults.insert(0, document.error(f"the id is {declared.id!r} but the folder {folder.name!r}", ("id",)))
    if faults:
        raise Misdeclarations(faults)
    return Runbook(declared, folder, _digest(declared, files), *scopes(declared), editors(folder))


def digest_of(folder: Path) -> str:
    """The digest of a runbook's folder, whatever the folder is called: a copy has that of its original. Raises
    `Misdeclared`."""
    declared = load_document(folder / "runbook.yaml").check(RunbookDeclaration)
    return _digest(declared, inventory(folder))


def _digest(declared: RunbookDeclaration, files: dict[str, Json]) -> str:
    return digest({"runbook": declared.model_dump(mode="json"), "files": dict(files)})
