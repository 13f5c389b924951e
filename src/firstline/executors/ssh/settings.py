"""What an operator sets for hosts that are reached by SSH."""

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Port = Annotated[int, Field(gt=0, lt=65_536)]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class HostSettings(_Model):
    """Of one host, or of all that a pattern names. What is not set here is as the executor's own settings say."""

    address: str = Field(default="", description="Where it is reached; empty: under its name.")
    port: Port | None = Field(default=None, description="Of its SSH server.")
    user: str | None = Field(default=None, description="The account to sign in to.")
    jump: str | None = Field(
        default=None, description="`user@host:port` to go through; several parted by commas, the nearest first."
    )
    become: str | None = Field(default=None, description="The account that runs steps there, by sudo.")
    python: str | None = Field(default=None, description="Its Python, 3.8 or later.")
    host_key: str = Field(
        default="", description="Its public key as in known_hosts, without the names: `ssh-ed25519 AAAA...`."
    )


class SshSettings(_Model):
    """Times are in seconds."""

    hosts: dict[str, HostSettings] = Field(
        default={}, description="By name, or by pattern (`web*`): a name goes before patterns, which go in their order."
    )
    allow: tuple[str, ...] = Field(
        default=(), description="Patterns of the hosts that may be targets; empty: those whose key is pinned."
    )
    users: tuple[str, ...] = Field(
        default=(), description="Accounts that a target may name (`root@web1`) beside the one that is set."
    )
    user: str = Field(default="", description="The account to sign in to; empty: named as the hub's own.")
    port: Port = 22
    jump: str = Field(default="", description="`user@host:port` to go through; several parted by commas.")
    become: str = Field(default="", description="The account that runs steps, by sudo; empty: who signs in.")
    become_password: str = Field(default="", repr=False, description="What sudo asks for; empty: it must ask nothing.")
    python: str = Field(default="python3", description="The hosts' Python, 3.8 or later: a name or a path.")
    known_hosts: Path | None = Field(
        default=None, description="The file of pinned host keys, as OpenSSH has it; read again when it has changed."
    )
    key: str = Field(default="", repr=False, description="The private key: its text, by `file:` or another reference.")
    passphrase: str = Field(default="", repr=False, description="Of the private key.")
    certificate: str = Field(default="", description="An OpenSSH user certificate for the key: its text.")
    remote_directory: str = Field(
        default="~/.firstline",
        pattern=r"^(~/|/)",
        description="Where runs are kept on the host: private to the account that runs them, on a local disk.",
    )
    environment: tuple[str, ...] = Field(
        default=("PATH", "HOME", "LANG", "LC_ALL", "TZ", "USER", "LOGNAME", "SHELL"),
        description="The variables of the account's environment that commands get. A step adds its own.",
    )
    kill_grace: float = Field(
        default=10.0, ge=0, le=3600, description="How long a command has to stop by itself, from SIGTERM to SIGKILL."
    )
    connect_timeout: float = Field(default=15.0, gt=0, description="For a connection: reached, signed in, ready.")
    keepalive: float = Field(
        default=10.0, gt=0, description="How often a silent host is asked whether it is there; gone after three."
    )
    patience: float = Field(
        default=30.0, ge=0, description="How long a start whose answer was lost is asked for again at once."
    )
    idle: float = Field(default=300.0, gt=0, description="How long a connection that nobody uses is kept open.")
    connections: int = Field(default=500, gt=0, description="How many may be open at a time.")
    keep: float = Field(default=14.0, gt=0, description="Days that an ended run and its output are kept on the host.")
