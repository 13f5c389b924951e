"""The host keys that are trusted: those that an operator wrote down, and no other. Nothing is learnt by itself."""

from ipaddress import ip_address
from pathlib import Path
from typing import Any, NamedTuple

import asyncssh

from firstline.errors import Rejected
from firstline.executors.ssh.host import Host

_HOST_KEYS, _AUTHORITIES = 0, 1  # places in what `SSHKnownHosts.match` gives


class _Read(NamedTuple):
    stamp: tuple[int, int]
    known: asyncssh.SSHKnownHosts


class Pins:
    def __init__(self, file: Path | None) -> None:
        self._file = file.expanduser() if file else None
        self._read: _Read | None = None

    def of(self, host: Host) -> tuple[list[Any], ...]:
        """What is pinned for it, by its name or its address, in the form that asyncssh takes: keys, authorities,
        revoked keys, and the same for X.509. Raises `Rejected` when that can't be read."""
        port = host.port if host.port != asyncssh.DEFAULT_PORT else None
        found: tuple[list[Any], ...] = tuple([] for _ in range(7))
        for name in dict.fromkeys((host.name, host.address)):
            for kept, matched in zip(found, self._known().match(name, _address(name), port), strict=True):
                kept.extend(matched)
        if host.host_key:
            found[_HOST_KEYS].append(_key(host))
        return found

    def has(self, host: Host) -> bool:
        pinned = self.of(host)
        return bool(pinned[_HOST_KEYS] or pinned[_AUTHORITIES])

    def _known(self) -> asyncssh.SSHKnownHosts:
        if self._file is None:
            return asyncssh.import_known_hosts("")
        try:
            found = self._file.stat()
            stamp = (found.st_mtime_ns, found.st_size)
            if self._read is None or self._read.stamp != stamp:
                self._read = _Read(stamp, asyncssh.import_known_hosts(self._file.read_text()))
        except (OSError, ValueError) as error:
            raise Rejected(f"the pinned host keys in {self._file} can't be read: {error}") from None
        return self._read.known


def refused(host: Host, shown: str, pinned: bool) -> Rejected:
    """Why a host that shows an unpinned key (its kind and fingerprint) is not spoken to, and the mend."""
    if pinned:
        return Rejected(
            f"{host} shows the key {shown}, which is not the one pinned for it: the host was made anew, or somebody "
            f"else answers in its place. Ask who runs it; if the key is its own, replace its line in known_hosts"
        )
    return Rejected(
        f"no key is pinned for {host}, which shows {shown}. Compare that with `ssh-keygen -lf "
        f"/etc/ssh/ssh_host_ed25519_key.pub` on the host itself; if it is the same, add its line to known_hosts"
    )


def _key(host: Host) -> asyncssh.SSHKey:
    try:
        return asyncssh.import_public_key(host.host_key)
    except asyncssh.KeyImportError as error:
        raise Rejected(f"the host_key set for {host.name} can't be read: {error}") from None


def _address(name: str) -> str:
    """The name, where it is an address."""
    try:
        return str(ip_address(name))
    except ValueError:
        return ""
