"""What `runbook.yaml` holds (docs/reference/files.md). Times in seconds, sizes in bytes."""

from firstline.runbook.model.check import CheckDeclaration, HttpDeclaration, QueryDeclaration
from firstline.runbook.model.command import CommandDeclaration, ProgramDeclaration, UndoDeclaration
from firstline.runbook.model.runbook import (
    ChangeDeclaration,
    LimitsDeclaration,
    NoteDeclaration,
    RolloutDeclaration,
    RunbookDeclaration,
)

__all__ = [
    "ChangeDeclaration",
    "CheckDeclaration",
    "CommandDeclaration",
    "HttpDeclaration",
    "LimitsDeclaration",
    "NoteDeclaration",
    "ProgramDeclaration",
    "QueryDeclaration",
    "RolloutDeclaration",
    "RunbookDeclaration",
    "UndoDeclaration",
]
