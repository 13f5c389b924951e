"""Which targets are taken on together. Pure."""

from collections.abc import Sequence

from firstline.runbook.model import RolloutDeclaration
from firstline.runbook.plan import Rollout


def rollout(declared: RolloutDeclaration | None, targets: Sequence[str]) -> Rollout | None:
    """The batches that a declaration makes of the targets; None where it makes none."""
    if declared is None:
        return None
    return Rollout(
        batches=batches(targets, declared.canary, declared.batch),
        parallel=declared.parallel,
        failures=declared.failures,
        pause=declared.pause,
    )


def batches(targets: Sequence[str], canary: int, size: int) -> tuple[tuple[str, ...], ...]:
    """First `canary` of them, where there is to be one, then `size` at a time."""
    first, rest = targets[:canary], targets[canary:]
    cut = [rest[at : at + size] for at in range(0, len(rest), size)]
    return tuple(tuple(each) for each in ([first] if first else []) + cut)
