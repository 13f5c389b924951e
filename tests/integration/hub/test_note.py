"""Notes people like to read: few, whole, in the operator's words, and without a secret."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlmodel import SQLModel
from tests.integration.hub.conftest import MENDS, STANDARD, TOKEN, Running, Start, triggered

from firstline.connector import Attachment, Attachments
from firstline.incident import Reference
from firstline.store.database import insert
from firstline.store.table import REMEDIATION, LinkRow, now
from firstline.testing.loopback import ask
from firstline.testing.patience import eventually

SLOW = 'until [ -e "$1/let-go" ]; do sleep 0.05; done; ' + MENDS


@pytest.fixture
def database_url(tmp_path: Path) -> str:
    """One kind will do: nothing here is in the databases' hands."""
    return f"sqlite:///{tmp_path}/firstline.db"


def slow(start: Start, **how: Any) -> Running:
    """A hub that has begun on an incident and goes on when the file `let-go` is there."""
    hub = start(change=STANDARD, extra=SLOW, **how)
    hub.hub.connections["pagerduty"].acknowledges = True
    hub.post(triggered())
    eventually(lambda: hub.runs() == 1)
    return hub


def grace_ends(hub: Running, at: datetime) -> None:
    """Move the time from which on the work is told of."""
    hub.hub.database.write_now(lambda c: c.execute(sa.update(REMEDIATION).values(tell_at=at)))


def writes(remediation: Any) -> dict[str, str]:
    """The state of each write-back, by its key without the remediation's id."""
    return {one["key"].partition(".")[2]: one["state"] for one in remediation["write_backs"]}


def edit_runbook(hub: Running, more: str) -> None:
    path = hub.hub.settings.mappings / "shop" / "runbooks" / "mend" / "runbook.yaml"
    path.write_text(path.read_text() + more)
    hub.hub.decider.declarations = hub.hub.declared.load()


def test_what_ends_soon_leaves_one_note_on_each_record_of_the_fault(start: Start) -> None:
    hub = slow(start)
    grace_ends(hub, now() + timedelta(hours=1))
    other = Reference(connection="pagerduty", kind="incident", id="Q00002", number="#2")
    (found,) = hub.get("remediations")["items"]
    link = LinkRow(
        remediation_id=found["id"],
        connection="pagerduty",
        record="incident:Q00002",
        reference=other.model_dump(mode="json"),
        why="the same fault",
    )
    hub.hub.database.write_now(lambda c: insert(c, link))
    (hub.marks / "let-go").touch()
    assert writes(hub.remediation()) == {
        "outcome": "done",
        "state": "done",
        "outcome.pagerduty.incident:Q00002": "done",
        "state.pagerduty.incident:Q00002": "done",
        "close": "done",
    }
    for number in (1, 2):
        assert hub.incident(number)["status"] == "resolved"
        (note,) = hub.incident(number)["notes"]
        assert "mended, and proved" in note["content"]


def test_what_takes_longer_says_that_it_is_at_work_and_then_how_it_ended(start: Start) -> None:
    hub = slow(start)
    grace_ends(hub, now())
    (said,) = eventually(lambda: hub.incident()["notes"])
    assert said["content"].startswith("Firstline is at work: Mend it")
    eventually(lambda: hub.incident()["status"] == "acknowledged")
    (hub.marks / "let-go").touch()
    assert writes(hub.remediation())["outcome"] == "done"
    assert [note["content"].partition("\n")[0] for note in hub.incident()["notes"]] == [
        "Firstline is at work: Mend it",
        "Firstline: Mend it: mended, and proved",
    ]


def test_where_notes_are_edited_start_and_outcome_are_one_note(start: Start) -> None:
    hub = start()
    hub.hub.connections["pagerduty"].edits_notes = True
    hub.post(triggered())
    remediation = hub.remediation()
    notes = [one["body"]["key"] for one in remediation["write_backs"] if one["act"] == "note"]
    assert notes == [f"{remediation['id']}.status"]


def test_long_output_is_cut_in_the_note_and_whole_in_the_log(start: Start) -> None:
    hub = start(extra=f"seq 1 20000; {MENDS}")
    hub.post(triggered())
    remediation = hub.remediation()
    note = hub.incident()["notes"][0]["content"]
    assert "characters left out" in note
    assert len(note) < 5000
    address = f"{hub.url}/api/v1/remediations/{remediation['id']}/log"
    assert f"Log: {hub.hub.settings.url}/api/v1/remediations/{remediation['id']}/log" in note
    answer = ask("GET", address, headers={"Authorization": f"Bearer {hub.token}"})
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    log = answer.text.splitlines()
    assert set(map(str, range(1, 20001))) <= set(log)
    assert "step: mend on shop  (succeeded" in answer.text


def test_the_whole_log_is_attached_where_the_vendor_takes_files(start: Start) -> None:
    hub = start(extra=f"seq 1 20000; {MENDS}")
    pagerduty = hub.hub.connections["pagerduty"]
    attached: list[Attachment] = []

    class Attaching(type(pagerduty), Attachments):  # type: ignore[misc]
        async def attach(self, reference: Reference, attachment: Attachment) -> Reference:
            attached.append(attachment)
            return reference

        async def attached(self, reference: Reference) -> list[Attachment]:
            return attached

    pagerduty.__class__ = Attaching
    hub.post(triggered())
    remediation = hub.remediation()
    assert writes(remediation)["log"] == "done"
    (file,) = attached
    assert b"\n19999\n20000\n" in file.content
    assert f"Log: attached: {file.name}" in hub.incident()["notes"][0]["content"]


def test_the_customer_is_told_only_when_the_runbook_says_so_and_not_how(start: Start) -> None:
    hub = start()
    edit_runbook(hub, 'note: {public: true, text: "The shop is open again, ${{ inputs.mark }}."}\n')
    hub.post(triggered())
    notes = {one["key"].partition(".")[2]: one["body"] for one in hub.remediation()["write_backs"]}
    assert not notes["outcome"]["public"]
    assert notes["public"]["public"]
    assert notes["public"]["body"] == f"The shop is open again, {hub.marks}."
    assert (notes["public"]["facts"], notes["public"]["output"]) == ([], "")


def test_the_operators_words_are_used_and_a_template_that_fails_is_told(start: Start, folder: Path) -> None:
    (folder / "notes").mkdir(parents=True)
    (folder / "notes" / "question.txt").write_text("{{ no_such_name }}")
    (folder / "notes" / "outcome.txt").write_text("{{ runbook.title }} by {{ approved_by }}\n\nSee {{ log }}.")
    hub = start(mode="approve")
    hub.post(triggered())
    (asked,) = eventually(lambda: hub.get("approvals?state=waiting")["items"])
    hub.act(f"approvals/{asked['id']}/approve")
    remediation = hub.remediation()
    told = [line["text"] for line in remediation["timeline"] if line["act"] == "template"]
    assert told == [
        "The template question.txt failed, so the built-in words were used: 'no_such_name' is undefined",
    ]
    notes = {one["key"].partition(".")[2]: one["body"] for one in remediation["write_backs"]}
    assert notes["question"]["headline"].startswith("Firstline asks")
    assert notes["outcome"]["headline"] == "Mend it by ada"
    assert notes["outcome"]["body"].startswith("See http")


def test_a_secret_that_a_runbook_prints_shows_nowhere(start: Start, folder: Path) -> None:
    secret = folder / "secrets" / "pagerduty"
    prints = f"cat {secret}; base64 -w 20 {secret}; cat {secret} >&2; exit 3"
    hub = start(change=STANDARD, extra=prints)
    hub.post(triggered(title="shop does not answer, password=hunter2"))
    remediation = hub.remediation()
    assert "hunter2" not in str(remediation["write_backs"]) + str(remediation["timeline"]) + str(hub.changes())
    assert "[masked]" in remediation["runs"][-1]["output"] + remediation["runs"][1]["output"]
    encoded = "Wng4MS1hLXJlc3Q"  # how its Base64 begins
    log = ask(
        "GET",
        f"{hub.url}/api/v1/remediations/{remediation['id']}/log",
        headers={"Authorization": f"Bearer {hub.token}"},
    ).text
    for shown in (tables(hub), str(remediation), log, str(hub.incident()), str(hub.changes())):
        assert TOKEN not in shown
        assert encoded not in shown.replace("\n", "").replace("\\n", "")


def tables(hub: Running) -> str:
    """Everything in the hub's tables, as text."""
    mine = [table for name, table in SQLModel.metadata.tables.items() if name.startswith("fl_")]
    return "\n".join(str(hub.hub.database.read_now(lambda c, t=table: c.execute(sa.select(t)).all())) for table in mine)


def test_a_mapping_says_what_else_is_written_when_the_fix_fails(start: Start) -> None:
    hub = start(extra="exit 1")
    mapping = hub.hub.settings.mappings / "shop" / "mapping.yaml"
    ending = "    then: {failed: {assign: second-line@example.com, priority: 1, status: A person is at it.}}\n"
    mapping.write_text(mapping.read_text().rstrip() + "\n" + ending)
    hub.hub.decider.declarations = hub.hub.declared.load()
    hub.post(triggered())
    remediation = hub.remediation()
    assert (writes(remediation)["update"], writes(remediation)["state"]) == ("done", "done"), remediation
    assert hub.incident()["priority"]["summary"] == "P1"
