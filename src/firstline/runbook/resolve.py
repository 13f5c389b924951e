"""Resolves a runbook for one incident. Everything it can't resolve is an error: an unknown value, an empty set of
targets and a malformed address never come to mean "all", "none" or "as it is"."""

from collections.abc import Mapping, Sequence

from firstline.declaration import Json
from firstline.expression import Bindings, Template
from firstline.runbook.batch import rollout
from firstline.runbook.input import validate
from firstline.runbook.part import Parts
from firstline.runbook.plan import Change, Check, Limits, PublicNote, ResolvedRunbook, Rollout
from firstline.runbook.runbook import Runbook, types
from firstline.runbook.target import choose, group_of, targets_of


def resolve(runbook: Runbook, inputs: Mapping[str, Json], *, targets: Sequence[str] | None = None) -> ResolvedRunbook:
    """Resolve for `inputs`; for some of its targets only, where `targets` names them. Raises `Rejected`, in words."""
    declared = runbook.declaration
    values = validate(declared.inputs, inputs)
    variables: dict[str, Json] = {f"inputs.{name}": value for name, value in values.items()}
    bindings = runbook.scope.bind(variables)
    chosen = choose(targets_of(runbook, bindings), targets)
    group = group_of(runbook, bindings, chosen)
    goes = rollout(declared.rollout, chosen)
    parts = Parts(runbook, variables, (goes or Rollout(batches=(chosen,))).batches)
    return ResolvedRunbook(
        id=declared.id,
        version=declared.version,
        owner=declared.owner,
        authors=declared.authors,
        review=declared.review,
        title=declared.title,
        description=declared.description,
        runbook_digest=runbook.digest,
        inputs=values,
        targets=chosen,
        group=group,
        healthy=_healthy(runbook, variables, tuple(each for each in group if each not in chosen)),
        change=_change(runbook, bindings, chosen),
        limits=Limits.model_validate(declared.limits.model_dump()),
        note=PublicNote(public=declared.note.public, text=Template(runbook.scope, declared.note.text).text(bindings)),
        rollout=goes,
        types=types(declared),
        before=parts.checks(declared.before),
        steps=parts.steps,
        after=parts.checks(declared.after),
        rollback=parts.rollback,
        diagnose=parts.commands(declared.diagnose),
    )


def _healthy(runbook: Runbook, variables: Mapping[str, Json], peers: tuple[str, ...]) -> tuple[Check, ...]:
    return Parts(runbook, variables, (peers,)).checks(runbook.declaration.healthy) if peers else ()


def _change(runbook: Runbook, bindings: Bindings, targets: tuple[str, ...]) -> Change | None:
    declared = runbook.declaration.change
    if declared is None:
        return None

    def text(source: str) -> str:
        return Template(runbook.scope, source).text(bindings)

    return Change(
        type=declared.type,
        template=text(declared.template),
        ci=text(declared.ci) or (targets[0] if len(targets) == 1 else ""),
        risk=text(declared.risk),
        level=declared.level,
        backout=text(declared.backout),
        window=declared.window,
    )
