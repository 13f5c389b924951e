"""Puts the parts together: one hub for a process, from a folder's settings to running loops."""

import asyncio
import contextlib
import secrets
import socket
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import sqlalchemy as sa
import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from firstline import assembly, seal
from firstline.connector import ChangeRegister, Connector, Finding
from firstline.engine import Engine
from firstline.errors import FirstlineError, Misdeclared
from firstline.governor import Governor
from firstline.governor import connection as connections
from firstline.intake import source
from firstline.intake.decide import Decider
from firstline.intake.declared import Declared
from firstline.intake.delivery import DeliveryLog
from firstline.intake.dispatch import Dispatcher
from firstline.intake.poll import Poller
from firstline.intake.reconcile import Reconciler
from firstline.intake.review import review
from firstline.intake.webhook import Webhooks
from firstline.ledger.publish import Publisher
from firstline.ledger.sequence import Sequencer
from firstline.masking import Masker
from firstline.outbox import writeback
from firstline.outbox.writeback import WriteBack
from firstline.register import blackout
from firstline.register.own import OwnRegister
from firstline.remediation import approval
from firstline.remediation.context import Context
from firstline.remediation.course import Course
from firstline.remediation.hold.calendar import Calendars
from firstline.remediation.hold.held import wake_held
from firstline.remediation.note.start import tell_begun
from firstline.remediation.note.template import Notes
from firstline.remediation.notification.notifier import Notifier
from firstline.remediation.planning.planner import surroundings
from firstline.remediation.run.log import Logs
from firstline.remediation.run.sweep import sweep
from firstline.remediation.runner import Runner
from firstline.secret import Secrets
from firstline.settings import Settings
from firstline.store import Database
from firstline.store.database import one_at_a_time
from firstline.store.lease import Leases
from firstline.store.table import now

log = structlog.get_logger()

TAKE_OVER = 2.0  # seconds between two looks for the work of dead processes
RELOAD = 2.0  # seconds between two looks at the users' files
EXPIRE = 5.0
TELL = 1.0  # between two looks for remediations that take a while
PROOF = timedelta(minutes=2)  # from a start to the first completeness proof: the polls catch up before
JITTER = 0.2
KEEP = 60.0  # between two looks whether a sign-in has to be renewed
WATCH = 60.0  # between two looks at a webhook's health
FORGET = timedelta(days=14)  # how long the engine remembers what has ended; our own tables keep it


class Hub:
    """Made from settings; `start` brings it up, `close` lets it down. What runs in executors goes on without it."""

    def __init__(self, settings: Settings, since: datetime | None = None) -> None:
        """`since`: from when on connections that were never polled are asked; None: from now."""
        self.settings = settings
        self.boot = f"{socket.gethostname()}-{secrets.token_hex(8)}"
        mask = Masker(settings.secrets)
        self.database = Database(settings.database, mask)
        self.calendars = Calendars(settings.calendars, self.database)
        self.connections = assembly.connections(settings)
        self.declared = Declared(settings.mappings, settings.state)
        budgets = {name: settings.budget(name) for name in self.connections}
        self.governor = Governor(self.database, self.connections, budgets, settings.alarms.connection)
        self.context = self._context(mask)
        self._leases = Leases(self.database)
        self.decider = Decider(
            self.declared.start(),
            surroundings(settings, self.connections),
            settings.url,
            settings.hub.approval_expires,
            self.context.notes,
        )
        self.dispatcher = Dispatcher(self.context, self._leases, self.decider, self.context.wake, settings.guards.storm)
        self.deliveries = DeliveryLog(self.database, self.dispatcher.stored)
        self.runner = Runner(self.context, self._leases, settings.hub.concurrency)
        self.write_back = WriteBack(self.context, self._leases)
        self.ledger = Sequencer(self.database, self._leases, settings)
        self.publisher = Publisher(self.database, self._leases, settings)
        self.poller = Poller(self.context, self._leases, self.deliveries, self.governor, since)
        self.reconciler = Reconciler(self.context, self.poller)
        urls = {name: settings.hook_url(name) for name in self.connections}
        self.webhooks = Webhooks(self.context, self.poller, self.governor, urls)
        self.findings: dict[str, list[Finding]] = {}  # by connection, of the look at start
        self.ready = False
        self._stack = AsyncExitStack()

    def _context(self, mask: Masker) -> Context:
        settings = self.settings
        return Context(
            database=self.database,
            governor=self.governor,
            engine=Engine(self.database, self.boot),
            boot=self.boot,
            connections=self.connections,
            executors=assembly.executors(settings),
            sources=assembly.sources(settings),
            secrets=Secrets(settings.secrets_.names, settings.references, mask.learn),
            shelf=settings.state / "shelf",
            logs=Logs(settings.state / "logs", settings.logs.limit),
            place=_place(settings.state),
            url=settings.url,
            own=OwnRegister(self.database, settings.url, emergency_first=settings.changes.emergency == "first"),
            plan_again=lambda event, mapping, policy: self.decider.plan_again(event, mapping, policy),
            changes=settings.changes,
            guards=settings.guards,
            windows=lambda: self.calendars.windows,
            expires=settings.hub.approval_expires,
            mask=mask,
            notes=Notes(settings.notes),
            notifier=Notifier(settings.url, settings.mail, seal.kept(settings.state / "link.key")),
        )

    @property
    def pushing(self) -> dict[str, Connector[Any]]:
        """The connections that take webhooks."""
        return {name: one for name, one in self.connections.items() if self.settings.intake(name).pushes}

    async def start(self) -> None:
        """Come up: tables, engine, what a dead process left, then the loops."""
        await asyncio.to_thread(self._prepare)
        Course(self.context)
        await self.context.engine.launch()
        await self.runner.take_over()
        for loop in (self.dispatcher.run, self.runner.run, self.write_back.run, self.ledger.run):
            self._keep(loop)
        if self.publisher.places:
            self._keep(self.publisher.run)
        self._tick()
        self.ready = True
        log.info("hub.ready", boot=self.boot, url=self.settings.url, connections=sorted(self.connections))

    async def close(self) -> None:
        """Stop the loops, let what is being written end, and let go. What is unfinished goes on at the next start."""
        self.ready = False
        await self._stack.aclose()
        await self.write_back.close()
        await self.governor.close()
        await self.context.engine.close()
        for connector in self.connections.values():
            await connector.aclose()
        for executor in self.context.executors.values():
            await executor.aclose()
        for asked in self.context.sources.values():
            await asked.aclose()
        self.context.secrets.close()
        await self.ledger.close()
        self._leases.close()
        self.database.close()

    def _prepare(self) -> None:
        self.database.create()
        self.ledger.prepare()
        self.calendars.look(now())
        self._alone = self._leases.is_free(writeback.LEASE)  # a living hub has it
        if not self._leases.take(self.boot):
            raise Misdeclared("the lease of a new boot is taken; two hubs share a state folder by mistake")
        self.database.write_now(self._know_connections)

    def _know_connections(self, connection: sa.Connection) -> None:
        """The start of the only hub lifts pauses: the operator may have mended the sign-in. Another hub's stay."""
        one_at_a_time(connection)
        connections.know(connection, self.connections, self.settings.alarms.connection, alone=self._alone)
        source.know(connection, set(self.connections))

    def _keep(self, loop: Callable[[], Awaitable[None]]) -> None:
        async def kept() -> None:
            while True:
                try:
                    await loop()
                except Exception:  # the loops catch what they know; a defect must not stop the hub silently
                    log.exception("hub.loop_failed", loop=loop.__qualname__)
                await asyncio.sleep(1)

        task = asyncio.create_task(kept())

        async def stop() -> None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

        self._stack.push_async_callback(stop)

    def _tick(self) -> None:
        scheduler = AsyncIOScheduler(job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None})
        scheduler.add_job(self.runner.take_over, "interval", seconds=TAKE_OVER)
        scheduler.add_job(approval.expire, "interval", seconds=EXPIRE, args=[self.context])
        scheduler.add_job(tell_begun, "interval", seconds=TELL, args=[self.context])
        scheduler.add_job(self.reload, "interval", seconds=RELOAD)
        scheduler.add_job(self.look_at_calendars, "interval", seconds=RELOAD)
        scheduler.add_job(self._ask_blackouts, "interval", seconds=blackout.EVERY, next_run_time=now())
        scheduler.add_job(self._review, "interval", hours=1, next_run_time=now())
        scheduler.add_job(self._forget, "interval", minutes=10)
        scheduler.add_job(self._sweep_logs, "interval", minutes=10)
        scheduler.add_job(self._keep_signed_in, "interval", seconds=KEEP)
        scheduler.add_job(self._check_connections)
        scheduler.add_job(self._check_executors)
        for name in self.connections:
            self._tick_source(scheduler, name)
        scheduler.start()
        self._stack.callback(scheduler.shutdown, wait=False)

    def _tick_source(self, scheduler: AsyncIOScheduler, name: str) -> None:
        intake = self.settings.intake(name)
        if intake.polls:
            job = partial(self.poller.poll, name, intake)
            scheduler.add_job(job, "interval", seconds=intake.every, next_run_time=now(), id=f"poll {name}")
        # Soon after a start, or a hub that is often restarted would prove nothing; and not always at the same moment of
        # the vendor's hour, when the budget may always be spent.
        first = now() + min(PROOF, timedelta(seconds=intake.reconcile))
        proof = {"seconds": intake.reconcile, "jitter": intake.reconcile * JITTER, "next_run_time": first}
        scheduler.add_job(self.reconciler.due, "interval", [name], **proof, id=f"reconcile {name}")
        if intake.pushes:
            scheduler.add_job(self._watch, "interval", [name], seconds=WATCH, id=f"watch {name}")

    async def _watch(self, name: str) -> None:
        await self.webhooks.watch(name, self.deliveries.pushed_at(name))

    async def _review(self) -> None:
        declarations, earned = self.decider.declarations, self.settings.modes.autonomy == "earned"
        due = partial(review, declarations=declarations, environment=self.settings.hub.environment, earned=earned)
        await self.database.write(due)

    async def _forget(self) -> None:
        while await self.context.engine.forget(now() - FORGET):
            pass

    async def _sweep_logs(self) -> None:
        keep = timedelta(days=self.settings.logs.keep_days)
        await sweep(self.database, self.context.logs.folder, now() - keep)

    async def _check_connections(self) -> None:
        """Say at start what an operator would otherwise learn from the first incident."""
        for name, connector in self.connections.items():
            self.findings[name] = [self.context.mask.model(found) for found in await connector.check()]
            for finding in self.findings[name]:
                if not finding.ok:
                    log.warning("connection.finding", connection=name, **finding.model_dump(exclude={"ok"}))

    async def _check_executors(self) -> None:
        """Those that a runbook needs."""
        needed = {name for each in self.decider.declarations.runbooks.values() for name in each.declaration.executors}
        for name in sorted(needed & self.context.executors.keys()):
            for finding in map(self.context.mask.model, await self.context.executors[name].check()):
                if not finding.ok:
                    log.warning("executor.finding", executor=name, **finding.model_dump(exclude={"ok"}))

    async def _keep_signed_in(self) -> None:
        """At Vault. What goes wrong is told by whoever needs a secret, and here before."""
        try:
            await self.context.secrets.keep()
        except FirstlineError as error:
            log.warning("secrets.keep", error=str(error))

    async def _ask_blackouts(self) -> None:
        registers = {name: one for name, one in self.connections.items() if isinstance(one, ChangeRegister)}
        await blackout.refresh(self.database, registers, self.governor)

    async def look_at_calendars(self) -> None:
        """Take freezes and maintenance windows anew if they changed: what they held may go now."""
        known = self.calendars.windows
        if await asyncio.to_thread(self.calendars.look, now()) is not known:
            await self.database.write(lambda connection: wake_held(connection, "freeze", "maintenance"))
            self.context.wake()

    async def reload(self) -> None:
        """Take the users' files anew if they changed; with a mistake in them, the last good ones stay."""
        fresh = await asyncio.to_thread(self.declared.reload)
        if fresh is not None:
            self.decider.declarations = fresh
            await self._review()


def _place(state: Path) -> str:
    """The name of a state folder, made with its first hub: two hubs that share the folder have the same."""
    path = state / "place"
    try:
        state.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Misdeclared(f"hub.state can't be the folder {state}: {error.strerror}") from error
    draft = state / f".place-{secrets.token_hex(8)}"
    draft.write_text(secrets.token_hex(16), encoding="utf-8")
    with contextlib.suppress(FileExistsError):
        path.hardlink_to(draft)  # whole or not at all, and the first wins
    draft.unlink()
    return path.read_text(encoding="utf-8")
