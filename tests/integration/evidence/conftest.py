"""A ledger with one remediation, told as the hub tells it: real rows, real entries, a real tree, a real key."""

import hashlib
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from firstline.connector import Fact, Note
from firstline.evidence.asked import Asked
from firstline.evidence.export import Maker, export
from firstline.evidence.pack import Manifest
from firstline.evidence.verify import verify
from firstline.incident import Event, Incident, Reference
from firstline.ledger import record
from firstline.ledger.checkpoint import Signer
from firstline.ledger.facet import bind
from firstline.ledger.frontier import Frontier
from firstline.ledger.sequence import sequence
from firstline.masking import Masker
from firstline.remediation.plan import Asks, Plan
from firstline.runbook.plan import Change, Check, Command, Limits, ResolvedRunbook
from firstline.store import Database, new_id
from firstline.store.database import insert
from firstline.store.table import (
    REMEDIATION,
    ApprovalRow,
    DecisionRow,
    DeliveryRow,
    EventRow,
    IncidentRow,
    RemediationRow,
    RunRow,
    VoteRow,
    WriteBackRow,
)

AT = datetime(2026, 11, 23, 3, 0, 0, tzinfo=UTC)
BODY = b'{"event":{"id":"01E","data":{"title":"shop does not answer"}}}'


def check(name: str, *run: str) -> Check:
    return Check(
        name=name,
        target="shop-1",
        executor="command",
        run=run,
        environment={},
        http=None,
        within=0.0,
        every=1.0,
        hold=0.0,
        timeout=20.0,
    )


def plan_of() -> Plan:
    restart = ("systemctl", "restart", "shop.service")
    step = Command(name="restart", target="shop-1", executor="command", run=restart, environment={}, timeout=20.0)
    return Plan(
        mapping="shop/mend",
        pack="shop",
        service="shop",
        dedupe="shop",
        asks=Asks(by=("sre-core",), count=1),
        change_type="standard",
        mode="approve",
        environment="prod",
        change_register="servicenow",
        runbook=ResolvedRunbook(
            id="mend",
            version="1.0.0",
            owner="team-shop",
            title="Restart the shop",
            description="Restarts its process.",
            runbook_digest="d" * 64,
            inputs={"unit": "shop.service"},
            targets=("shop-1",),
            change=Change(type="standard", template="Restart", ci="shop-1", risk="low", backout=""),
            limits=Limits(timeout=60.0, output=65_536),
            before=(check("the fault is there", "false"),),
            steps=(step,),
            after=(check("it answers", "true"),),
            rollback=(),
            diagnose=(),
        ),
    )


@dataclass
class Ledger:
    """A database, and what a test does with it. Times are the test's."""

    database: Database
    signer: Signer = field(default_factory=lambda: Signer("hub.test/ledger", Ed25519PrivateKey.generate()))

    def write(self, act: Callable[[sa.Connection], Any]) -> Any:
        return self.database.write_now(act)

    def sequence(self) -> None:
        """Give all entries their places, and sign the tree."""
        self.write(lambda connection: sequence(connection, self.signer, Frontier()))

    def tell(self, subject: str, act: str, text: str = "", by: str = "firstline", **facts: Any) -> None:
        self.write(lambda connection: record(connection, subject, act, text, by=by, facts=facts))

    def remediate(
        self,
        number: int = 1,
        title: str = "shop does not answer",
        *,
        body: bytes = BODY,
        asks: bool = True,
        ends: bool = True,
    ) -> str:
        """One remediation from its delivery to its note; gives its id."""

        def all_of_it(connection: sa.Connection) -> str:
            begun = _begin(connection, number, title, body)
            if asks:
                _approve(connection, begun)
            if ends:
                _run(connection, begun)
                _end(connection, begun)
            return begun.id

        return str(self.write(all_of_it))

    def pack(self, path: Path, asked: Asked, **how: Any) -> Manifest:
        made = {
            "by": "ann",
            "hub": "https://hub.test",
            "version": "0.1.0",
            "at": AT + timedelta(days=1),
            "verifiers": (self.signer.verifier,),
            "signer": self.signer,
            "mask": Masker(),
            **how,
        }
        file = BytesIO()
        manifest = self.database.read_now(lambda connection: export(connection, asked, file, Maker(**made)))
        path.write_bytes(file.getvalue())
        return manifest


def _trace(mapping: str, verdict: str, clause: str) -> dict[str, Any]:
    clauses = [{"text": f"incident.is_{clause}", "verdict": clause, "error": ""}]
    return {"mapping": mapping, "place": "", "verdict": verdict, "clauses": clauses}


def _begin(connection: sa.Connection, number: int, title: str, body: bytes) -> RemediationRow:
    reference = Reference(connection="pagerduty", kind="incident", id=f"Q{number:05}", number=f"#{number}")
    incident = Incident(reference=reference, title=title, service="shop")
    plan = plan_of()
    event = Event(id=f"01E{number}", type="incident.opened", reference=reference, occurred_at=AT, incident=incident)
    delivery = DeliveryRow(
        connection="pagerduty",
        key=f"d-{number}",
        headers={"x-pagerduty-signature": "v1=" + hashlib.sha256(body).hexdigest(), "content-type": "application/json"},
        body=body,
        received_at=AT,
        state="done",
    )
    row = EventRow(
        connection="pagerduty",
        event_id=event.id,
        delivery_id=delivery.id,
        type=event.type,
        occurred_at=AT,
        event=event.model_dump(mode="json", exclude={"data", "incident"}),
    )
    remediation = RemediationRow(
        event_id=row.id,
        connection="pagerduty",
        record=f"incident:Q{number:05}",
        environment="prod",
        mapping=plan.mapping,
        pack="shop",
        runbook="shop/mend",
        service="shop",
        mode="approve",
        changes=True,
        incident=incident.model_dump(mode="json"),
        plan=plan.model_dump(mode="json"),
        plan_digest=plan.digest,
        stage="waiting",
        created_at=AT + timedelta(seconds=number),
    )
    decision = DecisionRow(
        event_id=row.id,
        at=AT,
        outcome="matched",
        mapping=plan.mapping,
        runbook="mend",
        mode="approve",
        trace={"traces": [_trace("shop/other", "failed", "false"), _trace(plan.mapping, "matched", "true")]},
        remediation_id=remediation.id,
    )
    known = IncidentRow(
        connection="pagerduty", kind="incident", record_id=f"Q{number:05}", incident=incident.model_dump(mode="json")
    )
    insert(connection, delivery, row, remediation, decision, known)
    begun = {
        **bind(connection, "delivery", delivery.id),
        **bind(connection, "event", row.id),
        **bind(connection, "decision", decision.id),
        **bind(connection, "remediation.begun", remediation.id),
        **bind(connection, "remediation.plan", remediation.id),
    }
    record(connection, remediation.id, "matched", f"#{number} matched shop/mend", rows=begun)
    return remediation


def _approve(connection: sa.Connection, begun: RemediationRow) -> None:
    row = ApprovalRow(
        remediation_id=begun.id,
        plan_digest=begun.plan_digest,
        asks=plan_of().asks.model_dump(mode="json"),
        asked_at=AT,
        expires_at=AT + timedelta(hours=1),
    )
    remediation, approval = begun.id, row.id
    insert(connection, row)
    record(connection, remediation, "asked", "Waits for an approval", rows=bind(connection, "approval", approval))
    vote = VoteRow(approval_id=approval, person="ann", by="ann", way="api", verdict="approved", comment="go", at=AT)
    insert(connection, vote)
    table = sa.update(ApprovalRow).where(ApprovalRow.id == approval)  # type: ignore[arg-type]
    connection.execute(table.values(state="approved", decided_at=AT, decided_by="ann", comment="go"))
    bound = {**bind(connection, "approval", approval), **bind(connection, "vote", vote.id)}
    record(connection, remediation, "approved", "Approved the plan: go", by="ann", rows=bound)


def _run(connection: sa.Connection, begun: RemediationRow) -> None:
    remediation = begun.id
    run = RunRow(
        id=f"{remediation}-step-1",
        remediation_id=remediation,
        phase="step",
        name="restart",
        target="shop-1",
        executor="command",
        state="succeeded",
        exit_status=0,
        output="restarted <shop.service>\n",
        begun_at=AT + timedelta(seconds=30),
        ended_at=AT + timedelta(seconds=33),
    )
    insert(connection, run)
    record(connection, remediation, "ran", "restart on shop-1: ok", rows=bind(connection, "run", run.id))


def _end(connection: sa.Connection, begun: RemediationRow) -> None:
    remediation, reference = begun.id, Reference.model_validate(begun.incident["reference"])
    change = Reference(connection="servicenow", kind="change_request", id="c" * 32, number="CHG0030045")
    ended = {"stage": "ended", "outcome": "proved", "approved_by": "ann", "change_type": "standard"}
    values = {**ended, "ended_at": AT + timedelta(minutes=1), "change": change.model_dump(mode="json")}
    connection.execute(sa.update(REMEDIATION).where(REMEDIATION.c.id == remediation).values(**values))
    bound = bind(connection, "remediation.ended", remediation)
    record(connection, remediation, "ended", "Ended: mended, and proved", rows=bound)
    note = Note(key=f"{remediation}.outcome", headline="Mended", facts=(Fact(label="Runbook", value="mend 1.0.0"),))
    write = WriteBackRow(
        id=new_id(),
        remediation_id=remediation,
        connection="pagerduty",
        record=f"incident:{reference.id}",
        key=note.key,
        act="note",
        reference=reference.model_dump(mode="json"),
        body=note.model_dump(mode="json"),
        state="done",
        due_at=AT,
        written=reference.model_dump(mode="json"),
        done_at=AT + timedelta(minutes=1),
    )
    insert(connection, write)
    record(connection, remediation, "wrote", "the outcome", rows=bind(connection, "write_back", write.id))


@pytest.fixture
def ledger(database: Database) -> Ledger:
    return Ledger(database)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "pack.zip"


def files(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as pack:
        return {name: pack.read(name) for name in pack.namelist()}


def found(ledger: Ledger, path: Path) -> tuple[list[str], list[str]]:
    verdict = verify(path, [ledger.signer.verifier])
    return verdict.findings, verdict.notes


def page(path: Path) -> str:
    return files(path)["timeline.html"].decode()
