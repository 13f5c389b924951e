"""What is pre-approved: a version of a runbook, by its digest, under the template of a standard change."""

from collections.abc import Mapping

import sqlalchemy as sa

from firstline.errors import Rejected
from firstline.ledger import record
from firstline.ledger.facet import bind, unbind
from firstline.runbook import Runbook
from firstline.store.database import insert_or
from firstline.store.table import PERSON, STANDARD, now


def pins(connection: sa.Connection) -> dict[tuple[str, str], str]:
    """The template, by runbook (pack and id) and digest."""
    rows = connection.execute(sa.select(STANDARD.c.runbook, STANDARD.c.digest, STANDARD.c.template))
    return {(runbook, digest): template for runbook, digest, template in rows}


def pin(connection: sa.Connection, pack: str, runbook: Runbook, by: str, template: str = "") -> str:
    """Pre-approve this version, under the template that is named, else under the one that the runbook names; gives
    it. Raises `Rejected` where the runbook asks for no standard change, or for who wrote it."""
    change = runbook.declaration.change
    if change is None or change.type != "standard":
        asks = f"a change of type {change.type}" if change else "no change: it only reads"
        raise Rejected(f"{pack}/{runbook.id} asks for {asks}; only a standard change is pre-approved")
    _four_eyes(connection, pack, runbook, by)
    chosen, key = template or change.template, f"{pack}/{runbook.id}"
    row = {"runbook": key, "digest": runbook.digest, "template": chosen, "by": by, "at": now()}
    insert_or(connection, STANDARD, [row], ["runbook", "digest"], {"template", "by", "at"})
    said = f"Pre-approved {key} {runbook.version} (digest {runbook.digest}) under {chosen}"
    bound = bind(connection, "standard", (key, runbook.digest))
    record(connection, f"runbook:{key}", "pinned", said, by=by, facts={"digest": runbook.digest}, rows=bound)
    return chosen


def unpin(connection: sa.Connection, runbook: str, by: str, digest: str = "") -> list[str]:
    """Take the pre-approval back, of the version whose digest begins so, or of all; gives the digests."""
    there = sa.delete(STANDARD).where(
        STANDARD.c.runbook == runbook, STANDARD.c.digest.startswith(digest, autoescape=True)
    )
    gone = sorted(connection.execute(there.returning(STANDARD.c.digest)).scalars())
    for each in gone:
        said = f"No longer pre-approved: {runbook} (digest {each})"
        bound = unbind("standard", (runbook, each))
        record(connection, f"runbook:{runbook}", "unpinned", said, by=by, facts={"digest": each}, rows=bound)
    return gone


def pin_all(connection: sa.Connection, runbooks: Mapping[tuple[str, str], Runbook], by: str) -> None:
    """Pre-approve each of these that asks for a standard change. By pack and id, as packs are loaded."""
    for (pack, _), runbook in runbooks.items():
        change = runbook.declaration.change
        if change is not None and change.type == "standard":
            pin(connection, pack, runbook, by)


def _four_eyes(connection: sa.Connection, pack: str, runbook: Runbook, by: str) -> None:
    """Who wrote a version, or edited it last, does not pre-approve it."""
    person = sa.select(PERSON.c.email, PERSON.c.accounts).where(PERSON.c.name == by)
    row = connection.execute(person).mappings().first()
    called = {by, row["email"], *(row["accounts"] or {}).values()} if row else {by}
    wrote = {name.casefold() for name in (*runbook.declaration.authors, *runbook.editors)}
    if not wrote.isdisjoint(name.casefold() for name in called):
        raise Rejected(f"{by} wrote {pack}/{runbook.id}, or edited it last; somebody else pre-approves it")
