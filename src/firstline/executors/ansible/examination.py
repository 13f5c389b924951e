"""Whether playbooks can be run from here."""

import asyncio
import os
import re
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path
from tempfile import NamedTemporaryFile

from firstline.executors.ansible.settings import PROGRAM, AnsibleSettings
from firstline.finding import Finding

OLDEST = (2, 18)
PATIENCE = 30.0  # seconds until it has said its version
_VERSION = re.compile(r"core (\d+)\.(\d+)[\w.]*")


async def examine(settings: AnsibleSettings) -> list[Finding]:
    return [await _program(settings), *_ssh(settings), *_keys(settings)]


async def _program(settings: AnsibleSettings) -> Finding:
    program = settings.find_program()
    if program is None:
        return Finding(
            ok=False,
            subject=PROGRAM,
            message=f"{settings.program or PROGRAM} is not installed",
            mend="pip install 'firstline[ansible]', or name the program in the executor's settings",
        )
    with NamedTemporaryFile(suffix=".cfg") as configuration:  # an empty one: nobody's own is read
        own = {name: os.environ[name] for name in settings.environment if name in os.environ}
        words = await _version(program, {**own, "LC_ALL": "C.UTF-8", "ANSIBLE_CONFIG": configuration.name})
    found = _VERSION.search(words)
    ok = found is not None and (int(found[1]), int(found[2])) >= OLDEST
    mend = "" if ok else f"ansible-core {OLDEST[0]}.{OLDEST[1]} or later is needed"
    return Finding(ok=ok, subject=PROGRAM, message=f"{program}: {found[0] if found else words}", mend=mend)


async def _version(program: str, environment: dict[str, str]) -> str:
    try:
        asked = await asyncio.create_subprocess_exec(
            program,
            "--version",
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env=environment,
        )
    except OSError as error:
        return str(error)
    try:
        said, _ = await asyncio.wait_for(asked.communicate(), PATIENCE)
    except TimeoutError:
        asked.kill()
        await asked.wait()
        return f"no answer within {PATIENCE:g} seconds"
    return said.decode(errors="replace").strip().partition("\n")[0] or f"exit status {asked.returncode}"


def _ssh(settings: AnsibleSettings) -> Iterator[Finding]:
    if settings.known_hosts is None:
        yield Finding(ok=True, subject="hosts", message="known_hosts is not set: only `local` can be a target")
        return
    program = shutil.which("ssh")
    mend = "" if program else "install OpenSSH's client (Debian's openssh-client)"
    yield Finding(ok=bool(program), subject="ssh", message=program or "ssh is not in PATH", mend=mend)
    yield _readable("known_hosts", settings.known_hosts)


def _keys(settings: AnsibleSettings) -> Iterator[Finding]:
    keys = [settings.private_key, *(host.private_key for host in settings.hosts.values())]
    for key in dict.fromkeys(key for key in keys if key):
        found = _readable("private_key", key)
        if found.ok and stat.S_IMODE(key.stat().st_mode) & 0o077:
            found = Finding(
                ok=False, subject="private_key", message=f"{key} is open to others: ssh refuses it", mend="chmod 600"
            )
        yield found


def _readable(subject: str, path: Path) -> Finding:
    try:
        with path.open("rb"):
            return Finding(ok=True, subject=subject, message=str(path))
    except OSError as error:
        return Finding(ok=False, subject=subject, message=str(error), mend="the hub must be able to read it")
