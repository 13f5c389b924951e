"""Sends what `firstline.remediation.notify` put in the outbox: as mail, or as JSON to an address of the person's."""

import contextlib
import smtplib
import ssl
from dataclasses import dataclass, field
from datetime import datetime
from email.message import EmailMessage
from typing import Any
from urllib.parse import urlsplit

import anyio.to_thread
import sqlalchemy as sa

from firstline import access, http
from firstline.errors import Rejected, Unauthorized, Unavailable
from firstline.incident import Incident
from firstline.remediation import text
from firstline.remediation.link import Link, signed
from firstline.remediation.notify import MAIL, Notification, way
from firstline.remediation.plan import Plan, steps
from firstline.seal import Seal
from firstline.settings import Notifications
from firstline.store import Database
from firstline.store.table import APPROVAL, PERSON, REMEDIATION

TIMEOUT = 30.0  # seconds, for each word of the mail server
_LOOPBACK = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True)
class Message:
    """What one person is told of one question. `key`: same key, same message."""

    key: str
    contact: str
    person: str
    subject: str
    facts: dict[str, str]
    link: str
    expires_at: datetime


@dataclass(frozen=True)
class Notifier:
    """`url`: the hub's own."""

    url: str = ""
    settings: Notifications = field(default_factory=Notifications)
    seal: Seal = field(default_factory=Seal)

    async def notify(self, database: Database, notification: Notification, key: str) -> None:
        """Tell a person of a question. Again, after a crash: the same message under the same key, which mail systems
        and receivers know it by. Raises `Unavailable` and `Rejected`."""
        message = await database.read(lambda connection: self._message(connection, notification, key))
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

    def _message(self, connection: sa.Connection, told: Notification, key: str) -> Message:
        person = connection.execute(sa.select(PERSON).where(PERSON.c.name == told.person)).mappings().first()
        if person is None or access.find(connection, told.person) is None or not way(person["contact"]):
            raise Rejected(f"{told.person} is off, or has no contact any more")
        columns = (APPROVAL, REMEDIATION.c.plan, REMEDIATION.c.incident)
        query = sa.select(*columns).join(REMEDIATION, REMEDIATION.c.id == APPROVAL.c.remediation_id)
        row = connection.execute(query.where(APPROVAL.c.id == told.approval_id)).mappings().one()
        plan, incident = Plan.model_validate(row["plan"]), Incident.model_validate(row["incident"])
        return Message(
            key=key,
            contact=person["contact"],
            person=told.person,
            subject=f"Firstline asks: {plan.runbook.title}: {incident.reference.label}",
            facts=_facts(plan, incident, row),
            link=self.address(row["id"], row["plan_digest"], told.person, row["expires_at"]),
            expires_at=row["expires_at"],
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
                    server.login(settings.user, settings.secret)
                server.send_message(_mail_of(message, settings.sender))
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
            "subject": message.subject,
            "facts": message.facts,
            "answer": message.link,
            "expires_at": message.expires_at.isoformat(),
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


def _mail_of(message: Message, sender: str) -> EmailMessage:
    mail = EmailMessage()
    mail["From"] = sender
    mail["To"] = message.contact.removeprefix("mailto:")
    mail["Subject"] = " ".join(message.subject.split())
    mail["Message-ID"] = f"<{message.key}@firstline>".replace(" ", "-")
    mail["Auto-Submitted"] = "auto-generated"
    told = [f"{label}: {value}" for label, value in message.facts.items() if value]
    until = f"{message.expires_at:%Y-%m-%d %H:%M} UTC"
    about = f"Look at it, let it go or refuse it, until {until}, once, by this link. It is yours: do not pass it on."
    mail.set_content("\n".join([*told, "", about, message.link]))
    return mail


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
