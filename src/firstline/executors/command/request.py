"""All that is asked of a supervisor, made of a step and of what this machine has. Refused here, before anything begins,
when it can't be."""

import os
import pwd
from pathlib import Path

from firstline.errors import Rejected
from firstline.executor import Sandbox, Step
from firstline.executors.command.confinement import Account, Place, bounds_of, confine
from firstline.executors.command.program import environment_of, program_of
from firstline.executors.command.settings import CommandSettings
from firstline.executors.command.tool import Tools
from firstline.executors.process.program import NotThere, directory_of
from firstline.executors.process.request import Request
from firstline.executors.process.run_directory import RunDirectory


def request_of(step: Step, run: RunDirectory, settings: CommandSettings, tools: Tools) -> Request:
    account = account_of(settings, tools)
    if account and (closed := closed_on_the_way_to(run.path)):
        raise Rejected(f"commands shall run as {account.name!r}, who can't get to {run.path}: {closed} is closed")
    environment = environment_of(step, settings.environment, os.environ)
    if account:
        environment |= {"HOME": account.home, "USER": account.name, "LOGNAME": account.name} | step.environment
    try:
        directory = directory_of(step.directory, run.work)
        program = str(program_of(step, environment, directory))
    except NotThere as error:
        raise Rejected(str(error)) from None
    place = Place(run, directory, tuple(path.resolve() for path in settings.hidden if path.exists()))
    sandbox = sandbox_of(step, settings, tools)
    confined = confine(step, place, tools, account, sandbox)
    waived = "no sandbox: switched off by the settings" if step.sandbox and not sandbox else ""
    arguments = [*confined.arguments, program, *step.run[1:]]
    request = Request(
        step=step.id,
        name=step.name,
        run=arguments if confined.arguments else list(step.run),
        program=arguments[0],
        environment=environment,
        # bwrap changes into it by itself: it may be there only inside.
        directory=str(directory),
        workplace=str(run.path),
        timeout=step.timeout,
        output_limit=step.output_limit,
        kill_grace=settings.kill_grace,
        bounds=bounds_of(step.bounds, confined.beside),
        surroundings="; ".join(filter(None, (waived, confined.surroundings))),
    )
    if account:
        request["owner"] = [account.user, account.group]
    return request


def account_of(settings: CommandSettings, tools: Tools) -> Account | None:
    if not settings.user:
        return None
    try:
        found = pwd.getpwnam(settings.user)
    except KeyError:
        raise Rejected(f"commands shall run as {settings.user!r}, whom this machine does not know") from None
    if not tools.root and found.pw_uid != os.geteuid():
        raise Rejected(f"commands shall run as {settings.user!r}; only a hub that is root can do that")
    return Account(found.pw_name, found.pw_uid, found.pw_gid, found.pw_dir) if tools.root else None


def closed_on_the_way_to(path: Path) -> Path | None:
    """The first directory there that other accounts may not pass."""
    return next((each for each in path.parents if each.exists() and not each.stat().st_mode & 0o001), None)


def sandbox_of(step: Step, settings: CommandSettings, tools: Tools) -> Sandbox | None:
    """The walls it gets. Raises `Rejected` when it must have some that can't be had."""
    declared = step.sandbox or (Sandbox() if settings.required else None)
    if declared is None:
        return None
    must = settings.required or settings.sandbox == "bwrap"
    if settings.sandbox == "none":
        if must:
            raise Rejected("each step must have a sandbox (`required`), and the settings allow none (`sandbox`)")
        return None
    if must and not tools.bwrap:
        raise Rejected(f"the step's sandbox can't be had: {tools.without}")
    for path in declared.writes:
        if not path.startswith("/") or not Path(path).exists() or Path(path).resolve() == Path("/"):
            raise Rejected(f"the sandbox can't let it write to {path!r}: not the absolute path of something in /")
    return declared
