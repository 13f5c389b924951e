"""What a remediation has found out so far: small, stored after each part, so that a crash forgets nothing."""

from pydantic import BaseModel, ConfigDict


class Outcome(BaseModel):
    """How one check or command ended. `answered` is False for a check that could not be looked at (its program is
    missing, it timed out): then not even "it does not hold" is known."""

    model_config = ConfigDict(extra="forbid")

    phase: str
    name: str
    target: str = ""
    ok: bool
    answered: bool = True
    detail: str = ""
    output: str = ""


class Findings(BaseModel):
    """`failed` is the sentence that says why the fix failed; set before the rollback begins, so that a rollback that
    was begun is gone on with and never taken for a cure."""

    model_config = ConfigDict(extra="forbid")

    failed: str = ""
    outcomes: list[Outcome] = []  # in the order they were found; before-checks first

    def of(self, *phases: str) -> list[Outcome]:
        return [outcome for outcome in self.outcomes if outcome.phase in phases]
