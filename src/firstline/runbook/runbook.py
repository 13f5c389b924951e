"""A runbook as it was read from its folder."""

from dataclasses import dataclass, field
from pathlib import Path

from firstline.expression import Scope, Type
from firstline.runbook.model import RunbookDeclaration


@dataclass(frozen=True)
class Runbook:
    """`digest` covers the declaration and every file of the folder."""

    declaration: RunbookDeclaration
    folder: Path
    digest: str
    scope: Scope = field(repr=False, compare=False)
    target_scope: Scope = field(repr=False, compare=False)
    editors: tuple[str, ...] = ()  # who changed its folder last, where it is kept in git

    @property
    def id(self) -> str:
        return self.declaration.id

    @property
    def version(self) -> str:
        return self.declaration.version

    @property
    def changes(self) -> bool:
        """Whether it changes something; else it only reads."""
        return self.declaration.change is not None


def scopes(declaration: RunbookDeclaration) -> tuple[Scope, Scope]:
    """What `${{ }}` may use: the inputs; and the same with `target`, in commands and checks."""
    inputs: dict[str, Type] = {f"inputs.{name}": each.type for name, each in declaration.inputs.items()}
    return Scope(inputs), Scope({**inputs, "target": "string"})
