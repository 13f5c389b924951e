"""A step as a job, or as a workflow job, of AWX or Automation Controller."""

import asyncio
import time
from typing import Any, ClassVar

from pydantic import BaseModel

from firstline.errors import FirstlineError, Rejected, Unauthorized, Unavailable, Unknown
from firstline.executor import Executor, Handle, Progress, State, Step, parameters
from firstline.executors.awx import health
from firstline.executors.awx.api import Api, Gone, content
from firstline.executors.awx.document import Launch, Launched, Survey
from firstline.executors.awx.request import Key, Template, body_of, key_of, mismatches, passed_on, refuse
from firstline.executors.awx.run import Address, Run, Sight
from firstline.executors.awx.search import find
from firstline.executors.awx.settings import AwxParameters, AwxSettings
from firstline.executors.awx.workflow import see_that_nodes_take
from firstline.executors.polled.foreign import read
from firstline.executors.polled.memory import Memory
from firstline.executors.polled.record import Record
from firstline.executors.polled.wire import Lost
from firstline.finding import Finding
from firstline.masking import Masker

_UNSURE = "whether it was launched can't be told"
LONGEST_PAUSE = 2.0  # seconds between two looks for what was asked for

Body = dict[str, Any]


class AwxExecutor(Executor[AwxSettings]):
    """Launches a template for each step, on its own hosts or with the step's targets as its limit.

    The run's key goes with the launch as an extra variable, or as a tag to skip where the template prompts for that
    alone. When the answer is lost, the job is looked for by it; it is launched again only when AWX can't be at work on
    the first request any more. A template that prompts for neither leaves nothing to look for: then it is `Unknown`.
    """

    name: ClassVar[str] = "awx"
    settings_model: ClassVar[type[BaseModel]] = AwxSettings
    step_model: ClassVar[type[BaseModel]] = AwxParameters
    many: ClassVar[bool] = True
    supports_dry_run: ClassVar[bool] = True

    def __init__(self, settings: AwxSettings) -> None:
        super().__init__(settings)
        self._api = Api(settings)
        self._runs: Memory[Run] = Memory()

    async def check(self) -> list[Finding]:
        return await health.check(self._api, self.settings)

    async def start(self, step: Step) -> Handle:
        told = parameters(AwxParameters, step)
        refuse(step, told)
        record = self._record(step.id)
        async with record.locked():
            path = record.read("run").get("path") or await self._found_or_begun(step, told, record)
        return Handle(executor=self.name, step=step.id, where=str(Address.of(path, step)))

    async def watch(self, handle: Handle, offset: int = 0) -> Progress:
        address = Address.parse(handle.where)
        if address is None:
            return Progress(state=State.UNKNOWN, offset=offset, detail=f"{handle.where!r} is no job of AWX's")
        run, record = self._run(handle.where, address), self._record(handle.step)
        try:
            sight = await run.sight()
            if sight.state is State.RUNNING and sight.age >= address.timeout:
                detail = f"its time was up after {address.timeout:g} seconds"
                sight = await self._stop(run, address, record, State.TIMED_OUT, detail)
            return await run.look(offset, sight, record.read("stopped"))
        except Gone as error:
            detail = f"{error}: it was deleted there, or is not for this account to see; how it ended can't be told"
            return Progress(state=State.UNKNOWN, offset=offset, detail=detail)
        except (Rejected, Unauthorized) as error:
            raise Unavailable(str(error)) from None

    async def cancel(self, handle: Handle) -> None:
        address = Address.parse(handle.where)
        if address is None:
            raise Unknown(f"{handle.where!r} is no job of AWX's")
        run, record = self._run(handle.where, address), self._record(handle.step)
        try:
            if not (await run.sight()).state.ended:
                await self._end(run, address, record, State.CANCELLED, "cancelled")
        except Gone as error:
            raise Unknown(f"{error}: whether it runs can't be told") from None
        except (Rejected, Unauthorized) as error:
            raise Unavailable(str(error)) from None

    async def aclose(self) -> None:
        await self._api.aclose()

    def _record(self, step: str) -> Record:
        return Record(self.settings.directory.absolute() / step)

    def _run(self, where: str, address: Address) -> Run:
        return self._runs.run(where, lambda: Run(self._api, address))

    async def _found_or_begun(self, step: Step, told: AwxParameters, record: Record) -> str:
        begun = record.read("begun")
        try:
            template = await self._template(told)
            key = key_of(step, template, self.settings.key_variable)
            body = body_of(step, told, template, key, await self._numbers(told, template))
        except (Rejected, Unauthorized) as error:
            if begun:  # what would be refused by now may have been launched then
                raise Unknown(f"{_UNSURE}: {error}; look among those of {begun['template']}") from None
            raise
        found = await self._found(step, template, key, begun)
        if found is None:
            if told.is_workflow and (names := passed_on(told, body)):
                await see_that_nodes_take(self._api, template.path, names)
            record.write("begun", {"at": time.time(), "template": template.path})
            found = await self._launch(step, template, key, body, record)
        path, job = found
        wrong = [*mismatches(job, body, template.passwords), *(job.get("ignored_fields") or {})]
        if wrong:
            await self._undo(step, path, f"AWX launched it without what was asked: {', '.join(wrong)}")
        record.write("run", {"path": path})
        return path

    async def _template(self, told: AwxParameters) -> Template:
        """Raises `Rejected` when it is not there, or not to be launched by us."""
        kind = "workflow_job_templates" if told.is_workflow else "job_templates"
        query = {"organization__name": told.organization} if told.organization else {}
        path = f"{kind}/{(await self._api.named(kind, told.template, **query)).id}"
        launch = await self._api.get(Launch, f"{path}/launch")
        if not launch.survey_enabled:
            return Template(path, launch)
        questions = (await self._api.get(Survey, f"{path}/survey_spec")).spec
        return Template(
            path,
            launch,
            frozenset(question.variable for question in questions),
            frozenset(question.variable for question in questions if question.type == "password"),
        )

    async def _numbers(self, told: AwxParameters, template: Template) -> Body:
        """Of what is named: AWX wants numbers. The template's other credentials must be among them."""
        found: Body = {}
        if told.inventory:
            found["inventory"] = (await self._api.named("inventories", told.inventory)).id
        if told.credentials:
            given = [await self._api.named("credentials", credential) for credential in told.credentials]
            types = {credential.credential_type for credential in given}
            kept = [each for each in template.launch.defaults.credentials if each.credential_type not in types]
            found["credentials"] = sorted({*(each.id for each in given), *(each.id for each in kept)})
        return found

    async def _found(self, step: Step, template: Template, key: Key, begun: Body) -> tuple[str, Body] | None:
        """What an earlier start has begun; None when it surely has begun nothing."""
        if not (key.variable or key.tag):
            if begun:
                raise Unknown(_lost(step, template, "an earlier start was not answered"))
            return None
        if not begun:
            return await find(self._api, template, key, step.id, time.time() - self.settings.look_back)
        return await self._settle(template, key, step.id, begun["at"], begun["at"] + self.settings.settle)

    async def _launch(self, step: Step, template: Template, key: Key, body: Body, record: Record) -> tuple[str, Body]:
        begun = time.time()
        try:
            return await self._post(
                template, body, Masker(secret.get_secret_value() for secret in step.secrets.values())
            )
        except Lost as lost:
            if not (key.variable or key.tag):
                raise Unknown(_lost(step, template, str(lost))) from None
            found = await self._settle(template, key, step.id, begun, begun + self.settings.settle)
            if found is None:
                raise Unavailable(f"the launch was not answered, and no job was made of it: {lost}") from None
            return found
        except FirstlineError:
            record.remove("begun")
            raise

    async def _post(self, template: Template, body: Body, mask: Masker) -> tuple[str, Body]:
        """Raises `Lost` when AWX may have launched it; anything else when it surely has not."""
        what = f"{template.path}/launch"
        answer = await self._api.send("POST", what, json=body)
        if answer.status >= 500:
            raise Lost(str(self._api.error(answer, f"POST {what}", mask)))
        if not answer.ok:
            raise self._api.error(answer, f"POST {what}", mask)
        try:
            job = content(answer, what)
            made = read(Launched, job, "what it answered")
        except Unavailable as error:
            raise Lost(f"POST {what} answered {answer.status} without a job: {error}") from None
        return made.path, job

    async def _settle(
        self, template: Template, key: Key, step: str, since: float, until: float
    ) -> tuple[str, Body] | None:
        """Look for it until it would be there by now. Raises `Unknown` when it can't be looked for."""
        pause, patience = 0.05, time.time() + self.settings.settle
        while True:
            over = time.time() > until
            try:
                found = await find(self._api, template, key, step, since)
                if found or over:
                    return found
            except Unavailable as error:
                if time.time() > max(until, patience):
                    raise Unknown(f"{_UNSURE}: {error}") from None
            except (Rejected, Unauthorized) as error:  # of the look for it, not of the launch
                raise Unknown(f"{_UNSURE}: {error}") from None
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    async def _undo(self, step: Step, path: str, why: str) -> None:
        """It runs, and must not: it has failed, for this reason."""
        address = Address.of(path, step)
        run = self._run(str(address), address)
        await self._end(run, address, self._record(step.id), State.FAILED, why)

    async def _end(self, run: Run, address: Address, record: Record, state: State, detail: str) -> None:
        deadline, pause = time.monotonic() + self.settings.cancel_within, 0.02
        while not (await self._stop(run, address, record, state, detail)).state.ended:
            if time.monotonic() > deadline:
                raise Unavailable(f"AWX was asked to end {address.path}, and it goes on")
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    async def _stop(self, run: Run, address: Address, record: Record, state: State, detail: str) -> Sight:
        """Ask for its end. 202: it is on its way; 405: it has ended (GenericCancelView)."""
        if not record.read("stopped"):
            record.write("stopped", {"state": state, "detail": detail})
        answer = await self._api.send("POST", f"{address.path}/cancel")
        if not answer.ok and answer.status != 405:
            raise self._api.error(answer, f"POST {address.path}/cancel")
        return await run.sight()


def _lost(step: Step, template: Template, why: str) -> str:
    return (
        f"whether {step.name or 'the step'} has begun can't be told: {why}. The template prompts neither for variables "
        f"nor for tags to skip, so its jobs bear no key; look among those of {template.path.replace('_', ' ')}"
    )
