"""What an operator says about a PagerDuty connection."""

from ipaddress import ip_address
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, field_validator


def _one_or_more(value: Any) -> Any:
    return (value,) if isinstance(value, str | SecretStr) else value


Secret = Annotated[SecretStr, Field(min_length=1)]


class PagerDutySettings(BaseModel):
    """Settings of one connection. Secrets arrive resolved."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    base_url: str = Field(
        default="https://api.pagerduty.com",
        description="The REST API: https://api.pagerduty.com, or https://api.eu.pagerduty.com for the EU region.",
    )
    token: Secret = Field(description="A REST API key that may write.")
    from_email: str = Field(
        pattern=r"^[^@\s]+@[^@\s]+$",
        description="The e-mail address of the PagerDuty user in whose name Firstline writes.",
    )
    webhook_secrets: Annotated[tuple[Secret, ...], BeforeValidator(_one_or_more), Field(min_length=1)] = Field(
        description="The webhook subscription's secret; or several, while one replaces another.",
    )
    own_user_id: str = Field(
        default="", description="The id of that user: what they did is known as our own echo and starts nothing."
    )
    timeout: float = Field(default=30.0, gt=0, description="Seconds that PagerDuty has to answer.")

    @field_validator("base_url")
    @classmethod
    def _encrypted_unless_local(cls, value: str) -> str:
        """The token goes out with each request, so plain HTTP is for this machine only."""
        address = urlsplit(value)
        if not address.hostname or address.scheme not in ("http", "https"):
            raise ValueError("give an address like https://api.pagerduty.com")
        if address.scheme == "http" and not _is_loopback(address.hostname):
            raise ValueError("use https://: over http:// the token would be readable on the way")
        return value.rstrip("/")


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
