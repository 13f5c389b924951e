"""Sends what `notify.py` put in the outbox: as mail, or as JSON to an address of the person's."""

import contextlib
import smtplib
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.message import EmailMessage
from typing import Any
from urllib.parse import urlsplit

import anyio.to_thread
import sqlalchemy as sa

from firstline import http
from firstline.errors import Rejected, Unauthorized, Unavailable
from firstline.incident import Incident
from firstline.remediation.note import text
from firstline.remediation.notification.link import Link, signed
from firstline.remediation.notification.notify import MAIL, Notification, way
from firstline.remediation.plan import Plan, steps
from firstline.seal import Seal
from firstline.settings import Notifications
from firstline.store import Database
from firstline.store.table import APPROVAL, PERSON, REMEDIATION, WRITE_BACK

TIMEOUT = 30.0  # seconds, for each word of the mail server
ALSO = 20  # other questions that a message tells in full
_LOOPBACK = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True)
class Told:
    """What is told of one question."""

    subject: str
    facts: dict[str, str]
    link: str
    expires_at: datetime
    waits: bool


@dataclass(frozen=True)
class Message:
    """What one person is told: of a question, and of others that came before this could be sent. `key`: same key, same
    message; `more`: how many others there is no room for."""

    key: str
    contact: str
    person: str
    told: Told
    also: tuple[Told, ...]
    more: int


@dataclass(frozen=True)
class Notifier:
    """`url`: the hub's own."""

    url: str = ""
    settings: Notifications = field(default_factory=Notifications)
    seal: Seal = field(default_factory=Seal)

    async def notify(self, database: Database, row: Mapping[str, Any]) -> None:
        """Tell a person of a question. `row`: of the outbox. Again, after a crash: the same message under the same key,
        which mail systems and receivers know it by. Raises `Unavailable` and `Rejected`."""
        message = await database.read(lambda connection: self._message(connection, row))
        try:
            if way(message.contact) == MAIL:
                await anyio.to_thread.run_sync(self._mail, message)
            else:
                await self._post(message)
        except Unauthorized as error:  # of a mail server or a receiver: no connection that could be paused
            raise Rejected(str(error)) from error

    def address(self, approval_id: str, digest: str, person: str, expires_at: datetime) -> str:
        """The address under which this person, and whoever has it, answers this question."""
        return f"{self.url}/answer/{signed(self.seal, Link(approval_id, digest, person, expires_at))}"

    def _message(self, connection: sa.Connection, row: Mapping[str, Any]) -> Message:
        name = Notification.model_validate(row["body"]).person
        contact = connection.scalar(sa.select(PERSON.c.contact).where(PERSON.c.name == name, PERSON.c.off_at.is_(None)))
        if not contact or not way(contact):
            raise Rejected(f"{name} is off, or has no contact any more")
        folded = sa.select(WRITE_BACK.c.body).where(WRITE_BACK.c.folded_into == row["id"]).order_by(WRITE_BACK.c.id)
        bodies = [row["body"], *connection.execute(folded).scalars()]
        own, *others = self._told(connection, [body["approval_id"] for body in bodies], name)
        still = [each for each in (own, *others) if each.waits] or [own]
        first, also = still[0], still[1:]
        return Message(row["key"], contact, name, first, tuple(also[:ALSO]), max(0, len(also) - ALSO))

    def _told(self, connection: sa.Connection, ids: list[str], name: str) -> list[Told]:
        """In the order of the ids."""
        columns = (APPROVAL, REMEDIATION.c.plan, REMEDIATION.c.incident)
        query = sa.select(*columns).join(REMEDIATION, REMEDIATION.c.id == APPROVAL.c.remediation_id)
        rows = connection.execute(query.where(APPROVAL.c.id.in_(ids))).mappings()
        found = {row["id"]: self._of(row, name) for row in rows}
        return [found[id_] for id_ in ids]

    def _of(self, row: sa.RowMapping, name: str) -> Told:
        plan, incident = Plan.model_validate(row["plan"]), Incident.model_validate(row["incident"])
        return Told(
            subject=f"Firstline asks: {plan.runbook.title}: {incident.reference.label}",
            facts=_facts(plan, incident, row),
            link=self.address(row["id"], row["plan_digest"], name, row["expires_at"]),
            expires_at=row["expires_at"],
            waits=row["state"] == "waiting",
        )

    def _mail(self, message: Message) -> None:
        settings = self.settings
        if not settings.smtp:
            raise Rejected('[notifications] in firstline.toml needs smtp = "host:port" for people who want mail')
        host, _, port = settings.smtp.rpartition(":")
        try:
            server = _connected(settings, host, int(port))
            try:
                if settings.user:
                    server.login(settings.user, settings.password)
                server.send_message(_mail_of(message, settings.sender, self.url))
                with contextlib.suppress(OSError):  # it is taken by now, however they part
                    server.quit()
            finally:
                server.close()
        except smtplib.SMTPAuthenticationError as error:
            raise Unauthorized(f"{host} refuses the sign-in: {_words(error)}") from error
        except smtplib.SMTPResponseException as error:
            raise _later(error.smtp_code, f"{host} answered {error.smtp_code}: {_words(error)}") from error
        except smtplib.SMTPRecipientsRefused as error:
            code, words = next(iter(error.recipients.values()))
            raise _later(code, f"{host} answered {code}: {words.decode('utf-8', 'replace')}") from error
        except smtplib.SMTPNotSupportedError as error:
            raise Rejected(f"{host}: {error}") from error
        except (OSError, smtplib.SMTPException) as error:
            raise Unavailable(f"{host}: {type(error).__name__}: {error}") from error

    async def _post(self, message: Message) -> None:
        address = urlsplit(message.contact)
        if address.scheme != "https" and address.hostname not in _LOOPBACK:
            raise Rejected(f"the contact of {message.person} is neither https:// nor on this machine")
        body = {
            "kind": "question",
            "person": message.person,
            **_json(message.told),
            "also": [_json(each) for each in message.also],
            "more": message.more,
            "all": f"{self.url}/approvals",
        }
        async with http.client("", headers={"Idempotency-Key": message.key}) as client:
            await http.request(client, "POST", message.contact, json=body)


def _connected(settings: Notifications, host: str, port: int) -> smtplib.SMTP:
    context = ssl.create_default_context()
    if settings.tls == "tls":
        return smtplib.SMTP_SSL(host, port, timeout=TIMEOUT, context=context)
    server = smtplib.SMTP(host, port, timeout=TIMEOUT)
    try:
        if settings.tls == "starttls":
            server.starttls(context=context)
    except BaseException:
        server.close()
        raise
    return server


def _mail_of(message: Message, sender: str, url: str) -> EmailMessage:
    mail = EmailMessage()
    mail["From"] = sender
    mail["To"] = message.contact.removeprefix("mailto:")
    others = len(message.also) + message.more
    mail["Subject"] = " ".join(message.told.subject.split()) + (f" (and {others} more)" if others else "")
    mail["Message-ID"] = f"<{message.key}@firstline>".replace(" ", "-")
    mail["Auto-Submitted"] = "auto-generated"
    parts = [_section(message.told), *map(_section, message.also)]
    if message.more:
        parts.append(f"And {message.more} more: {url}/approvals")
    mail.set_content("\n\n\n".join(parts))
    return mail


def _section(told: Told) -> str:
    facts = [f"{label}: {value}" for label, value in told.facts.items() if value]
    until = f"{told.expires_at:%Y-%m-%d %H:%M} UTC"
    about = f"Look at it, let it go or refuse it, until {until}, once, by this link. It is yours: do not pass it on."
    return "\n".join([*facts, "", about, told.link])


def _json(told: Told) -> dict[str, Any]:
    expires_at = told.expires_at.isoformat()
    return {"subject": told.subject, "facts": told.facts, "answer": told.link, "expires_at": expires_at}


def _facts(plan: Plan, incident: Incident, row: Any) -> dict[str, str]:
    return {
        "Incident": f"{incident.reference.label} in {incident.reference.connection}: {incident.title}",
        "Runbook": text.named(plan),
        "Environment": plan.environment,
        "It will run": "\n".join(steps(plan)[: text.LISTED]),
        "Targets": ", ".join(plan.runbook.targets[: text.LISTED]),
        "Asked": text.asked(plan),
        "Plan": row["plan_digest"][:12],
    }


def _later(code: int, words: str) -> Unavailable | Rejected:
    """By the reply's first digit (RFC 5321, 4.2.1): 4 is passing, 5 is for good."""
    return Unavailable(words) if 400 <= code < 500 else Rejected(words)


def _words(error: smtplib.SMTPResponseException) -> str:
    said = error.smtp_error
    return said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
