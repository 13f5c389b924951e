"""Keeps webhooks alive: renews their registration, and notices when one has gone silent, because the poll then brings
what it should have."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import sqlalchemy as sa
import structlog

from firstline.connector import Registration
from firstline.errors import FirstlineError, Unavailable
from firstline.governor import Governor, Priority
from firstline.incident import OPENED
from firstline.intake import source
from firstline.intake.health import MISSED
from firstline.intake.poll import Poller
from firstline.store.table import EVENT, now

log = structlog.get_logger()

RENEW = timedelta(hours=12)  # between two renewals; the shortest life of a webhook that is known is 30 days
SILENT = 3  # openings that only the poll has brought
GRACE = timedelta(minutes=2)  # how late a webhook may be


async def connect(vendors: source.Vendors, name: str, url: str) -> Registration:
    """Make or repair a connection's webhook, and keep it from now on. Raises what the vendor answers."""
    made = await vendors.connector(name).connect(url)
    if made.state != "manual":
        kept = made.model_dump(mode="json", exclude={"secret", "instructions"})
        await vendors.database.write(partial(source.note, name=name, registration=kept, renewed_at=now()))
    return made


class Webhooks:
    """`urls`: where each connection's webhook has to go."""

    def __init__(self, vendors: source.Vendors, poller: Poller, governor: Governor, urls: Mapping[str, str]) -> None:
        self._governor = governor
        self._vendors = vendors
        self._poller = poller
        self._urls = urls

    async def watch(self, name: str, pushed_at: datetime | None) -> None:
        """Look after one webhook; called by the clock. `pushed_at`: when it last brought something to this process."""
        if pushed_at is not None:
            await self._vendors.database.write(partial(_pushed, name=name, at=pushed_at))
        if not await self._poller.leads(name):
            return
        kept = await self._vendors.database.read(partial(source.read, name=name))
        silent = await self._silence(name, kept)
        if kept["registration"] and (silent or _is_due(kept)):
            await self._renew(name, kept["registration"])

    async def _silence(self, name: str, kept: Mapping[str, Any]) -> bool:
        """True when it has just been found silent."""
        since = await self._vendors.database.read(partial(silent_since, name=name, kept=kept))
        if since == kept["silent_since"]:
            return False
        await self._vendors.database.write(partial(source.note, name=name, silent_since=since))
        if since is not None:
            log.error("webhook.silent", connection=name, since=since.isoformat(), mend=f"firstline connect {name}")
        return since is not None and kept["silent_since"] is None

    async def _renew(self, name: str, before: Mapping[str, Any]) -> None:
        try:
            async with self._governor.asking(name, Priority.BULK):
                made = await connect(self._vendors, name, self._urls[name])
        except Unavailable as error:  # nobody has refused: asked again with the next look
            log.warning("webhook.not_renewed", connection=name, reason=str(error))
            await self._vendors.database.write(partial(source.note, name=name, renewed_at=None))
        except FirstlineError as error:
            log.error("webhook.not_renewed", connection=name, reason=str(error))  # noqa: TRY400 - the vendor's words
            await self._vendors.database.write(partial(source.note, name=name, renewed_at=now()))
        else:
            await self._miss_secret(name, made, before)

    async def _miss_secret(self, name: str, made: Registration, before: Mapping[str, Any]) -> None:
        """One that had to be made anew has a secret that was shown to nobody: what it sends is refused."""
        since = now().isoformat() if made.secret else before.get("secret_missed_at")
        if since is None or (not made.secret and made.id != before.get("id")):
            return
        if made.secret:
            log.error("webhook.secret_missed", connection=name, id=made.id, mend=MISSED)
        kept = made.model_dump(mode="json", exclude={"secret", "instructions"})
        await self._vendors.database.write(
            partial(source.note, name=name, registration={**kept, "secret_missed_at": since})
        )


def silent_since(connection: sa.Connection, name: str, kept: Mapping[str, Any]) -> datetime | None:
    """When the first of the openings happened that a webhook should have brought and only polls did; None when it
    works, or nothing tells. Other changes don't count: some of them no webhook tells."""
    began = max(filter(None, (kept["pushed_at"], kept["watched_from"])))
    query = (
        sa.select(EVENT.c.occurred_at)
        .where(EVENT.c.connection == name, EVENT.c.polled.is_(True), EVENT.c.type == OPENED)
        .order_by(EVENT.c.id.desc())
        .limit(SILENT)
    )
    last = [at for at in connection.execute(query).scalars() if began < at < now() - GRACE]
    if len(last) < SILENT:
        return None
    known: datetime | None = kept["silent_since"]
    return known or min(last)


def _is_due(kept: Mapping[str, Any]) -> bool:
    return kept["renewed_at"] is None or now() - kept["renewed_at"] > RENEW


def _pushed(connection: sa.Connection, name: str, at: datetime) -> None:
    if (source.read(connection, name).get("pushed_at") or at) <= at:
        source.note(connection, name, pushed_at=at)
