"""What an operator sets for playbooks: the program, and how hosts are reached."""

import shutil
import sys
from fnmatch import fnmatchcase
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, JsonValue

PROGRAM = "ansible-playbook"


class Host(BaseModel):
    """How one host, or those that fit one pattern, are reached. What is not said is as the executor's settings say."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    address: str = Field(default="", description="Name or address to connect to; empty: the target's own name.")
    port: int | None = Field(default=None, gt=0, lt=65536, description="Where its sshd listens.")
    user: str = Field(default="", description="Who to sign in as.")
    private_key: Path | None = Field(default=None, description="File of the private key to sign in with.")
    jump: str = Field(default="", description="Through which host: `[user@]host[:port]`; its key is pinned as well.")
    python: str = Field(default="", description="Path of Python on the host; empty: found by Ansible.")
    groups: tuple[str, ...] = Field(default=(), description="Groups it is in, for `hosts:` of plays.")
    variables: dict[str, JsonValue] = Field(default={}, description="Its variables, for playbooks.")


class AnsibleSettings(BaseModel):
    """Times are in seconds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    directory: Path = Field(
        default=Path("state/runs"),
        description="Where each run has its directory: on a local disk, the same after a restart, for the hub alone.",
    )
    program: str = Field(
        default="", description=f"Path of {PROGRAM}; empty: the one beside the hub's Python, else the one in PATH."
    )
    allow: tuple[str, ...] = Field(
        default=("*",), description="Patterns of targets that may be named; `local` is the hub's own machine."
    )
    known_hosts: Path | None = Field(
        default=None,
        description="File with the keys of all hosts, as of sshd(8). Without it only `local` can be a target.",
    )
    user: str = Field(default="", description="Who to sign in as, unless a host says otherwise.")
    private_key: Path | None = Field(default=None, description="File of the private key, unless a host says otherwise.")
    hosts: dict[str, Host] = Field(default={}, description="By a target's name, or a pattern: the first that fits.")
    collections: tuple[Path, ...] = Field(default=(), description="Folders in which Ansible looks for collections.")
    environment: tuple[str, ...] = Field(
        default=("PATH", "HOME", "LANG", "TZ"),
        description="The variables of the hub's own environment that Ansible gets; never ANSIBLE_*.",
    )
    forks: int = Field(default=10, gt=0, le=500, description="How many hosts a task runs on at a time.")
    connect_timeout: int = Field(default=10, gt=0, le=600, description="How long a host has to answer.")
    pipelining: bool = Field(
        default=False,
        description="Send modules over standard input: faster, but what is cancelled goes on on the host.",
    )
    kill_grace: float = Field(
        default=10.0, ge=0, le=3600, description="How long Ansible has to stop by itself, from SIGTERM to SIGKILL."
    )

    def host(self, target: str) -> Host:
        """How a target is reached."""
        exact = self.hosts.get(target)
        fitting = (host for pattern, host in self.hosts.items() if fnmatchcase(target, pattern))
        return exact or next(fitting, Host())

    def find_program(self) -> str | None:
        """The path of the program; None when it is not installed."""
        beside = str(Path(sys.executable).parent)
        if self.program:
            return shutil.which(self.program)
        return shutil.which(PROGRAM, path=beside) or shutil.which(PROGRAM)
