"""What an operator sets for commands on this machine."""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class CommandSettings(BaseModel):
    """Times are in seconds, where nothing else is said."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    directory: Path = Field(
        default=Path("state/runs"),
        description="Where each run has its directory: on a local disk, the same after a restart, for the hub alone.",
    )
    environment: tuple[str, ...] = Field(
        default=("PATH", "HOME", "LANG", "LC_ALL", "TZ"),
        description="The variables of the hub's own environment that commands get. A step adds its own.",
    )
    kill_grace: float = Field(
        default=10.0, ge=0, le=3600, description="How long a command has to stop by itself, from SIGTERM to SIGKILL."
    )
    sandbox: Literal["auto", "bwrap", "none"] = Field(
        default="auto",
        description="What holds a step that declares a sandbox: bwrap, and where there is none as much as setpriv and "
        "unshare can do (auto); bwrap or nothing begins (bwrap); nothing (none).",
    )
    required: bool = Field(
        default=False,
        description="Each step has a sandbox: a closed one, unless it declares another. What bwrap can't hold is "
        "refused.",
    )
    hidden: tuple[Path, ...] = Field(
        default=(), description="Files and directories that a sandbox doesn't show, beside `directory`."
    )
    user: str = Field(default="", description="Whom commands run as; only root may say. Empty: as the hub.")
    keep: float = Field(
        default=14.0,
        gt=0,
        description="Days after its end until a run's output and working directory are removed. That it ran, and how "
        "it ended, stays.",
    )
