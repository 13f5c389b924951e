"""Opens a connection to a host, with what the settings say and nothing of the hub's own account: no ~/.ssh/config, no
agent, no default keys, no password. What goes wrong is told in the words of `firstline.errors`.

asyncssh's names for what a server says: https://asyncssh.readthedocs.io/en/latest/api.html#exceptions
"""

import asyncssh

from firstline.errors import FirstlineError, Rejected, Unavailable
from firstline.executors.ssh.host import Host
from firstline.executors.ssh.pin import Pins, refused
from firstline.executors.ssh.settings import SshSettings

# After the kinds that are pinned: a host that has only others then shows one, and can be told of by its fingerprint.
KINDS = "+ssh-ed25519,ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,ecdsa-sha2-nistp521,rsa-sha2-512,rsa-sha2-256"
ALIVE = 3  # questions without an answer until a host counts as gone

Key = asyncssh.SSHKey | tuple[asyncssh.SSHKey, asyncssh.SSHCertificate]


class Connector:
    """Opens connections for one set of settings."""

    def __init__(self, settings: SshSettings) -> None:
        asyncssh.set_log_level("WARNING")  # else each connection is told at length
        self.pins = Pins(settings.known_hosts)
        self._settings = settings
        self._key: Key | None = None

    async def open(self, host: Host, tunnel: asyncssh.SSHClientConnection | None) -> asyncssh.SSHClientConnection:
        """Raises `Rejected` when it is refused on either side, `Unavailable` when there is no answer."""
        pinned, key = self.pins.of(host), self.key()
        witness = _Witness()
        try:
            return await asyncssh.connect(
                host.address,
                host.port,
                tunnel=tunnel,
                config=None,
                username=host.user,
                client_keys=[key],
                agent_path=None,
                preferred_auth="publickey",
                known_hosts=pinned,
                server_host_key_algs=KINDS,
                host_key_alias=host.name,
                client_factory=lambda: witness,
                connect_timeout=self._settings.connect_timeout,
                login_timeout=self._settings.connect_timeout,
                keepalive_interval=self._settings.keepalive,
                keepalive_count_max=ALIVE,
            )
        except (OSError, asyncssh.Error) as error:
            raise _error(host, error, witness, pinned=self.pins.has(host)) from None

    def key(self) -> Key:
        """The private key to sign in with. Raises `Rejected` when there is none that can be read."""
        if self._key is None:
            self._key = _read_key(self._settings)
        return self._key


class _Witness(asyncssh.SSHClient):
    """Notes which key was refused: the error does not say."""

    def __init__(self) -> None:
        self.shown = ""

    def validate_host_public_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:  # noqa: ARG002
        self.shown = f"{key.get_algorithm()} {key.get_fingerprint()}"
        return False

    def validate_host_ca_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:  # noqa: ARG002
        self.shown = f"{key.get_algorithm()} {key.get_fingerprint()} (of the authority that signed its certificate)"
        return False


def _error(host: Host, error: Exception, witness: _Witness, *, pinned: bool) -> FirstlineError:
    words = str(error) or type(error).__name__
    if witness.shown:
        return refused(host, witness.shown, pinned)
    if isinstance(error, asyncssh.HostKeyNotVerifiable):
        return Rejected(f"the key of {host} is not trusted: {words}")
    if isinstance(error, asyncssh.PermissionDenied):
        return Rejected(
            f"{host} does not let the hub in: {words}. Its public key must stand in the account's authorized_keys"
        )
    if isinstance(error, asyncssh.KeyExchangeFailed):
        return Rejected(f"{host} and the hub agree on no algorithm: {words}")
    return Unavailable(f"{host} can't be reached: {words}")


def _read_key(settings: SshSettings) -> Key:
    if not settings.key:
        raise Rejected("there is no private key to sign in with (settings: key, for instance `file:keys/id_ed25519`)")
    try:
        key = asyncssh.import_private_key(settings.key.rstrip() + "\n", settings.passphrase or None)
        if not settings.certificate:
            return key
        return key, asyncssh.import_certificate(settings.certificate)
    except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError) as error:
        raise Rejected(f"the private key can't be read: {error} (settings: key, passphrase, certificate)") from None
