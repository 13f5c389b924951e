"""The secrets that runbooks name: who may have which, and what it is, at the last moment."""

import asyncio
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor

from pydantic import SecretStr

from firstline.errors import Rejected
from firstline.masking import SHORTEST
from firstline.secret.reader import Learn, References
from firstline.secret.reference import reference
from firstline.secret.settings import SecretGrant

Grants = Mapping[str, SecretGrant]

THREADS = 2  # of its own: a Vault that hangs holds up nothing else


def check(grants: Grants, pack: str, executor: str, name: str) -> None:
    """Raises `Rejected` when steps of this pack may not have a secret with this executor."""
    grant = _grant(grants, name)
    if pack not in grant.packs:
        where = f"[secrets.names.{name}] packs"
        raise Rejected(f"the pack {pack} may not have the secret {name}: {where} does not name it")
    if grant.executors is not None and executor not in grant.executors:
        where = f"[secrets.names.{name}] executors"
        raise Rejected(f"the secret {name} is not for the executor {executor}: {where} does not name it")


class Secrets:
    """Made once by the hub. What it gives is masked from then on: `learn` is told first."""

    def __init__(self, grants: Grants, references: References, learn: Learn) -> None:
        self._grants, self._references, self._learn = grants, references, learn
        references.teach(learn)
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="secret")

    def check(self, pack: str, executor: str, name: str) -> None:
        """Raises `Rejected` when steps of this pack may not have it with this executor."""
        check(self._grants, pack, executor, name)

    async def resolve(self, name: str) -> SecretStr:
        """Raises `Rejected` for what is not there or can't be masked, `Unauthorized` when Vault refuses the hub,
        `Unavailable` when it can't be asked now. No words of them hold a value."""
        return (await self.resolve_all([name]))[name]

    async def resolve_all(self, names: Iterable[str]) -> dict[str, SecretStr]:
        """By name, as `resolve`; what is leased under one path, as a user and a password, is of one lease."""
        wanted = {name: _grant(self._grants, name).from_ for name in names}
        loop = asyncio.get_running_loop()
        found = await loop.run_in_executor(self._threads, self._read, wanted)
        return {name: SecretStr(value) for name, value in found.items()}

    async def keep(self) -> None:
        """Renew the sign-in at Vault if it is time to; call it every minute. Raises as `resolve`."""
        await asyncio.get_running_loop().run_in_executor(self._threads, self._references.keep)

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._references.close()

    def _read(self, wanted: Mapping[str, str]) -> dict[str, str]:
        values = self._references.read({f"the secret {name}": reference(each) for name, each in wanted.items()})
        self._learn(values)
        for name, value in zip(wanted, values, strict=True):
            if len(value.strip()) < SHORTEST:
                raise Rejected(f"the secret {name} has less than {SHORTEST} characters: it could not be masked")
        return dict(zip(wanted, values, strict=True))


def _grant(grants: Grants, name: str) -> SecretGrant:
    if name not in grants:
        raise Rejected(f"there is no secret {name}: firstline.toml has no [secrets.names.{name}]")
    return grants[name]
