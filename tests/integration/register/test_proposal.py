"""Proposals for pre-approval, with the evidence of past runs."""

from datetime import timedelta
from typing import Any

import orjson
import pytest
import sqlalchemy as sa
from tests.integration.register.conftest import RUNBOOK, START, made_runbook

from firstline.connector import Proposal
from firstline.errors import Rejected
from firstline.governor import Governor
from firstline.incident import Reference
from firstline.masking import Masker
from firstline.register import OwnRegister
from firstline.register.past import evidence, past
from firstline.register.proposal import Proposals, proposal
from firstline.runbook import Runbook
from firstline.store import Database
from firstline.store.database import insert
from firstline.store.table import LEDGER, RemediationRow, RunRow

KEY = "shop/restart-web"


class Vendor(OwnRegister):
    """A register that takes proposals."""

    async def propose(self, proposal: Proposal) -> Reference:
        self.taken = proposal
        return Reference(connection="servicenow", kind="std_change_proposal", id="1", number="STDCHG0001")


def ran(database: Database, n: int, digest: str, outcome: str = "proved", seconds: float = 10, **more: Any) -> None:
    """A remediation that has run one step."""
    begun = START + timedelta(hours=n)
    row = RemediationRow(
        id=f"r{n:02}",
        event_id="e",
        connection="servicenow",
        environment="prod",
        mapping="shop/web-hung",
        mode="approve",
        plan={"runbook": {"runbook_digest": digest}},
        plan_digest="",
        runbook=KEY,
        stage="ended",
        outcome=outcome,
        created_at=begun,
        ended_at=begun,
        **more,
    )
    run = RunRow(
        id=f"r{n:02}.1",
        remediation_id=f"r{n:02}",
        phase="step",
        name="restart",
        target="shop1",
        executor="command",
        begun_at=begun,
        ended_at=begun + timedelta(seconds=seconds),
    )
    database.write_now(lambda connection: insert(connection, row, run))


def told(database: Database, digest: str) -> str:
    return evidence(database.read_now(lambda connection: past(connection, KEY, digest)))


def change(number: str) -> dict[str, Any]:
    return Reference(connection="servicenow", kind="change_request", id="0" * 32, number=number).model_dump(mode="json")


def test_the_evidence_counts_what_ran_how_it_ended_and_who_let_it(database: Database, runbook: Runbook) -> None:
    ran(database, 1, "old", approved_by="ann", change=change("CHG0000001"))
    ran(database, 2, runbook.digest, approved_by="ben", change=change("CHG0000002"), reopened_at=START)
    ran(database, 3, runbook.digest, outcome="failed", seconds=40, approved_by="ann", change=change("CHG0000003"))
    assert told(database, runbook.digest) == (
        "3 runs since 2026-12-01: 2 proved, 1 failed; 2 of them with exactly this version.\n"
        "Reopened afterwards: 1.\n"
        "Its steps took 20 s on average.\n"
        "Approved by: ann, ben.\n"
        "Changes: CHG0000001, CHG0000002, CHG0000003."
    )


def test_what_ran_no_step_is_no_evidence(database: Database, runbook: Runbook) -> None:
    ran(database, 1, runbook.digest)
    database.write_now(lambda connection: connection.execute(sa.text("update fl_run set phase = 'before'")))
    assert told(database, runbook.digest) == "It has not run yet."


def test_of_many_changes_the_last_are_named(database: Database, runbook: Runbook) -> None:
    for n in range(23):
        ran(database, n, runbook.digest, change=change(f"CHG{n:07}"))
    assert "CHG0000022 and 3 before." in told(database, runbook.digest)
    assert "CHG0000002," not in told(database, runbook.digest)


@pytest.mark.anyio
async def test_a_proposal_has_the_plan_the_evidence_and_one_key_for_a_version(
    database: Database, runbook: Runbook
) -> None:
    ran(database, 1, runbook.digest)
    proposals, vendor = Proposals(database, Governor(database, {}, {}), Masker(["shop is down"])), Vendor(database)
    reference = await proposals.propose("servicenow", vendor, "shop", runbook, "ann")
    made = vendor.taken
    assert reference.number == "STDCHG0001"
    assert runbook.digest in made.description
    assert made.implementation_plan == "1. restart: systemctl restart ${{ target }}"
    assert made.backout_plan.endswith("1. start it as before: systemctl restart ${{ target }}@previous")
    assert made.test_plan == "1. the shop answers: http://127.0.0.1/ answers 200"
    assert made.evidence in made.justification
    assert made.ci == ""  # it depends on the incident
    assert "shop is down" not in made.risk_and_impact
    await proposals.propose("servicenow", vendor, "shop", runbook, "ann")
    assert vendor.taken.key == made.key
    query = sa.select(LEDGER.c.entry).order_by(LEDGER.c.id)
    entries = database.read_now(lambda connection: [orjson.loads(one) for one in connection.execute(query).scalars()])
    assert [(one["act"], one["by"], one["subject"]) for one in entries] == [("proposed", "ann", f"runbook:{KEY}")] * 2
    assert entries[0]["facts"]["proposal"]["number"] == "STDCHG0001"


@pytest.mark.anyio
async def test_a_register_without_pre_approval_says_what_to_do_instead(database: Database, runbook: Runbook) -> None:
    proposals = Proposals(database, Governor(database, {}, {}), Masker())
    with pytest.raises(Rejected, match="firstline change pin"):
        await proposals.propose("firstline", OwnRegister(database), "shop", runbook, "ann")
    assert database.read_now(lambda connection: connection.execute(sa.select(LEDGER)).all()) == []


def test_another_version_is_another_proposal(database: Database, runbook: Runbook, tmp_path: Any) -> None:
    none = database.read_now(lambda connection: past(connection, KEY, ""))
    edited = made_runbook(tmp_path, RUNBOOK.replace("systemctl, restart", "systemctl, stop"))
    assert proposal("shop", runbook, none).key != proposal("shop", edited, none).key


def test_what_only_reads_is_not_proposed(database: Database, tmp_path: Any) -> None:
    before = next(line for line in RUNBOOK.splitlines() if line.startswith("change:"))
    reads = made_runbook(tmp_path, RUNBOOK.replace(before, "change: none"))
    with pytest.raises(Rejected, match="only reads"):
        proposal("shop", reads, database.read_now(lambda connection: past(connection, KEY, "")))
