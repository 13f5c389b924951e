"""Kill switches: thrown and lifted by people, looked at before anything begins."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from firstline.access import Person, Right
from firstline.access.right import EVERY
from firstline.errors import Rejected
from firstline.guard import Hold
from firstline.guard.subject import fold, folded
from firstline.guard.switch import REMEDIATION as NAMED
from firstline.guard.switch import Switch, holds, scope
from firstline.ledger import record
from firstline.ledger.facet import bind, unbind
from firstline.remediation.hold.held import wake_held
from firstline.store.database import insert
from firstline.store.table import REMEDIATION, SWITCH, SwitchRow

_SWITCH = 0x6669727374  # PostgreSQL's advisory lock
_THROWN = sa.select(SWITCH).order_by(SWITCH.c.at, SWITCH.c.scope)
_NOTHING = sa.delete(SWITCH).where(sa.false())


def throw(connection: sa.Connection, text: str, by: str, reason: str) -> str:
    """Stop everything of a scope: `all`, `connection:x`, `runbook:pack/id`, `service:x`, `environment:x`,
    `remediation:ID`. Gives the scope as it is kept. When the transaction is over, nothing of it begins any more; what
    runs of a remediation that is named is ended. Raises `Rejected`."""
    named, why = scope(text), _reason(reason)
    _writing(connection)
    known = {each.scope: each for each in thrown(connection)}.get(named)
    if known is not None:
        raise Rejected(f"{named} is thrown already, by {known.by}: {known.reason}")
    _stoppable(connection, named)
    insert(connection, SwitchRow(scope=named, by=by, reason=why))
    record(connection, f"switch:{named}", "thrown", why, by=by, rows=bind(connection, "switch", named))
    return named


def lift(connection: sa.Connection, text: str, by: str, reason: str) -> str:
    """Let a scope go on; what is held is looked at again now. Also one that nobody understands can be lifted, by the
    words it is kept in. Raises `Rejected`."""
    named, why = text.strip(), _reason(reason)
    _writing(connection)
    there = {each.scope for each in thrown(connection)}
    named = named if named in there else scope(named)
    if named not in there:
        raise Rejected(f"{named} is not thrown; `firstline guard list` shows what is")
    connection.execute(sa.delete(SWITCH).where(SWITCH.c.scope == named))
    record(connection, f"switch:{named}", "lifted", why, by=by, rows=unbind("switch", named))
    wake_held(connection, "switch")
    return named


def release(connection: sa.Connection, remediation_id: str) -> None:
    """Take a remediation's own switch away: it has ended, nothing of it is left to stop."""
    scope_of = f"{NAMED}:{folded(remediation_id)}"
    for each in thrown(connection):
        if folded(each.scope) == scope_of:
            connection.execute(sa.delete(SWITCH).where(SWITCH.c.scope == each.scope))
            record(connection, f"switch:{each.scope}", "lifted", "it has ended", rows=unbind("switch", each.scope))


def may(connection: sa.Connection, person: Person, text: str, environment: str) -> bool:
    """Whether a person may throw and lift it: a runbook's or a remediation's who governs its pack, all others who
    governs every pack."""
    return person.may(Right.GOVERN, pack=_pack(connection, text), environment=environment)


def is_stopped(connection: sa.Connection, remediation_id: str) -> str:
    """Why what runs of a remediation is to be ended; empty: it is not."""
    scope_of = f"{NAMED}:{folded(remediation_id)}"
    found = [each for each in thrown(connection) if folded(each.scope) == scope_of]
    return f"stopped by {found[0].by}: {found[0].reason}" if found else ""


def _stoppable(connection: sa.Connection, named: str) -> None:
    """A mistyped id would stop nothing, and whoever threw it would believe that it did."""
    kind, _, name = named.partition(":")
    if kind == NAMED:
        stage = connection.scalar(sa.select(REMEDIATION.c.stage).where(REMEDIATION.c.id == name.strip()))
        if stage is None or stage == "ended":
            raise Rejected(f"{named}: {'there is none with this id' if stage is None else 'it has ended'}")


def _pack(connection: sa.Connection, text: str) -> str:
    kind, _, name = folded(text).partition(":")
    if kind == "runbook":
        return name.partition("/")[0].strip()
    if kind == NAMED:
        return connection.scalar(sa.select(REMEDIATION.c.pack).where(REMEDIATION.c.id == name.strip())) or EVERY
    return EVERY


def thrown(connection: sa.Connection) -> list[Switch]:
    return [Switch(row.scope, row.by, row.reason, row.at) for row in connection.execute(_THROWN)]


def switched(connection: sa.Connection, row: Mapping[str, Any]) -> Hold | None:
    """What stops a remediation (its row, whole) now. Asked in the transaction that writes down that a step begins: one
    that began before a switch was thrown is told as begun, and none begins after."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock_shared(_SWITCH)))
    else:
        _writes(connection)
    found = holds(thrown(connection), scopes(row))
    return found[0] if found else None


def scopes(row: Mapping[str, Any]) -> frozenset[str]:
    """The switches that stop it, but for `all`."""
    plan, incident = row["plan"], row["incident"]
    services = fold((row["service"], plan["service"], incident["service"], incident["ci"]))
    connections = fold((row["connection"], plan["change_register"]))
    environments, runbooks = fold((row["environment"],)), fold((row["runbook"],))
    kinds = {"connection": connections, "runbook": runbooks, "service": services, "environment": environments}
    kinds[NAMED] = fold((row["id"],))
    return frozenset(f"{kind}:{name}" for kind, names in kinds.items() for name in names)


def _writing(connection: sa.Connection) -> None:
    """Wait for those who have looked and not yet written down that they begin; who looks later sees what is done
    here."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_SWITCH)))
    else:
        _writes(connection)


def _writes(connection: sa.Connection) -> None:
    """A write of nothing: with it the driver begins the transaction, and SQLite has one writer."""
    connection.execute(_NOTHING)


def _reason(text: str) -> str:
    if not text.strip():
        raise Rejected("a kill switch is thrown and lifted with a reason")
    return text.strip()
