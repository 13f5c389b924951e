"""What an operator sets for one AWX, and what a runbook says to it."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, JsonValue, SecretStr, model_validator


class AwxSettings(BaseModel):
    """Times are in seconds. The server's certificate is always verified."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: str = Field(pattern=r"^https?://[^?#]+$", description="Where AWX is, as people open it.")
    path: str = Field(
        default="/api/v2",
        pattern=r"^/[^?#]*$",
        description="Of its API; behind a platform gateway `/api/controller/v2`.",
    )
    token: SecretStr | None = Field(default=None, description="A personal access token with the scope `write`.")
    username: str = Field(default="", description="Instead of a token, with `password`.")
    password: SecretStr | None = Field(default=None)
    ca: Path | None = Field(default=None, description="The certificates that AWX's own is signed with.")
    key_variable: str = Field(
        default="firstline_run",
        pattern=r"^[A-Za-z_][A-Za-z0-9_]*$",
        description="The extra variable that carries the run's key, to find it by.",
    )
    settle: float = Field(
        default=120.0,
        gt=0,
        le=600,
        description="How long a launch whose answer was lost may still be under way: as long as AWX's own web server "
        "lets a request take (uwsgi's harakiri, 115 as it comes).",
    )
    look_back: float = Field(
        default=86_400.0,
        gt=0,
        description="How far back a job is looked for of whose launch nothing is on record here.",
    )
    cancel_within: float = Field(
        default=60.0, gt=0, description="How long a job may take to end after it was cancelled."
    )
    directory: Path = Field(
        default=Path("state/runs"), description="Where what was begun is written down before it is asked for."
    )

    @model_validator(mode="after")
    def _says_who_we_are(self) -> "AwxSettings":
        if bool(self.token) == bool(self.username and self.password):
            raise ValueError("either a token is needed, or username and password")
        return self


class AwxParameters(BaseModel):
    """A step's `with`: one of `job_template` and `workflow_template`. Things are named by number or by name."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    job_template: int | str = Field(default="", description="The job template.")
    workflow_template: int | str = Field(default="", description="The workflow job template.")
    organization: str = Field(default="", description="Whose template, where several have one of that name.")
    extra_vars: dict[str, JsonValue] = Field(
        default_factory=dict, description="Secret ones are the step's `secrets`: answers to the survey's passwords."
    )
    limit: str = Field(default="", description="A pattern of hosts. Empty: the step's targets by name.")
    inventory: int | str = Field(default="", description="Empty: the template's own.")
    tags: tuple[str, ...] = Field(default=(), description="Only what bears one of these is run.")
    skip_tags: tuple[str, ...] = Field(default=(), description="What bears one of these is left out.")
    credentials: tuple[int | str, ...] = Field(
        default=(), description="Each takes the place of the template's one of its type."
    )

    @model_validator(mode="after")
    def _is_one_kind(self) -> "AwxParameters":
        if bool(self.job_template) == bool(self.workflow_template):
            raise ValueError("one of job_template and workflow_template is needed")
        return self

    @property
    def is_workflow(self) -> bool:
        return bool(self.workflow_template)

    @property
    def template(self) -> int | str:
        return self.job_template or self.workflow_template
