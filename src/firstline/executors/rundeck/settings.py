"""What an operator sets for one Rundeck server, and what a runbook says to it."""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr

OPTION = r"^[A-Za-z_][A-Za-z0-9_.-]*$"  # Rundeck's own names of options: letters, digits, `_`, `.`, `-`


class RundeckSettings(BaseModel):
    """Times are in seconds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: str = Field(pattern=r"^https?://[^?#]+$", description="Where Rundeck is, as people open it.")
    token: SecretStr = Field(description="An API token; it needs `run`, `read` and `kill` on the jobs.")
    api_version: int = Field(
        default=41, ge=18, le=999, description="Of Rundeck's API. 41: Rundeck 4.0 has it, and all since."
    )
    ca: Path | None = Field(default=None, description="The certificates that Rundeck's own is signed with.")
    key_option: str = Field(
        default="firstline_run", pattern=OPTION, description="The option that carries the run's key, to find it by."
    )
    settle: float = Field(
        default=20.0,
        ge=0,
        le=600,
        description="How long an execution is looked for after the answer to its start was lost.",
    )
    stop_patience: float = Field(
        default=30.0, gt=0, le=3600, description="How long an execution may take to end after it was aborted."
    )
    directory: Path = Field(
        default=Path("state/runs"), description="Where what was begun is written down before it is asked for."
    )


class RundeckParameters(BaseModel):
    """A step's `with`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    job: str = Field(pattern=r"^[A-Za-z0-9_.-]+$", description="The job's UUID.")
    options: dict[str, str | int | float | bool | list[str]] = Field(
        default_factory=dict, description="Its options. Secret ones are the step's `secrets`, by the option's name."
    )
    filter: str = Field(
        default="",
        description="A node filter. Empty: the step's targets by name; the target `local`: the job's own nodes.",
    )
    log_level: Literal["", "DEBUG", "VERBOSE", "INFO", "WARN", "ERROR"] = Field(
        default="", description="Empty: the job's own."
    )
    as_user: str = Field(default="", description="Who it is run as; the token needs `runAs`.")
    timeout_option: str = Field(
        default="",
        pattern=rf"{OPTION}|^$",
        description="The option that the job's own time-out names (`${option.NAME}`): then Rundeck keeps to the step's "
        "time-out also while the hub is down.",
    )
