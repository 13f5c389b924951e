"""People are told of questions: by a real mail server, and by a real receiver."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from tests.integration.approval.conftest import OS, Office

from firstline import settings
from firstline.access import Right, roll
from firstline.errors import Rejected, Unavailable
from firstline.hub import Hub
from firstline.outbox import act
from firstline.remediation.approval import void
from firstline.remediation.notification.link import opened
from firstline.remediation.notification.notifier import Notifier
from firstline.settings import Notifications
from firstline.store.table import LEDGER, WRITE_BACK, now

pytestmark = pytest.mark.anyio


@dataclass
class MailServer:
    """Speaks as much SMTP (RFC 5321) as it takes to be given a mail. `says`: what it answers to a command instead."""

    says: dict[str, str] = field(default_factory=dict)
    mails: list[EmailMessage] = field(default_factory=list)
    sent_to: list[str] = field(default_factory=list)
    address: str = ""

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 here\r\n")
        while line := (await reader.readline()).decode().strip():
            verb = line.partition(" ")[0].upper()
            answer = self.says.get(verb, {"DATA": "354 go on", "QUIT": "221 bye"}.get(verb, "250 ok"))
            writer.write(f"{answer}\r\n".encode())
            if verb == "RCPT":
                self.sent_to.append(line)
            if verb == "DATA" and answer.startswith("354"):
                told = await reader.readuntil(b"\r\n.\r\n")
                self.mails.append(message_from_bytes(told[:-3], EmailMessage, policy=policy.default))
                writer.write(b"250 taken\r\n")
            if verb == "QUIT":
                break
        writer.close()


@pytest.fixture
async def mail() -> AsyncIterator[MailServer]:
    server = MailServer()
    listening = await asyncio.start_server(server.talk, "127.0.0.1", 0)
    server.address = f"127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    yield server
    listening.close()
    await listening.wait_closed()


class Context:
    """As much of a hub as sends."""

    def __init__(self, office: Office, mail: MailServer | None = None, **more: Any) -> None:
        self.database = office.database
        smtp = {"smtp": mail.address, "tls": "none", "from": "hub@example.com"} if mail else {}
        self.notifier = Notifier("https://hub", Notifications.model_validate({**smtp, **more}))


async def send(context: Any, office: Office) -> None:
    """As the outbox does it, row by row."""
    for row in office.rows(WRITE_BACK, act="notification"):
        await act.write(context, {**row, "tried": False})


def words(mail: EmailMessage) -> str:
    return str(mail.get_content())


async def test_a_mail_tells_what_would_run_and_has_a_link_of_its_readers_own(office: Office, mail: MailServer) -> None:
    office.person("ann", contact="mailto:ann@example.com")
    asked, context = office.ask(), Context(office, mail)
    await send(context, office)
    (sent,) = mail.mails
    assert (sent["To"], sent["From"]) == ("ann@example.com", "hub@example.com")
    assert sent["Subject"] == "Firstline asks: Restart a hung web process: INC0000001"
    assert "restart on shop: ./restart shop" in words(sent)
    link = words(sent).strip().splitlines()[-1]
    assert link.startswith("https://hub/answer/")
    read = opened(context.notifier.seal, link.removeprefix("https://hub/answer/"), now())
    assert (read.approval_id, read.person) == (asked, "ann")


async def test_a_message_that_is_sent_again_after_a_crash_is_the_same_message(office: Office, mail: MailServer) -> None:
    office.person("ann", contact="mailto:ann@example.com")
    office.ask()
    context = Context(office, mail)
    await send(context, office)
    await send(context, office)
    first, second = mail.mails
    assert first["Message-ID"] == second["Message-ID"]
    assert words(first) == words(second)


async def test_the_link_is_kept_nowhere(office: Office, mail: MailServer) -> None:
    office.person("ann", contact="mailto:ann@example.com")
    office.ask()
    await send(Context(office, mail), office)
    link = words(mail.mails[0]).strip().splitlines()[-1]
    kept = repr([*office.rows(WRITE_BACK), *office.rows(LEDGER)])
    assert link.rpartition(".")[2] not in kept


async def test_a_title_from_a_ticket_makes_no_header(office: Office, mail: MailServer) -> None:
    office.person("ann", contact="mailto:ann@example.com")
    office.ask(runbook={"title": "Restart\r\nBcc: mallory@example.com"})
    await send(Context(office, mail), office)
    assert mail.mails[0]["Bcc"] is None
    assert len(mail.sent_to) == 1


@pytest.mark.parametrize(
    ("says", "error"),
    [
        ({"RCPT": "550 no such mailbox"}, Rejected),
        ({"RCPT": "451 later"}, Unavailable),
        ({"MAIL": "421 busy"}, Unavailable),
        ({"DATA": "554 no"}, Rejected),
    ],
)
async def test_what_a_mail_server_refuses_is_tried_again_or_parked_by_its_code(
    office: Office, mail: MailServer, says: dict[str, str], error: type[Exception]
) -> None:
    office.person("ann", contact="mailto:ann@example.com")
    office.ask()
    mail.says = says
    with pytest.raises(error, match=next(iter(says.values())).partition(" ")[0]):
        await send(Context(office, mail), office)


async def test_what_was_taken_is_sent_however_the_server_takes_its_leave(office: Office, mail: MailServer) -> None:
    office.person("ann", contact="mailto:ann@example.com")
    office.ask()
    mail.says = {"QUIT": "421 gone"}
    await send(Context(office, mail), office)
    assert len(mail.mails) == 1


async def test_a_sign_in_that_a_mail_server_refuses_is_parked_with_its_words(office: Office, mail: MailServer) -> None:
    office.person("ann", contact="mailto:ann@example.com")
    office.ask()
    mail.says = {"EHLO": "250-here\r\n250 AUTH PLAIN", "AUTH": "535 wrong password"}
    with pytest.raises(Rejected, match="wrong password"):
        await send(Context(office, mail, user="hub", password="x"), office)


async def test_a_mail_server_that_is_away_or_not_named_is_told(office: Office, mail: MailServer) -> None:
    office.person("ann", contact="mailto:ann@example.com")
    office.ask()
    with pytest.raises(Unavailable):
        await send(Context(office, smtp="127.0.0.1:9", tls="none"), office)
    with pytest.raises(Rejected, match="needs smtp"):
        await send(Context(office), office)
    with pytest.raises(Rejected, match="STARTTLS"):  # nothing is sent in the clear
        await send(Context(office, mail, tls="starttls"), office)
    assert mail.mails == []


async def test_a_receiver_is_sent_the_question_as_json(office: Office, loopback: Callable[[Any], str]) -> None:
    heard: list[tuple[str, dict[str, Any]]] = []

    async def receive(request: Request) -> Response:
        heard.append((request.headers["idempotency-key"], json.loads(await request.body())))
        return Response(status_code=204)

    url = loopback(Starlette(routes=[Route("/approvals", receive, methods=["POST"])]))
    office.person("ann", contact=f"{url}/approvals")
    asked = office.ask()
    await send(Context(office), office)
    ((key, body),) = heard
    assert key == f"{asked}.notification.ann"
    assert (body["kind"], body["person"], body["facts"]["Asked"]) == ("question", "ann", "whoever may approve")
    assert body["answer"].startswith("https://hub/answer/")


async def test_a_link_does_not_leave_this_machine_in_the_clear(office: Office) -> None:
    office.person("ann", contact="http://127.0.0.1@elsewhere.example/approvals")
    office.ask()
    with pytest.raises(Rejected, match="neither https"):
        await send(Context(office), office)


async def test_those_are_told_who_may_answer_and_want_to_be(office: Office) -> None:
    told: dict[str, Any] = {"contact": "mailto:x@example.com"}
    office.person("ann", groups=("sre-core",), **told)
    office.person("bo", groups=("sre-core",))
    office.person("cy", **told)
    office.person("di", Right.SEE, groups=("sre-core",), **told)
    office.person("ed", Right.SEE, **told)
    office.person("flo", groups=("sre-core",), **told)
    office.person("gus", groups=("sre-core",), **told)
    office.delegate("bo", "ed")
    office.database.write_now(lambda c: roll.turn_off(c, "gus", by=OS))
    assert office.notified(office.ask("sre-core", runbook={"authors": ("flo",)})) == ["ann", "ed"]


async def test_who_has_no_longer_to_answer_is_no_longer_told(office: Office) -> None:
    office.person("ann", contact="mailto:ann@example.com")
    office.person("bo")
    answered, drifted, waits = office.ask(), office.ask(), office.ask()
    office.answer(answered, "bo")
    office.database.write_now(lambda c: void(c, office.remediation(drifted)["id"], "drift"))
    rows = {row["body"]["approval_id"]: row["state"] for row in office.rows(WRITE_BACK, act="notification")}
    assert rows == {answered: "discarded", drifted: "discarded", waits: "pending"}


async def test_who_left_since_is_told_nothing(office: Office, mail: MailServer) -> None:
    office.person("ann", contact="mailto:ann@example.com")
    office.ask()
    office.database.write_now(lambda c: roll.turn_off(c, "ann", by=OS))
    with pytest.raises(Rejected, match="ann is off"):
        await send(Context(office, mail), office)
    assert mail.mails == []


async def test_the_outbox_sends_each_message_once_and_tells_it(
    office: Office, mail: MailServer, tmp_path: Path
) -> None:
    office.person("ann", contact="mailto:ann@example.com")
    asked = office.ask()
    hub = hub_of(office, mail, tmp_path)
    mail.says = {"RCPT": "451 later"}
    await sent_by(hub)
    mail.says = {}
    office.database.write_now(lambda c: c.execute(WRITE_BACK.update().values(due_at=now())))
    for _ in range(2):
        await sent_by(hub)
    assert len(mail.mails) == 1
    (row,) = office.rows(WRITE_BACK, act="notification")
    assert (row["state"], row["attempts"]) == ("done", 2)
    assert [one["text"] for one in office.told(asked, "wrote")] == ["Notification on ann in @mail"]
    await hub.close()


async def test_questions_that_come_together_are_told_in_one_mail_each_with_its_link(
    office: Office, mail: MailServer, tmp_path: Path
) -> None:
    office.person("ann", contact="mailto:ann@example.com")
    office.person("bo")
    asked = [office.ask() for _ in range(3)]
    hub = hub_of(office, mail, tmp_path)
    mail.says = {"RCPT": "451 later"}
    await sent_by(hub)  # the newest has become the one that tells them all
    mail.says = {}
    office.answer(asked[2], "bo")
    office.database.write_now(lambda c: c.execute(WRITE_BACK.update().values(due_at=now())))
    await sent_by(hub)
    (sent,) = mail.mails
    links = [line.rpartition("/")[2] for line in words(sent).splitlines() if line.startswith("http")]
    found = [opened(hub.context.notifier.seal, link, now()).approval_id for link in links]
    assert found == asked[:2]
    assert sent["Subject"].endswith("(and 1 more)")
    states = [row["state"] for row in office.rows(WRITE_BACK, act="notification")]
    assert states == ["folded", "folded", "done"]
    await hub.close()


def hub_of(office: Office, mail: MailServer, folder: Path) -> Hub:
    """A hub on the office's database; only its outbox is used."""
    (folder / "mappings").mkdir()
    toml = f'[hub]\ndatabase = "{office.database.url}"\n[notifications]\nsmtp = "{mail.address}"\ntls = "none"\n'
    (folder / "firstline.toml").write_text(toml)
    return Hub(settings.load(folder))


async def sent_by(hub: Hub) -> None:
    await hub.write_back.send_due()
    await hub.write_back.idle()


def test_mail_goes_in_the_clear_to_this_machine_only() -> None:
    with pytest.raises(ValueError, match="only for a mail server on this machine"):
        Notifications(smtp="mail.example.com:25", tls="none")
