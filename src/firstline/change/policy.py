"""Which type of change covers a run of a runbook."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

from firstline.runbook import Change


class Decided(BaseModel):
    """`template` is what a standard change is made from. `reason` says why the type is not the one that the runbook
    asks for; empty: it is."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    type: Literal["none", "standard", "normal", "emergency"]
    template: str = ""
    reason: str = ""


def decide(declared: Change | None, *, pinned: str | None, require_pin: bool, runbook: str, digest: str) -> Decided:
    """`declared`: what the runbook asks for; None: it only reads. `pinned`: the template under which exactly this
    version is pre-approved, or None. `runbook` (pack and id) and `digest` are for the reason."""
    if declared is None:
        return Decided(type="none")
    if declared.type != "standard":
        return Decided(type=declared.type)
    if pinned is None and require_pin:
        return Decided(type="normal", reason=_not_pinned(runbook, digest))
    return Decided(type="standard", template=pinned or declared.template)


def _not_pinned(runbook: str, digest: str) -> str:
    return (
        f"a normal change instead of a standard one: this version of {runbook} (digest {digest[:12]}) is not "
        f"pre-approved; `firstline change pin {runbook}` does that"
    )
