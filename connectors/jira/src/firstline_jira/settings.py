"""What an operator says about one Jira site."""

from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, model_validator

from firstline.connector import ChangeState, ChangeType


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, str | SecretStr) else value


def _plain_address(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("an address such as https://example.atlassian.net is needed")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError("only scheme, host, port and path may stand here; credentials have settings of their own")
    return value.rstrip("/")


Secret = Annotated[SecretStr, Field(min_length=1)]
Secrets = Annotated[tuple[Secret, ...], BeforeValidator(_as_list)]
Address = Annotated[str, AfterValidator(_plain_address)]
ProjectKey = Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]+$")]


class ChangeSettings(BaseModel):
    """Where change requests are kept, in Jira Service Management."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    project: ProjectKey = Field(description="The service project's key.")
    request_type: str = Field(default="Change", description="The request type's name, as the portal shows it.")
    issue_type: str = Field(default="", description="The issue type's name; only for a project without request types.")
    statuses: dict[str, ChangeState] = Field(
        default_factory=dict, description="Status name → state, for names that are not known by themselves."
    )
    asks: dict[ChangeType, str] = Field(
        default_factory=dict,
        description="Type of change → the status, or transition, that asks for its approval, where there are several.",
    )
    types: dict[ChangeType, str] = Field(
        default_factory=dict, description="Type of change → its option in the field Change type, where named otherwise."
    )
    fields: dict[str, str] = Field(
        default_factory=dict, description="Field, by name or id → its value, where the create screen requires it."
    )
    caused_by: str = Field(
        default="Problem/Incident",
        description="The link type that says which change caused an incident: causes, is caused by.",
    )
    link_type: str = Field(default="Relates", description="Links a change with its incident; empty: no link.")


class OAuthSettings(BaseModel):
    """Sign-in by OAuth 2, Cloud only. Without `refresh_token_file`: client credentials, as service accounts have."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    client_id: str = Field(min_length=1)
    client_secret: Secret
    cloud_id: str = Field(pattern=r"^[0-9a-fA-F-]{8,64}$", description="The site's id at the API gateway.")
    refresh_token_file: Path | None = Field(
        default=None,
        description="For an app a person consented to (3LO): holds the refresh token. Each use makes a new one, which "
        "is written back; the hub must be able to write the file and its folder.",
    )
    token_url: Address = "https://auth.atlassian.com/oauth/token"  # noqa: S105 - an address
    api_url: Address = "https://api.atlassian.com"

    @model_validator(mode="after")
    def _absolute(self) -> "OAuthSettings":
        if self.refresh_token_file and not self.refresh_token_file.is_absolute():
            raise ValueError("refresh_token_file: an absolute path is needed")
        return self


class JiraSettings(BaseModel):
    """Settings of a connection of kind `jira`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    deployment: Literal["cloud", "datacenter"] = "cloud"
    base_url: Address = Field(description="The site's address: https://example.atlassian.net")
    user: str = Field(default="", description="The account's e-mail address, with `api_token`.")
    api_token: Secret | None = Field(default=None, description="Cloud: an API token of the user.")
    personal_token: Secret | None = Field(default=None, description="Data Center: a personal access token.")
    oauth: OAuthSettings | None = Field(default=None, description="Cloud: sign-in by OAuth 2.")
    webhook_secrets: Secrets = Field(
        default=(), description="One secret, or several while one replaces another, the newest first."
    )
    unsigned_hooks: bool = Field(
        default=False, description="Take webhooks without a signature, as hints that tell nothing by themselves."
    )
    own_account_id: str = Field(default="", description="The account's id; asked for when empty.")
    projects: tuple[ProjectKey, ...] = Field(
        default=(), description="Only these projects are polled and told by the webhook; empty: all that are seen."
    )
    incident_types: tuple[str, ...] = Field(
        default=(), description="Issue or request types that are incidents; empty: all that are not changes."
    )
    fields: tuple[str, ...] = Field(
        default=(), description="Further fields, by name or id, that a poll asks for because mappings use them."
    )
    ci: str = Field(
        default="",
        pattern=r"^(customfield_\d+)?$",
        description="Id of the custom field that names the configuration item; empty: there is none.",
    )
    links: dict[str, Literal["servicenow", "pagerduty"]] = Field(
        default_factory=dict,
        description="Id of a custom field → the system whose incident it names, where the value is no link.",
    )
    remote_links: bool = Field(
        default=False, description="Look for the same fault elsewhere in the issue's web links too: one request more."
    )
    transitions: dict[Literal["acknowledged", "resolved", "reopened"], str] = Field(
        default_factory=dict,
        description="The transition's name to take, where the choice by itself is not the right one.",
    )
    resolution: str = Field(default="Done", description="The resolution's name, where a transition asks for one.")
    transition_fields: dict[str, str] = Field(
        default_factory=dict, description="Field, by name or id → its value, where a transition requires it."
    )
    change: ChangeSettings | None = Field(default=None, description="Left out: this site keeps no changes.")

    @model_validator(mode="after")
    def _one_sign_in(self) -> "JiraSettings":
        if self.deployment == "datacenter":
            if self.personal_token is None or self.user or self.api_token or self.oauth:
                raise ValueError("Data Center signs in by personal_token, and by nothing else")
        elif self.personal_token is not None:
            raise ValueError("personal_token is Data Center's; say deployment = 'datacenter', or use api_token")
        elif self.oauth is not None:
            if self.user or self.api_token:
                raise ValueError("either oauth, or user and api_token")
        elif not self.user or self.api_token is None:
            raise ValueError("user and api_token are needed, or oauth")
        return self

    @property
    def watched(self) -> tuple[str, ...]:
        """The projects whose issues are polled and told; empty: all. The change project is one of them: an approval
        that is given there has to be heard of."""
        more = (self.change.project,) if self.change else ()
        return tuple(dict.fromkeys((*self.projects, *more))) if self.projects else ()

    @property
    def api_url(self) -> str:
        """Where the API is: the site, or the gateway in front of it."""
        return f"{self.oauth.api_url}/ex/jira/{self.oauth.cloud_id}" if self.oauth else self.base_url
