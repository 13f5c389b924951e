"""Jira's own kinds of trouble, by seed (`trouble`) and at run time (GET and PUT /sandbox/trouble)."""

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response


class Trouble(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    index_delay: float = Field(default=0, ge=0, description="Seconds until search knows of what was written.")
    time_zone: str = Field(default="Etc/UTC", description="Of all accounts; search reads times in it.")
    hidden: tuple[str, ...] = Field(default=(), description="Keys of issues that no account of the API may see.")
    denied: tuple[str, ...] = Field(default=(), description="Permissions that the accounts lack: ADMINISTER ...")
    renamed: dict[str, str] = Field(default_factory=dict, description="Status → the site's own name of it.")
    required: dict[str, tuple[str, ...]] = Field(
        default_factory=dict, description="Transition → ids of fields that its screen requires."
    )
    mandatory: tuple[str, ...] = Field(
        default=(), description="Ids of fields that the create screen of changes requires."
    )
    read_only: tuple[str, ...] = Field(
        default=(), description="Ids of fields whose writes are taken and ignored; issuelinks: links are."
    )
    inert: tuple[str, ...] = Field(default=(), description="Transitions that are taken and change nothing.")
    off_form: tuple[str, ...] = Field(default=(), description="Ids of fields that the change's request form lacks.")
    requests: int | None = Field(default=None, ge=1, description="How many an account may send in `per` seconds.")
    per: int = Field(default=3600, ge=1)
    token_seconds: int = Field(default=3600, ge=0, description="How long an access token of OAuth lives.")
    hook_days: float = Field(default=30, ge=0, description="How long a dynamic webhook lives.")


class Troubles:
    """Holds what is in force."""

    def __init__(self, now: Trouble) -> None:
        self.now = now

    async def show(self, request: Request) -> Response:
        """PUT sets all anew; `{}` is none."""
        if request.method == "PUT":
            try:
                self.now = Trouble.model_validate_json(await request.body())
            except ValidationError as error:
                return JSONResponse({"error": str(error)}, 400)
        return JSONResponse(self.now.model_dump())
