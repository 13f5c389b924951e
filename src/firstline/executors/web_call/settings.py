"""What an operator sets for one system with an HTTP API."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

HEADER = r"^[A-Za-z0-9!#$%&'*+.^_`|~-]+$"  # a token of RFC 9110, 5.6.2


class HttpSettings(BaseModel):
    """Times are in seconds, sizes in bytes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: str = Field(pattern=r"^https?://[^/?#@\s]+[^?#@\s]*$", description="The base; no call leaves it.")
    token: SecretStr | None = Field(default=None, description="Sent as `Authorization: Bearer`.")
    user: str = Field(default="", description="With `password`: basic authentication.")
    password: SecretStr | None = None
    headers: dict[str, SecretStr] = Field(default_factory=dict, description="Sent with each request; may be secret.")
    ca: Path | None = Field(default=None, description="The certificates that the system's own is signed with.")
    key_header: str = Field(
        default="Idempotency-Key", pattern=HEADER, description="The header of each start that carries the run's key."
    )
    request_timeout: float = Field(default=30.0, gt=0, le=600, description="For one request with its answer.")
    answer_limit: int = Field(default=1_048_576, gt=0, description="How much of an answer is read.")
    log_limit: int = Field(default=16_777_216, gt=0, description="How much of a log that is given as a whole is read.")
    settle: float = Field(
        default=20.0, ge=0, le=600, description="How long a run is looked for after the answer to its start was lost."
    )
    stop_patience: float = Field(
        default=30.0, gt=0, le=3600, description="How long a run may take to end after it was asked to."
    )
    check_path: str = Field(default="/", pattern=r"^/", description="What `firstline doctor` asks for, with GET.")
    directory: Path = Field(
        default=Path("state/runs"), description="Where each run has its directory: on a local disk, for the hub alone."
    )

    @model_validator(mode="after")
    def _one_way_in(self) -> "HttpSettings":
        if bool(self.user) != (self.password is not None):
            raise ValueError("user and password: both or none")
        if self.user and self.token:
            raise ValueError("a token and a user: one of them")
        return self

    def secrets(self) -> list[str]:
        given = [self.token, self.password, *self.headers.values()]
        return [each.get_secret_value() for each in given if each is not None]
