"""What a person may, and where. Pure: how we know who it is (`firstline.access.token`) is no matter here."""

from enum import StrEnum

from pydantic import BaseModel, ConfigDict

EVERY = "*"  # stands in a grant for all packs, or all environments


class Right(StrEnum):
    SEE = "see"  # read what happened and why, plans and output included
    RUN = "run"  # say how a runbook ended that the hub lost sight of
    APPROVE = "approve"  # let somebody else's plan go, or refuse it
    WRITE = "write"  # change mappings and runbooks, propose their promotion
    GOVERN = "govern"  # decide what may run and who may let it: people, modes, switches, connections


class Grant(BaseModel):
    """A right for a pack and an environment, each a name or `*`. `holder`: `person:ann`, or a group of hers."""

    model_config = ConfigDict(frozen=True)

    right: Right
    pack: str = EVERY
    environment: str = EVERY
    holder: str = ""

    def covers(self, pack: str | None, environment: str | None) -> bool:
        """Whether it holds there. None: anywhere at all. `*`: everywhere, which only `*` covers."""
        return _covers(self.pack, pack) and _covers(self.environment, environment)


class Person(BaseModel):
    """Somebody as they are now: what was granted to them and to their groups, and the rights that the token they came
    with is limited to (None: all)."""

    model_config = ConfigDict(frozen=True)

    name: str
    grants: tuple[Grant, ...] = ()
    limits: frozenset[Right] | None = None

    def may(self, right: Right, *, pack: str | None = None, environment: str | None = None) -> bool:
        """Whether they may, for a pack in an environment. None: anywhere at all; `*`: everywhere."""
        return any(grant.covers(pack, environment) for grant in self.granting(right))

    def granting(self, right: Right) -> tuple[Grant, ...]:
        """The grants that give them the right; none where their token is not for it."""
        if self.limits is not None and right not in self.limits:
            return ()
        return tuple(grant for grant in self.grants if grant.right == right)


def _covers(granted: str, asked: str | None) -> bool:
    return asked is None or granted in (EVERY, asked)
