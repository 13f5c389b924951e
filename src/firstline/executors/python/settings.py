"""What an operator sets for functions."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field


class PythonSettings(BaseModel):
    """Times are in seconds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    directory: Path = Field(
        default=Path("state/runs"),
        description="Where each run has its directory: on a local disk, the same after a restart, for the hub alone.",
    )
    allow: tuple[str, ...] = Field(default=("*",), description="Patterns of functions that runbooks may name.")
    environment: tuple[str, ...] = Field(
        default=("PATH", "HOME", "LANG", "LC_ALL", "TZ"),
        description="The variables of the hub's own environment that functions get. A step adds its own.",
    )
    kill_grace: float = Field(
        default=10.0, ge=0, le=3600, description="How long a function has to stop by itself, from SIGTERM to SIGKILL."
    )
    resumptions: int = Field(
        default=3, ge=0, le=100, description="How many times a run of a resumable function that was lost begins again."
    )
