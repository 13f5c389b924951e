"""What `firstline doctor` is told of the hosts."""

import asyncio

from firstline.errors import FirstlineError, Rejected
from firstline.executors.ssh.host import Host, host_of
from firstline.executors.ssh.pool import Pool
from firstline.executors.ssh.settings import SshSettings
from firstline.finding import Finding

_PATTERN = frozenset("*?[")


async def look_at(pool: Pool, settings: SshSettings) -> list[Finding]:
    """The key, then each host that the settings name (patterns name none), signed in to as a step would be."""
    if not (settings.key or settings.hosts or settings.known_hosts):
        return []  # it is installed with the hub, and not used here
    names = [name for name in settings.hosts if not _PATTERN & set(name)]
    return [_look_at_key(pool), *await asyncio.gather(*(_look_at_host(pool, settings, name) for name in names))]


def _look_at_key(pool: Pool) -> Finding:
    try:
        pool.connector.key()
    except FirstlineError as error:
        return Finding(ok=False, subject="ssh key", message=str(error), mend="set key to a private key")
    return Finding(ok=True, subject="ssh key", message="can be read")


async def _look_at_host(pool: Pool, settings: SshSettings, name: str) -> Finding:
    subject = f"ssh {name}"
    try:
        host = host_of(settings, name)
        session = await pool.session(host)
        await session.ask("prepare")
    except FirstlineError as error:
        return Finding(ok=False, subject=subject, message=str(error), mend=_mend(error))
    return Finding(ok=True, subject=subject, message=_well(host, session.hello))


def _well(host: Host, hello: dict[str, str]) -> str:
    return f"{host}: runs as {hello['user']} on {hello['host']}, Python {hello['python']}, kept in {hello['runs']}"


def _mend(error: FirstlineError) -> str:
    if isinstance(error, Rejected):
        return "the message says what is refused, and by whom"
    return "see that the host is up, and that the hub may connect to it"
