"""A step as a process of another host, which goes on when the hub, the connection or the host's sshd dies."""

import asyncio
import base64
import time
from contextlib import suppress
from typing import Any, ClassVar
from uuid import uuid4

from pydantic import BaseModel

from firstline.errors import Rejected, Unavailable, Unknown
from firstline.executor import Executor, Handle, NoParameters, Progress, Step, parameters
from firstline.executors.command.progress import progress_of
from firstline.executors.ssh.health import look_at
from firstline.executors.ssh.host import Host, host_of, may_be_target, run_at, where_of
from firstline.executors.ssh.parcel import Parcel, parcel_of
from firstline.executors.ssh.pool import Pool
from firstline.executors.ssh.session import Lost, Missing, Session
from firstline.executors.ssh.settings import SshSettings
from firstline.finding import Finding

AGAIN = 0.2  # seconds until a start whose answer was lost is asked for again
PIECE = 262_144  # bytes of the runbook's files in one request
STUBBORN = 20.0  # seconds that killing may take beside the grace
LATE = 1.0  # seconds that an answer may be on its way


class SshExecutor(Executor[SshSettings]):
    """Runs each step as a process of the host that `Step.target` names, in a session of its own.

    What a run is, how it ends and what is kept of it is as with the command executor: the same supervisor stays with
    it, on the host. It enforces the time-out there, whether the hub lives or not. An agent, one for each connection,
    begins supervisors and reads what they keep; it dies with the connection, they don't.

    A start whose answer was lost is asked for again for `patience` seconds, then `Unavailable`: asked again with the
    same id, whenever that is, what began is found, for the host decides by the run's directory.
    """

    name: ClassVar[str] = "ssh"
    settings_model: ClassVar[type[BaseModel]] = SshSettings
    runs: ClassVar[bool] = True

    def __init__(self, settings: SshSettings) -> None:
        super().__init__(settings)
        self._pool = Pool(settings)
        self._unsure: set[str] = set()  # steps that may have begun: the answer was lost

    async def check(self) -> list[Finding]:
        return await look_at(self._pool, self.settings)

    async def start(self, step: Step) -> Handle:
        self.refuse_dry_run(step)
        parameters(NoParameters, step)
        try:
            return await self._begin(step)
        except Rejected as error:
            if step.id in self._unsure:
                raise Unknown(f"{error}; whether the run began before can't be seen") from None
            raise

    async def watch(self, handle: Handle, offset: int = 0) -> Progress:
        return progress_of(await self._ask(handle, "look", offset=offset))

    async def wait(self, handle: Handle, timeout: float) -> None:
        """As an agent on the host hears of it; where it can't be asked, after `timeout` seconds."""
        until = time.monotonic() + timeout
        try:
            async with asyncio.timeout(timeout + LATE):
                await self._ask(handle, "wait", timeout, timeout=timeout)
        except (Unavailable, TimeoutError):
            await asyncio.sleep(max(0.0, until - time.monotonic()))

    async def cancel(self, handle: Handle) -> None:
        grace = self.settings.kill_grace
        await self._ask(handle, "cancel", grace + STUBBORN, grace=grace)

    async def aclose(self) -> None:
        await self._pool.aclose()

    # how it begins

    async def _begin(self, step: Step) -> Handle:
        """Ask until there is an answer, or patience is at its end. Once asked, only an answer says that it did not."""
        host = self._admitted(step)
        parcel = await asyncio.to_thread(parcel_of, step)
        deadline = None
        while True:
            try:
                return await self._ask_to_begin(host, step, parcel)
            except Unavailable as error:
                if step.id not in self._unsure:
                    raise
                deadline = deadline or time.monotonic() + self.settings.patience
                if time.monotonic() >= deadline:
                    raise Unavailable(
                        f"{error}; it may have begun, and is found when asked for again", perhaps=True
                    ) from None
            await asyncio.sleep(AGAIN)

    async def _ask_to_begin(self, host: Host, step: Step, parcel: Parcel | None) -> Handle:
        session = await self._pool.session(host)
        path = f"{session.hello['runs']}/{step.id}"
        asked = self._request(host, step, parcel)
        try:
            try:
                await session.ask("begin", path=path, asked=asked)
            except Missing:
                assert parcel is not None  # noqa: S101 - only with one it can be missing
                await _send(session, parcel)
                await session.ask("begin", path=path, asked=asked)
        except Lost:
            self._unsure.add(step.id)
            raise
        except Rejected:
            self._unsure.discard(step.id)  # the host has looked
            raise
        self._unsure.discard(step.id)
        return Handle(executor=self.name, step=step.id, where=where_of(host, path))

    def _admitted(self, step: Step) -> Host:
        """The host it is to run on. Raises `Rejected` for one that is no target here, and for what can't be had."""
        if not step.run:
            raise Rejected(f"{step.name or 'the step'} has nothing to run")
        if step.sandbox is not None:
            raise Rejected("there is no sandbox on other hosts: leave `sandbox` out, and give the account few rights")
        host = host_of(self.settings, step.target)
        allowed = may_be_target(self.settings, host.name)
        if allowed is None and not self._pool.connector.pins.has(host):
            raise Rejected(f"no key is pinned for {host}: add its line to known_hosts, or its host_key to the settings")
        if allowed is False:
            raise Rejected(f"{host.name} is not among the hosts that may be targets (settings: allow)")
        return host

    def _request(self, host: Host, step: Step, parcel: Parcel | None) -> dict[str, Any]:
        secrets = {name: secret.get_secret_value() for name, secret in step.secrets.items()}
        return {
            "step": step.id,
            "name": step.name,
            "run": [parcel.program, *step.run[1:]] if parcel else list(step.run),
            "files": parcel.digest if parcel else "",
            "whitelist": list(self.settings.environment),
            "environment": {**step.environment, **secrets},
            "directory": step.directory,
            "timeout": step.timeout,
            "output_limit": step.output_limit,
            "kill_grace": self.settings.kill_grace,
            "bounds": step.bounds.model_dump(exclude_none=True),
            "surroundings": f"as {host.user} on {host.name} by ssh"
            + (f", {host.become} by sudo" if host.become else ""),
        }

    # what has begun

    async def _ask(self, handle: Handle, do: str, takes: float = 0.0, **arguments: Any) -> Any:
        """Ask about a run; once more where the connection proves dead. Raises no `Rejected`: a host that refuses to
        be asked says nothing of the run."""
        try:
            host, path = run_at(self.settings, handle.where)
        except Rejected as error:
            raise Unknown(str(error)) from None
        with suppress(Lost):
            return await self._ask_once(host, do, takes, path=path, **arguments)
        return await self._ask_once(host, do, takes, path=path, **arguments)

    async def _ask_once(self, host: Host, do: str, takes: float, **arguments: Any) -> Any:
        try:
            session = await self._pool.session(host)
            return await session.ask(do, takes, **arguments)
        except Rejected as error:
            raise Unavailable(str(error)) from None


async def _send(session: Session, parcel: Parcel) -> None:
    """In pieces, each answered before the next: a slow line is not filled up with one step's files."""
    upload, content = uuid4().hex, parcel.content
    for at in range(0, len(content), PIECE):
        await session.ask(
            "put",
            digest=parcel.digest,
            upload=upload,
            content=base64.b64encode(content[at : at + PIECE]).decode(),
            last=at + PIECE >= len(content),
        )
