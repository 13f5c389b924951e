"""Whoever edits the database or the files of the ledger is found, and what was edited is named.

One ledger for all: each test changes it in a transaction, verifies in the same, and takes the change back."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import orjson
import pytest
import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlmodel import SQLModel
from tests.conftest import empty_database

from firstline.ledger import entry, record
from firstline.ledger.checkpoint import Signer, Verifier, read
from firstline.ledger.facet import FACETS, Facet, bind, bind_new
from firstline.ledger.frontier import WIDTH, Frontier
from firstline.ledger.sequence import sequence
from firstline.ledger.tile import keep
from firstline.ledger.tree import leaf_hash
from firstline.ledger.verify import Verdict, verify
from firstline.store import Database, column
from firstline.store.database import insert
from firstline.store.table import CHECKPOINT, LEDGER, TILE, LedgerRow

SIGNER = Signer("hub.example.com/ledger", Ed25519PrivateKey.from_private_bytes(bytes(32)))
THIEF = Signer(SIGNER.name, Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)

Act = Callable[[sa.Connection], Any]
Kept = list[tuple[object, str]]


@dataclass
class Sealed:
    """A ledger of some 600 entries: two whole tiles, several checkpoints, and rows of every table that is bound."""

    database: Database
    notes: list[str]
    rows: int

    @contextmanager
    def changed(self, *acts: Act) -> Iterator[sa.Connection]:
        with self.database.engine.connect() as connection:
            for act in acts:
                act(connection)
            yield connection
            connection.rollback()

    def verdict(self, *acts: Act, kept: Kept | None = None, verifier: Verifier = SIGNER.verifier) -> Verdict:
        """Of the ledger after these changes. `kept`: notes from outside; default: those of the ledger's folder."""
        outside = [("state/ledger/checkpoints", note) for note in self.notes] if kept is None else kept
        with self.changed(*acts) as connection:
            return verify(connection, [verifier], outside)

    def findings(self, *acts: Act, kept: Kept | None = None) -> list[str]:
        return list(map(str, self.verdict(*acts, kept=kept).findings.told))


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def sealed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sealed]:
    database = Database(empty_database(request, tmp_path_factory.mktemp("sealed")))
    database.create()
    rows = sum(database.write_now(partial(bound_rows, facets=each)) for each in tables())
    frontier = Frontier()
    for batch in (100, 200, 300):
        told = [entry("test", "told", f"entry {number}") for number in range(batch)]
        database.write_now(partial(enter, entries=told))
        frontier = database.write_now(partial(sequence, signer=SIGNER, known=frontier))
    notes = database.read_now(lambda c: c.execute(sa.select(CHECKPOINT.c.note).order_by(CHECKPOINT.c.size)))
    yield Sealed(database, list(notes.scalars()), rows)
    database.close()


def enter(connection: sa.Connection, entries: list[LedgerRow]) -> None:
    insert(connection, *entries)


def tables() -> list[list[Facet]]:
    """The facets of each table."""
    found: dict[str, list[Facet]] = {}
    for facet in FACETS.values():
        found.setdefault(facet.table.name, []).append(facet)
    return list(found.values())


def bound_rows(connection: sa.Connection, facets: list[Facet]) -> int:
    """As many rows of a table as it has columns, each bound by each facet; gives how often."""
    table = facets[0].table
    rows = [made(table, number) for number in range(len(table.columns))]
    connection.execute(sa.insert(table), rows)
    for facet in facets:
        labels = bind(connection, facet.name, *(key_of(facet, row) for row in rows))
        record(connection, "test", "made", facet.name, rows=labels)
    return len(rows) * len(facets)


def key_of(facet: Facet, row: dict[str, Any]) -> Any:
    return tuple(row[name] for name in facet.key) if len(facet.key) > 1 else row[facet.key[0]]


def made(table: sa.Table, number: int) -> dict[str, Any]:
    return {each.name: value(each, number) for each in table.columns}


def value(of: sa.Column[Any], number: int) -> Any:
    """Something that fits the column; rows are settled, so that they must be bound."""
    if of.name == "state" and of.table.name == "fl_write_back":
        return "done"
    if isinstance(of.type, column.Moment):
        return NOON + timedelta(minutes=number)
    if isinstance(of.type, sa.Boolean):
        return False
    if isinstance(of.type, sa.Integer | sa.BigInteger):
        return number
    if isinstance(of.type, sa.Float):
        return number + 0.5
    return number.to_bytes(8) if isinstance(of.type, sa.LargeBinary) else f"{of.name}-{number}"


def other(of: sa.Column[Any], number: int) -> Any:
    """Another value than `value`, that keeps the row as settled as it is."""
    if of.name == "state" and of.table.name == "fl_write_back":
        return "parked"
    return True if isinstance(of.type, sa.Boolean) else value(of, number + 30)


def at(position: int) -> sa.ColumnElement[bool]:
    return LEDGER.c.position == position


def edit(place: int, /, **values: Any) -> Act:
    return lambda connection: connection.execute(sa.update(LEDGER).where(at(place)).values(**values))


def forge(position: int, *, hashed: bool = False) -> Act:
    """Another text for an entry; `hashed`: and its hash."""

    def act(connection: sa.Connection) -> None:
        text = connection.execute(sa.select(LEDGER.c.entry).where(at(position))).scalar_one()
        forged = {**orjson.loads(text), "text": "nothing happened"}
        connection.execute(sa.update(LEDGER).where(at(position)).values(entry=forged))
        if hashed:
            stored = connection.execute(sa.select(LEDGER.c.entry).where(at(position))).scalar_one()
            edit(position, hash=leaf_hash(stored.encode()))(connection)

    return act


def cut(position: int) -> Act:
    return lambda connection: connection.execute(sa.delete(LEDGER).where(LEDGER.c.position >= position))


def swap(first: int, second: int, *names: str) -> Act:
    """Exchange columns of two entries."""

    def act(connection: sa.Connection) -> None:
        columns = [LEDGER.c[name] for name in ("id", *names)]
        rows = [connection.execute(sa.select(*columns).where(at(place))).mappings().one() for place in (first, second)]
        for row, from_ in zip(rows, reversed(rows), strict=True):
            values = {name: from_[name] for name in names}
            connection.execute(sa.update(LEDGER).where(LEDGER.c.id == row["id"]).values(values))

    return act


def put_in(position: int) -> Act:
    def act(connection: sa.Connection) -> None:
        row = entry("test", "approved", "by nobody")
        insert(connection, row)
        connection.execute(sa.update(LEDGER).where(LEDGER.c.id == row.id).values(position=position, hash=bytes(32)))

    return act


def drop(position: int) -> Act:
    return lambda connection: connection.execute(sa.delete(LEDGER).where(at(position)))


def tile(statement: Any) -> Act:
    return lambda connection: connection.execute(statement)


def rehash_tile(number: int) -> Act:
    """Make a tile anew of the hashes that stand with the entries."""

    def act(connection: sa.Connection) -> None:
        within = LEDGER.c.position.between(number * WIDTH, (number + 1) * WIDTH - 1)
        hashes = connection.execute(sa.select(LEDGER.c.hash).where(within).order_by(LEDGER.c.position)).scalars()
        connection.execute(sa.update(TILE).where(TILE.c.number == number).values(hashes=b"".join(map(bytes, hashes))))

    return act


def rebuild(signer: Signer) -> Act:
    """Hash and sign everything anew, as one who has the key would: with the same sizes."""

    def act(connection: sa.Connection) -> None:
        texts = connection.execute(sa.select(LEDGER.c.position, LEDGER.c.entry).order_by(LEDGER.c.position)).all()
        sizes = set(connection.execute(sa.select(CHECKPOINT.c.size)).scalars())
        connection.execute(sa.delete(TILE))
        frontier = Frontier()
        for position, text in texts:
            edit(position, hash=leaf_hash(text.encode()))(connection)
            keep(connection, frontier.append(leaf_hash(text.encode())))
            if frontier.size in sizes:
                note = signer.sign(frontier.size, frontier.root)
                connection.execute(sa.update(CHECKPOINT).where(CHECKPOINT.c.size == frontier.size).values(note=note))

    return act


def resign(connection: sa.Connection) -> None:
    for size, note in connection.execute(sa.select(CHECKPOINT.c.size, CHECKPOINT.c.note)).all():
        signed = THIEF.sign(size, read(note).root)
        connection.execute(sa.update(CHECKPOINT).where(CHECKPOINT.c.size == size).values(note=signed))


def last(statement: Callable[[sa.ColumnElement[bool]], Any]) -> Act:
    """Change the last checkpoint of the table."""
    top = sa.select(sa.func.max(CHECKPOINT.c.size)).scalar_subquery()
    return lambda connection: connection.execute(statement(CHECKPOINT.c.size == top))


def test_a_ledger_nobody_has_touched_is_intact(sealed: Sealed) -> None:
    verdict = sealed.verdict()
    assert (verdict.findings.count, verdict.findings.told) == (0, [])
    assert (verdict.entries, verdict.waiting, verdict.rows) == (600 + len(FACETS), 0, sealed.rows)
    assert verdict.checkpoints == 3


def test_what_has_no_place_yet_is_counted_and_is_no_finding(sealed: Sealed) -> None:
    verdict = sealed.verdict(lambda connection: record(connection, "test", "told", "just now"))
    assert (verdict.findings.count, verdict.waiting) == (0, 1)


REMOVE_TILE = sa.delete(TILE).where(TILE.c.number == 1)
EDIT_TILE = sa.update(TILE).where(TILE.c.number == 1).values(hashes=bytes(WIDTH * 32))
PUT_TILE = sa.insert(TILE).values(level=0, number=2, hashes=bytes(WIDTH * 32))


@pytest.mark.parametrize(
    ("acts", "named"),
    [
        pytest.param([forge(300)], "was edited: entry 300 ", id="the text of an entry"),
        pytest.param([forge(300, hashed=True)], "entry 300: one of the two", id="text and hash of an entry"),
        pytest.param([forge(300, hashed=True), rehash_tile(1)], "from entry 119 on", id="text, hash and tile"),
        pytest.param([forge(610, hashed=True)], "from entry 319 on", id="text and hash of an entry in no tile yet"),
        pytest.param([edit(300, hash=bytes(32))], "was edited: entry 300 ", id="the hash of an entry"),
        pytest.param([edit(300, subject="person:ann")], "another id or subject", id="the subject of an entry"),
        pytest.param([edit(300, entry="[]")], "entry that can be read (entry 300)", id="an entry that is none"),
        pytest.param([drop(300)], "entry 300 was removed", id="an entry is removed"),
        pytest.param([drop(0)], "entry 0 was removed", id="the first entry is removed"),
        pytest.param([cut(610)], "there are 610: the last were removed", id="the last entries are removed"),
        pytest.param([cut(0)], "there are 0: the last were removed", id="all entries are removed"),
        pytest.param([swap(300, 301, "position")], "the hash of entry 300:", id="two entries change places"),
        pytest.param([swap(10, 550, "entry")], "was edited: entry 10 ", id="two entries change texts"),
        pytest.param(
            [swap(300, 301, "position", "hash")], "was edited: entry 300 ", id="two change places, not hashes"
        ),
        pytest.param([edit(300, position=700)], "entry 300 was removed, or moved", id="an entry is moved to the end"),
        pytest.param([edit(300, position=301)], "where another entry stands", id="an entry is moved onto another"),
        pytest.param([edit(300, position=None)], "has lost its place", id="an entry loses its place"),
        pytest.param([put_in(300)], "where another entry stands", id="an entry is put in between"),
        pytest.param([put_in(619)], "no checkpoint covers it", id="an entry is put in at the end"),
        pytest.param([tile(EDIT_TILE)], "fl_ledger_tile 0/1: does not have the hash", id="a tile is edited"),
        pytest.param([tile(REMOVE_TILE)], "fl_ledger_tile 0/1: was removed", id="a tile is removed"),
        pytest.param([tile(PUT_TILE)], "fl_ledger_tile 0/2: was put in", id="a tile is put in"),
        pytest.param(
            [last(lambda one: sa.update(CHECKPOINT).where(one).values(size=CHECKPOINT.c.size - 1))],
            "fl_checkpoint 618: holds the checkpoint of 619 entries",
            id="the size of a checkpoint",
        ),
        pytest.param(
            [last(lambda one: sa.update(CHECKPOINT).where(one).values(note=SIGNER.sign(619, bytes(32))))],
            "fl_checkpoint: the checkpoint of 619 entries does not fit",
            id="the root of a checkpoint, signed",
        ),
        pytest.param(
            [last(lambda one: sa.update(CHECKPOINT).where(one).values(note=sa.func.lower(CHECKPOINT.c.note)))],
            "fl_checkpoint 619: can't be trusted",
            id="the note of a checkpoint",
        ),
        pytest.param(
            [last(sa.delete(CHECKPOINT).where)], "fl_checkpoint 619: was removed", id="a checkpoint is removed"
        ),
        pytest.param([resign], "fl_checkpoint 619: can't be trusted", id="signed anew with another key"),
        pytest.param([forge(300), rebuild(SIGNER)], "state/ledger/checkpoints: the checkpoint of 319", id="all anew"),
    ],
)
def test_each_manipulation_of_the_ledger_is_found_and_named(sealed: Sealed, acts: list[Act], named: str) -> None:
    assert any(named in finding for finding in sealed.findings(*acts)), sealed.findings(*acts)


def test_an_edited_text_is_one_finding(sealed: Sealed) -> None:
    (finding,) = sealed.findings(forge(300))
    assert finding.startswith("fl_ledger 0")
    assert "entry 300 " in finding


def test_entries_and_checkpoints_cut_off_together_are_found_by_the_folder(sealed: Sealed) -> None:
    acts = [cut(319), last(sa.delete(CHECKPOINT).where), tile(REMOVE_TILE)]
    assert sealed.findings(*acts, kept=[]) == []
    findings = sealed.findings(*acts)
    assert "fl_checkpoint 619: was removed: state/ledger/checkpoints has it" in findings
    assert any("speaks of 619 entries, there are 319" in finding for finding in findings)


def test_who_has_the_key_and_rebuilds_the_tree_is_found_by_what_was_published(sealed: Sealed) -> None:
    acts = [forge(5), rebuild(SIGNER)]
    assert sealed.findings(*acts, kept=[]) == []
    (finding,) = sealed.findings(*acts, kept=[("from-the-auditor", sealed.notes[0])])
    assert finding.startswith("from-the-auditor: the checkpoint of 119 entries does not fit: from entry 0 on")


def test_an_edited_file_of_checkpoints_is_named(sealed: Sealed) -> None:
    (finding,) = sealed.findings(kept=[("checkpoints", sealed.notes[1].replace("\n319\n", "\n318\n"))])
    assert finding == "checkpoints 'hub.example.com/ledger 318': can't be trusted: its signature is false"


def test_nothing_is_intact_by_another_key(sealed: Sealed) -> None:
    assert sealed.verdict(verifier=THIEF.verifier).findings.count > 3


@pytest.mark.parametrize("facets", tables(), ids=lambda facets: facets[0].table.name)
def test_each_column_of_each_bound_table_is_guarded(sealed: Sealed, facets: list[Facet]) -> None:
    """Row n is edited in its column n: each is found, unless no facet has the column."""
    table = facets[0].table
    guarded = {name for facet in facets for name in facet.columns} - set(facets[0].key)
    rows = [made(table, number) for number in range(len(table.columns))]

    def act(connection: sa.Connection) -> None:
        for number, each in enumerate(table.columns):
            if each.name in guarded:
                this = sa.and_(*(table.c[name] == rows[number][name] for name in facets[0].key))
                connection.execute(sa.update(table).where(this).values({each: other(each, number)}))

    findings = sealed.findings(act)
    for number, each in enumerate(table.columns):
        key = "/".join(str(rows[number][name]) for name in facets[0].key)
        edited = any(finding.startswith(f"{table.name} {key}") and "was edited" in finding for finding in findings)
        assert edited == (each.name in guarded), each.name


@pytest.mark.parametrize("facets", tables(), ids=lambda facets: facets[0].table.name)
def test_a_new_row_is_bound_as_it_is_stored(sealed: Sealed, facets: list[Facet]) -> None:
    table = facets[0].table
    model = next(each for each in SQLModel.__subclasses__() if getattr(each, "__table__", None) is table)
    new = made(table, 59)
    with sealed.changed() as connection:
        bound = bind_new(connection, facets[0].name, [model(**new)])
        connection.execute(sa.insert(table), new)
        assert bound == bind(connection, facets[0].name, key_of(facets[0], new))


@pytest.mark.parametrize("facets", tables(), ids=lambda facets: facets[0].table.name)
def test_a_row_that_is_taken_out_or_put_in_is_named(sealed: Sealed, facets: list[Facet]) -> None:
    table = facets[0].table
    gone, put = made(table, 1), made(table, 59)

    def act(connection: sa.Connection) -> None:
        connection.execute(sa.delete(table).where(*(table.c[name] == gone[name] for name in facets[0].key)))
        connection.execute(sa.insert(table), put)

    findings = sealed.findings(act)
    removed, added = ("/".join(str(row[name]) for name in facets[0].key) for row in (gone, put))
    assert any(each.startswith(f"{table.name} {removed}") and "was removed: entry " in each for each in findings)
    must = any(facet.settled is not None for facet in facets)
    assert any(each.startswith(f"{table.name} {added}") and "was put in" in each for each in findings) == must


def test_a_row_that_came_back_after_its_removal_is_named(sealed: Sealed) -> None:
    def act(connection: sa.Connection) -> None:
        record(connection, "test", "revoked", rows={"switch/scope-1": "removed"})

    (finding,) = sealed.findings(act)
    assert finding.startswith("fl_switch scope-1: is there, but entry ")


def test_a_forged_row_that_an_entry_tells_of_is_in_the_ledger_for_all_to_see(sealed: Sealed) -> None:
    """Who can write entries can lie, but not in secret: the lie is an entry of its own."""

    def act(connection: sa.Connection) -> None:
        connection.execute(sa.update(FACETS["switch"].table).values(by="somebody else"))
        record(connection, "switch:all", "thrown", rows=bind(connection, "switch", *(f"scope-{n}" for n in range(9))))

    assert sealed.verdict(act).waiting == 1
