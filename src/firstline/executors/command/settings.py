"""What an operator sets for commands on this machine."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field


class CommandSettings(BaseModel):
    """Times are in seconds."""

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
