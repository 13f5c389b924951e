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
    inputs = _inputs(declaration)
    return Scope(inputs), Scope({**inputs, "target": "string"})


def types(declaration: RunbookDeclaration, before: int | None = None) -> dict[str, Type]:
    """Of all values that texts may be completed with when they run: inputs, `target`, and what the first `before` steps
    give; None: all of them."""
    given: dict[str, Type] = {
        f"steps.{step.id}.{name}": each.type
        for step in declaration.steps[:before]
        for name, each in step.outputs.items()
    }
    return {**_inputs(declaration), "target": "string", **given}


def _inputs(declaration: RunbookDeclaration) -> dict[str, Type]:
    return {f"inputs.{name}": each.type for name, each in declaration.inputs.items()}
