"""What an operator says about one Jira site."""

from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, field_validator

from firstline.connector import ChangeState


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, str | SecretStr) else value


Secret = Annotated[SecretStr, Field(min_length=1)]
Secrets = Annotated[tuple[Secret, ...], BeforeValidator(_as_list), Field(min_length=1)]


class ChangeSettings(BaseModel):
    """Where change requests are kept, in Jira Service Management."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    project: str = Field(pattern=r"^[A-Z][A-Z0-9_]+$", description="The service project's key.")
    request_type: str = Field(default="Change", description="The request type's name, as the portal shows it.")
    issue_type: str = Field(default="", description="The issue type's name; only for a project without request types.")
    statuses: dict[str, ChangeState] = Field(
        default_factory=dict, description="Status name → state, for names that are not known by themselves."
    )
    link_type: str = Field(default="Relates", description="Links a change with its incident; empty: no link.")


class JiraSettings(BaseModel):
    """Settings of a connection of kind `jira`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    base_url: str = Field(description="The site's address: https://example.atlassian.net")
    user: str = Field(min_length=1, description="The account's e-mail address.")
    api_token: Secret = Field(description="Its API token.")
    webhook_secrets: Secrets = Field(description="One secret, or several while one replaces another.")
    own_account_id: str = Field(default="", description="The account's id; asked for when empty.")
    incident_types: tuple[str, ...] = Field(
        default=(), description="Issue or request types that are incidents; empty: all that are not changes."
    )
    transitions: dict[Literal["acknowledged", "resolved", "reopened"], str] = Field(
        default_factory=dict,
        description="The transition's name to take, where the choice by itself is not the right one.",
    )
    resolution: str = Field(default="Done", description="The resolution's name, where a transition asks for one.")
    change: ChangeSettings | None = Field(default=None, description="Left out: this site keeps no changes.")

    @field_validator("base_url")
    @classmethod
    def _plain_address(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("an address such as https://example.atlassian.net is needed")
        if parts.username or parts.password or parts.query or parts.fragment:
            raise ValueError("only scheme, host, port and path may stand here; the account goes in user and api_token")
        return value.rstrip("/")
