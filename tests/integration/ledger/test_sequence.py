"""Places in the tree: without gap, one process at a time, and never over a tree that was changed."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from tests.integration.ledger.conftest import Log, Open

from firstline.errors import Misdeclared
from firstline.ledger import sequence, tree
from firstline.ledger.checkpoint import Untrue, notes, opened, read
from firstline.ledger.tile import Tiles
from firstline.store.table import CHECKPOINT, LEDGER, TILE

pytestmark = pytest.mark.anyio
on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # what is told of files, not of tables


def entries(log: Log) -> Sequence[Any]:
    query = sa.select(LEDGER).order_by(LEDGER.c.position)
    return log.database.read_now(lambda connection: connection.execute(query).mappings().all())


def change(log: Log, statement: sa.Executable) -> None:
    log.database.write_now(lambda connection: connection.execute(statement))


async def test_entries_get_places_without_gap_in_the_order_they_were_made(log: Log) -> None:
    await log.grow(3, 2)
    rows = entries(log)
    assert [row["position"] for row in rows] == list(range(6))
    assert [row["id"] for row in rows[:3]] == sorted(row["id"] for row in rows[:3])
    assert all(row["hash"] == tree.leaf_hash(row["entry"].encode()) for row in rows)


@on_sqlite
async def test_the_first_entry_of_a_key_says_that_it_signs(log: Log) -> None:
    await log.grow(1)
    assert str(log.folder.verifiers()[0]) in next(row for row in entries(log) if row["subject"] == "ledger")["entry"]


@on_sqlite
async def test_each_batch_has_a_signed_checkpoint_in_the_table_and_in_the_folder(log: Log) -> None:
    await log.grow(2, 300)
    (verifier,) = log.folder.verifiers()
    leaves = [row["hash"] for row in entries(log)]
    kept = list(notes(log.folder.all.read_text()))
    assert [opened(note, [verifier]).size for note in kept] == [3, 303]
    assert all(opened(note, [verifier]).root == tree.root(leaves[: opened(note, [verifier]).size]) for note in kept)
    assert log.folder.latest.read_text() == kept[-1]
    assert log.database.read_now(lambda c: c.execute(sa.select(CHECKPOINT.c.note)).scalars().all()) == kept


async def test_another_process_goes_on_where_the_last_one_ended(log: Log, open_log: Open) -> None:
    await log.grow(300)
    log.leases.close()
    another = open_log()
    await another.grow(300)
    leaves = [row["hash"] for row in entries(log)]
    assert len(leaves) == 601
    assert log.database.read_now(lambda c: Tiles(c).root(601)) == tree.root(leaves)
    assert log.database.read_now(lambda c: len(c.execute(sa.select(TILE)).all())) == 2


@on_sqlite
async def test_a_process_without_the_lease_gives_no_places(log: Log, open_log: Open) -> None:
    await log.grow(1)
    another = open_log()
    await another.grow(1)
    assert [row["position"] for row in entries(log) if row["position"] is None] == [None]


async def test_two_that_both_believe_to_have_the_lease_give_each_place_once(log: Log, open_log: Open) -> None:
    await log.grow(2)
    log.leases.close()
    another = open_log()
    await another.grow(2)
    log.leases = another.leases
    late = sequence.Sequencer(log.database, another.leases, log.settings)
    late.prepare()
    await late.sequence()
    await another.grow(2)
    log.enter("late")
    await late.sequence()
    assert [row["position"] for row in entries(log)] == list(range(8))


@on_sqlite
async def test_each_entry_is_proved_out_of_the_tables(log: Log) -> None:
    await log.grow(514)
    leaves = [row["hash"] for row in entries(log)]

    def look(connection: sa.Connection) -> None:
        tiles = Tiles(connection)
        for size in (1, 2, 255, 256, 257, 511, 513):
            for index in {0, size // 2, size - 1}:
                assert tiles.prove(index, size) == tree.inclusion_proof(leaves[:size], index)

    log.database.read_now(look)


@on_sqlite
async def test_checkpoints_that_a_crash_kept_from_the_folder_are_added_at_the_next_start(
    log: Log, open_log: Open
) -> None:
    await log.grow(1, 1)
    whole = log.folder.all.read_text()
    log.folder.all.write_text(next(notes(whole)))
    log.leases.close()
    await open_log().sequencer.sequence()
    assert log.folder.all.read_text() == whole


@on_sqlite
@pytest.mark.parametrize("lost", [1, 60, 118, 200])  # bytes; 118: within a character
async def test_a_checkpoint_that_a_crash_cut_short_in_the_folder_is_completed(
    log: Log, open_log: Open, lost: int
) -> None:
    await log.grow(1, 1)
    whole = log.folder.all.read_bytes()
    log.folder.all.write_bytes(whole[:-lost])
    log.leases.close()
    await open_log().grow(1)
    assert log.folder.all.read_bytes().startswith(whole)
    assert [read(note).size for note in notes(log.folder.all.read_text())] == [2, 3, 4]


@on_sqlite
async def test_words_of_others_at_the_end_of_the_folders_checkpoints_are_not_gone_on_from(
    log: Log, open_log: Open
) -> None:
    await log.grow(1)
    log.leases.close()
    with log.folder.all.open("a") as file:
        file.write("something else")
    with pytest.raises(Untrue, match="does not end with a checkpoint"):
        await open_log().grow(1)


@on_sqlite
async def test_an_older_copy_of_the_database_is_not_gone_on_with(log: Log, open_log: Open) -> None:
    await log.grow(2, 2)
    log.leases.close()
    change(log, sa.delete(LEDGER).where(LEDGER.c.position >= 3))
    change(log, sa.delete(CHECKPOINT).where(CHECKPOINT.c.size > 3))
    with pytest.raises(Untrue, match="of 5 entries, and the database, with 3"):
        await open_log().grow(1)
    assert [row["position"] for row in entries(log)].count(None) == 1


@on_sqlite
async def test_a_tree_that_was_changed_is_not_signed_over(log: Log, open_log: Open) -> None:
    await log.grow(3)
    log.leases.close()
    change(log, sa.update(LEDGER).where(LEDGER.c.position == 1).values(hash=bytes(32)))
    with pytest.raises(Untrue):
        await open_log().grow(1)


@on_sqlite
async def test_checkpoints_taken_away_under_a_running_hub_stop_it_from_signing(log: Log) -> None:
    await log.grow(3)
    change(log, sa.delete(CHECKPOINT))
    with pytest.raises(Untrue, match="taken away"):
        await log.grow(1)


@on_sqlite
async def test_the_key_is_made_once_and_only_its_owner_reads_it(log: Log, open_log: Open) -> None:
    await log.grow(1)
    made = log.folder.key.read_bytes()
    assert log.folder.key.stat().st_mode & 0o777 == 0o600
    log.leases.close()
    await open_log().grow(1)
    assert log.folder.key.read_bytes() == made
    assert len(log.folder.verifiers()) == 1


@on_sqlite
async def test_the_log_keeps_its_name_when_the_hub_moves(log: Log, open_log: Open, hub_folder: Path) -> None:
    await log.grow(1)
    log.leases.close()
    file = hub_folder / "firstline.toml"
    file.write_text(file.read_text().replace("hub.example.com", "other.example.com"))
    await open_log().grow(1)
    assert [verifier.name for verifier in log.folder.verifiers()] == ["hub.example.com/ledger"]


@on_sqlite
async def test_a_key_of_the_operators_own_signs_and_is_told_in_the_ledger(
    log: Log, open_log: Open, tmp_path: Path
) -> None:
    await log.grow(1)
    log.leases.close()
    (tmp_path / "own.pem").write_bytes(log.folder.key.read_bytes())
    log.folder.key.unlink()
    another = open_log(f'\n[ledger]\norigin = "our-log"\nkey = "file:{tmp_path}/own.pem"\n')
    await another.grow(1)
    assert [verifier.name for verifier in log.folder.verifiers()] == ["hub.example.com/ledger", "our-log"]
    assert not log.folder.key.exists()
    assert opened(log.folder.latest.read_text(), log.folder.verifiers()[1:]).size == 4


@on_sqlite
async def test_what_is_no_key_is_named_and_not_shown(open_log: Open, tmp_path: Path) -> None:
    (tmp_path / "own.pem").write_text("not a key at all")
    with pytest.raises(Misdeclared, match=r"ledger\.key is no private key") as caught:
        open_log(f'\n[ledger]\nkey = "file:{tmp_path}/own.pem"\n')
    assert "not a key at all" not in str(caught.value)
