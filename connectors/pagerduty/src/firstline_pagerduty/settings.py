"""What an operator says about a PagerDuty connection."""

from ipaddress import ip_address
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, field_validator, model_validator


def _one_or_more(value: Any) -> Any:
    return (value,) if isinstance(value, str | SecretStr) else value


Secret = Annotated[SecretStr, Field(min_length=1)]
Id = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]*$")]


class PagerDutySettings(BaseModel):
    """Settings of one connection. Secrets arrive resolved."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    base_url: str = Field(
        default="https://api.pagerduty.com",
        description="The REST API: https://api.pagerduty.com, or https://api.eu.pagerduty.com for the EU region.",
    )
    token: Secret | None = Field(default=None, description="A REST API key, of the account or of a user.")
    oauth_client_id: str = Field(default="", description="In place of `token`: a private app with Scoped OAuth.")
    oauth_client_secret: Secret | None = None
    oauth_scope: str = Field(
        default="", description="as_account-REGION.SUBDOMAIN and the scopes that the app was given, parted by blanks."
    )
    oauth_url: str = "https://identity.pagerduty.com"
    from_email: str = Field(
        pattern=r"^[^@\s]+@[^@\s]+$",
        description="The e-mail address of the PagerDuty user in whose name Firstline writes.",
    )
    webhook_secrets: Annotated[tuple[Secret, ...], BeforeValidator(_one_or_more), Field(min_length=1)] = Field(
        description="The webhook subscription's secret; or several, while one replaces another.",
    )
    own_user_id: Id = Field(
        default="", description="The id of that user: what they did is known as our own echo and starts nothing."
    )
    service_id: Id = Field(default="", description="Only this service's incidents; empty: all.")
    team_id: Id = Field(default="", description="Only this team's incidents; empty: all.")
    events_url: str = Field(
        default="https://events.pagerduty.com",
        description="The Events API: https://events.eu.pagerduty.com for the EU region.",
    )
    alarm_routing_key: Secret | None = Field(
        default=None, description="The integration key (Events API v2) of the service that Firstline's alarms go to."
    )
    change_routing_key: Secret | None = Field(
        default=None, description="The integration key for change events; without it the alarms' is used."
    )
    timeout: float = Field(default=30.0, gt=0, description="Seconds that PagerDuty has to answer.")

    @field_validator("base_url", "oauth_url", "events_url")
    @classmethod
    def _encrypted_unless_local(cls, value: str) -> str:
        """Secrets go out with each request, so plain HTTP is for this machine only."""
        address = urlsplit(value)
        if not address.hostname or address.scheme not in ("http", "https"):
            raise ValueError("give an address like https://api.pagerduty.com")
        if address.scheme == "http" and not _is_loopback(address.hostname):
            raise ValueError("use https://: over http:// the token would be readable on the way")
        return value.rstrip("/")

    @model_validator(mode="after")
    def _one_sign_in_and_one_scope(self) -> "PagerDutySettings":
        app = (self.oauth_client_id, self.oauth_client_secret, self.oauth_scope)
        if bool(self.token) == any(app) or (any(app) and not all(app)):
            raise ValueError("give either token, or oauth_client_id, oauth_client_secret and oauth_scope")
        if self.service_id and self.team_id:
            raise ValueError("give service_id or team_id: a webhook subscription has one filter")
        return self

    @property
    def scope(self) -> tuple[Literal["account", "service", "team"], str]:
        """What the connection covers, as a webhook subscription's filter names it, and its id."""
        if self.service_id:
            return "service", self.service_id
        return ("team", self.team_id) if self.team_id else ("account", "")


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
