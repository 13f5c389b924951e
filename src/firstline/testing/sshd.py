"""A real OpenSSH server on loopback, for the tests of whatever works on hosts.

It has keys and a configuration of its own (sshd_config(5)) and nothing of the machine's, and needs no rights: run by
somebody else than root it lets in that person alone. Host and client keys are made for it; nothing asks a person.

    with serve() as sshd:
        sshd.address, sshd.port, sshd.user, sshd.client_key, sshd.known_hosts
"""

import getpass
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

import asyncssh

from firstline.executors.process import tree
from firstline.testing.peer import need, without

PATIENCE = 20.0  # seconds until it answers

_CONFIGURATION = """
ListenAddress {address}:{port}
HostKey {folder}/host_key
AuthorizedKeysFile {folder}/authorized_keys
PidFile none
UsePAM no
UseDNS no
StrictModes no
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
MaxStartups 500
SetEnv SHLVL=1
Subsystem sftp internal-sftp
"""


class Sshd:
    """Accounts are served without the start files of their own that bash reads for sshd: they may take long.

    Begun by `start`; `kill` ends it and every session as a crash would, and `start` begins it again on its port,
    with its keys. `user` is who the tests run as; `client_key` lets in every account that sshd can serve."""

    def __init__(
        self, folder: Path, *, address: str = "127.0.0.1", options: str = "", client_key: Path | None = None
    ) -> None:
        self.folder = folder
        self.address = address
        self.user = getpass.getuser()
        self.port = 0
        self.client_key = client_key or folder / "client_key"
        self.log = folder / "log"
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None
        self.host_key = _make_key(folder / "host_key")
        (folder / "authorized_keys").write_text(
            (_public(client_key) if client_key else _make_key(self.client_key)) + "\n"
        )
        (folder / "authorized_keys").chmod(0o644)  # read as the user who signs in

    @property
    def known_hosts(self) -> str:
        """The line that pins it, under its address and port."""
        return f"[{self.address}]:{self.port} {self.host_key}\n"

    def start(self) -> None:
        """Return when it answers. The first time it takes a free port, of which another may be quicker."""
        first = self.port == 0
        for _ in range(5):
            self.port = self.port or _free_port(self.address)
            self._begin()
            if self._answers():
                return
            self.port = 0 if first else self.port
        raise RuntimeError(f"sshd does not answer: {self.log.read_text()}")

    def kill(self) -> None:
        """kill -9 of the server and of every session's process. What they started detached goes on."""
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(signal.SIGSTOP)  # it lets nobody in meanwhile
        while sessions := self._below(process.pid):  # each may be parting in two
            _kill(sessions)
        process.kill()
        process.wait()

    def kill_sessions(self) -> int:
        """kill -9 of what serves each connection, not of the server; returns how many processes that were."""
        sessions = self._below(self._process.pid) if self._process else []
        _kill(sessions)
        return len(sessions)

    @property
    def sessions(self) -> int:
        """How many connections it serves."""
        if self._process is None:
            return 0
        return sum(each.parent == self._process.pid for each in self._below(self._process.pid))

    def _below(self, listener: int) -> list[tree.Process]:
        """The monitors and the sessions of its connections, by their name: not what runs in them."""
        return [each for each in tree.descendants(listener) if each.name.startswith("sshd")]

    def _begin(self) -> None:
        file = self.folder / "sshd_config"
        file.write_text(self._options + _CONFIGURATION.format(address=self.address, port=self.port, folder=self.folder))
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # it insists, and Debian makes it with the service
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - it re-executes itself, so the path must be absolute
                [need("sshd", package="openssh-server"), "-D", "-e", "-f", file],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                env={"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
            )

    def _answers(self) -> bool:
        """Whether this process listens; False when it has ended instead."""
        deadline = time.monotonic() + PATIENCE
        while self._process and self._process.poll() is None and time.monotonic() < deadline:
            with suppress(OSError), socket.create_connection((_reachable(self.address), self.port), timeout=1) as peer:
                if peer.recv(4) == b"SSH-" and self._process.poll() is None:
                    return True
            time.sleep(0.01)
        self.kill()
        return False


@contextmanager
def serve(*, address: str = "127.0.0.1", options: str = "", client_key: Path | None = None) -> Iterator[Sshd]:
    """A server as long as the block lasts. `options`: lines of sshd_config that go before our own, for instance
    `MaxSessions 4`.
    `client_key`: lets in this private key instead of one of its own, as one of several hosts."""
    need("sshd", package="openssh-server")
    # Not pytest's folder, which only its owner may enter: others sign in here too.
    folder = Path(tempfile.mkdtemp(prefix="sshd-"))
    folder.chmod(0o755)
    server = Sshd(folder, address=address, options=options, client_key=client_key)
    try:
        server.start()
        yield server
    finally:
        server.kill()
        shutil.rmtree(folder)


@contextmanager
def account(*, sudo: bool, password: str = "") -> Iterator[str]:
    """An account of this machine as long as the block lasts, with a home; with `sudo` it may become anybody, after its
    password where it has one. Only root can make one: for others the test is left out."""
    if os.geteuid() != 0:
        without("only root can make an account")
    name = f"t{uuid4().hex[:12]}"
    sudoers = Path("/etc/sudoers.d", name)
    # `*`: no password fits. `!`, which is what is set otherwise, means locked, and sshd refuses it.
    _run(need("useradd", package="passwd"), "--create-home", "--shell", "/bin/sh", "--password", "*", name)
    try:
        if password:
            _run(need("chpasswd", package="passwd"), told=f"{name}:{password}")
        if sudo:
            need("sudo", package="sudo")
            sudoers.write_text(f"{name} ALL=(ALL) {'PASSWD' if password else 'NOPASSWD'}: ALL\n")
            sudoers.chmod(0o440)
        yield name
    finally:
        sudoers.unlink(missing_ok=True)
        owner = pwd.getpwnam(name).pw_uid
        _kill([each for each in tree.everybody() if _owner(each) == owner])
        _run(need("userdel", package="passwd"), "--remove", "--force", name)


def _make_key(path: Path) -> str:
    """Returns its public half, as it stands in known_hosts and authorized_keys."""
    key = asyncssh.generate_private_key("ssh-ed25519")
    path.write_bytes(b"")
    path.chmod(0o600)
    path.write_bytes(key.export_private_key())
    return _public(path)


def _public(private: Path) -> str:
    return asyncssh.read_private_key(private).export_public_key().decode().strip()


def _free_port(address: str) -> int:
    with socket.socket() as probe:
        probe.bind((address, 0))
        port: int = probe.getsockname()[1]
        return port


def _reachable(address: str) -> str:
    return "127.0.0.1" if address == "0.0.0.0" else address  # noqa: S104 - compared, not listened at


def _kill(processes: list[tree.Process]) -> None:
    for process in processes:
        tree.send(process, signal.SIGKILL)


def _owner(process: tree.Process) -> int | None:
    try:
        return (tree.PROC / str(process.id)).stat().st_uid
    except FileNotFoundError:
        return None


def _run(*command: str, told: str = "") -> None:
    subprocess.run(command, check=True, capture_output=True, input=told.encode())  # noqa: S603 - tests' own words
