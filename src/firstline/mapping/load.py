"""Reads packs: mappings, runbooks, and every fault in them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from firstline.declaration import Document, load
from firstline.declaration.error import each
from firstline.errors import Misdeclared, Rejected
from firstline.mapping.compile import CompiledMapping, Compiler
from firstline.mapping.model import MappingDeclaration, MappingFile, is_name
from firstline.runbook import Runbook
from firstline.runbook import load as load_runbook
from firstline.runbook.folder import counts


@dataclass
class Packs:
    """All packs of a folder. `mappings` stand in the order they are tried, without those that have errors."""

    folder: Path
    names: list[str] = field(default_factory=list)
    mappings: list[CompiledMapping] = field(default_factory=list)
    runbooks: dict[tuple[str, str], Runbook] = field(default_factory=dict)
    errors: list[Misdeclared] = field(default_factory=list)

    def runbook(self, pack: str, id: str) -> Runbook:  # noqa: A002 - its name in the file
        """Raises `Rejected` when there is no such runbook."""
        if (pack, id) not in self.runbooks:
            raise Rejected(f"no runbook {id!r} in the pack {pack!r}")
        return self.runbooks[pack, id]


def load_packs(folder: Path) -> Packs:
    """Read every pack in `folder`. Faults are collected in `errors`; only a folder that is not there raises
    `Misdeclared`."""
    if not folder.is_dir():
        raise Misdeclared("there is no such folder", place=f"{folder}:1:1")
    packs = Packs(folder)
    for path in _folders(folder):
        packs.names.append(path.name)
        _load_pack(packs, path)
    return packs


def _load_pack(packs: Packs, folder: Path) -> None:
    if not is_name(folder.name):
        packs.errors.append(Misdeclared("a pack's name is small letters, digits and dashes", place=f"{folder}:1:1"))
    broken = _load_runbooks(packs, folder)
    try:
        document = load(folder / "mapping.yaml")
        declared = document.check(MappingFile).mappings
    except Misdeclared as error:
        packs.errors += each(error)
        return
    repeated = _repeated(declared, document)
    packs.errors += repeated.values()
    compiler = Compiler(folder.name, document)
    for number, mapping in enumerate(declared):
        runbook = packs.runbooks.get((folder.name, mapping.runbook))
        if runbook is not None and number not in repeated:
            compiled = compiler.compile(number, mapping, runbook)
            packs.mappings += [compiled] if compiled else []
        elif runbook is None and mapping.runbook not in broken:
            packs.errors.append(document.error(_no_runbook(packs, folder, mapping), ("mappings", number, "runbook")))
    packs.errors += compiler.errors


def _no_runbook(packs: Packs, folder: Path, mapping: MappingDeclaration) -> str:
    there = ", ".join(name for pack, name in packs.runbooks if pack == folder.name)
    return f"no runbook {mapping.runbook!r} in {folder / 'runbooks'}; there: {there or 'none'}"


def _load_runbooks(packs: Packs, folder: Path) -> set[str]:
    """Gives the names of those that have errors."""
    broken: set[str] = set()
    if not (folder / "runbooks").is_dir():
        return broken
    for path in _folders(folder / "runbooks"):
        try:
            packs.runbooks[folder.name, path.name] = load_runbook(path)
        except Misdeclared as error:
            packs.errors += each(error)
            broken.add(path.name)
    return broken


def _repeated(declared: Sequence[MappingDeclaration], document: Document) -> dict[int, Misdeclared]:
    """The mappings whose id an earlier one has, by their number."""
    first: dict[str, int] = {}
    found: dict[int, Misdeclared] = {}
    for number, mapping in enumerate(declared):
        if mapping.id in first:
            where = document.place(("mappings", first[mapping.id], "id"))
            found[number] = document.error(f"the id {mapping.id!r} is taken, at {where}", ("mappings", number, "id"))
        first.setdefault(mapping.id, number)
    return found


def _folders(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_dir() and counts(path.name))
