"""What an operator sets for a connection to one ServiceNow instance."""

from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr

from firstline_servicenow.query import SYS_ID


def _address(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("must be an http or https address, such as https://example.service-now.com")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError("must be the bare address: no user, password, query or fragment in it")
    return value.rstrip("/")


def _several(value: Any) -> Any:
    return [value] if isinstance(value, str | SecretStr) else value


def _filled(value: SecretStr) -> SecretStr:
    if not value.get_secret_value():
        raise ValueError("an empty secret would let anybody in")
    return value


Secret = Annotated[SecretStr, AfterValidator(_filled)]


class ServiceNowSettings(BaseModel):
    """References such as `env:NAME` are resolved by the hub before they come here."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    base_url: Annotated[str, AfterValidator(_address)] = Field(description="The instance's address.")
    user: str = Field(min_length=1, description="The integration account's user name (basic authentication).")
    password: Secret = Field(description="Its password.")
    webhook_secrets: Annotated[tuple[Secret, ...], BeforeValidator(_several)] = Field(
        min_length=1, description="What our script signs with: one secret, or several while they are rotated."
    )
    own_user: str = Field(default="", description="Whose changes are our own echo; empty: `user`.")
    close_code: str = Field(
        default="Solution provided",
        description="The incident's resolution code when we resolve it; a choice of `incident.close_code`.",
    )
    standard_templates: dict[str, Annotated[str, Field(pattern=SYS_ID.pattern)]] = Field(
        default_factory=dict, description="Standard change templates by name, where they can't be looked up."
    )

    @property
    def actor(self) -> str:
        """The user name that our own writes carry in `sys_updated_by`."""
        return self.own_user or self.user
