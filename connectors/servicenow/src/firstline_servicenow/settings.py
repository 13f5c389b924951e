"""What an operator sets for a connection to one ServiceNow instance."""

from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, model_validator

from firstline.connector import ChangeState
from firstline.incident import IncidentState
from firstline_servicenow.query import FIELD, SYS_ID

TableName = Literal[
    "incident", "sc_task", "change_request", "change_task", "problem", "em_alert", "sysapproval_approver"
]
FieldName = Annotated[str, Field(pattern=FIELD.pattern)]


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


def _narrowing(value: str) -> str:
    if "^NQ" in value or "ORDERBY" in value or value.startswith("^"):
        raise ValueError("must be conditions joined by ^ and ^OR only: ^NQ and ORDERBY would undo the poll's own")
    return value.removesuffix("^EQ")


Secret = Annotated[SecretStr, AfterValidator(_filled)]


class ServiceNowSettings(BaseModel):
    """References such as `env:NAME` are resolved by the hub before they come here."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    base_url: Annotated[str, AfterValidator(_address)] = Field(description="The instance's address.")
    user: str = Field(min_length=1, description="The integration account's user name, by whichever way it signs in.")
    password: Secret | None = Field(default=None, description="Its password: basic authentication.")
    client_id: str = Field(default="", description="The OAuth application's client id: client credentials.")
    client_secret: Secret | None = Field(default=None, description="The OAuth application's client secret.")
    api_key: Secret | None = Field(default=None, description="A REST API key of the account.")
    webhook_secrets: Annotated[tuple[Secret, ...], BeforeValidator(_several)] = Field(
        min_length=1, description="What our script signs with: one secret, or several while they are rotated."
    )
    own_user: str = Field(default="", description="Whose changes are our own echo; empty: `user`.")
    tables: tuple[TableName, ...] = Field(
        default=("incident",), min_length=1, description="The tables that are watched."
    )
    filters: dict[TableName, Annotated[str, AfterValidator(_narrowing)]] = Field(
        default_factory=dict, description="By table, an encoded query: only records that fit it are watched."
    )
    extra_fields: tuple[FieldName, ...] = Field(
        default=(), description="More fields to bring with each record; dots lead to the fields of what it refers to."
    )
    links: dict[FieldName, Literal["servicenow", "jira", "pagerduty"]] = Field(
        default_factory=dict, description="Fields that hold the number or id of the same fault in another system."
    )
    states: dict[TableName, dict[str, IncidentState]] = Field(
        default_factory=dict, description="By table, what states that you added (their values) mean."
    )
    close_code: str = Field(
        default="Solution provided",
        description="The incident's resolution code when we resolve it; a choice of `incident.close_code`.",
    )
    acknowledge: dict[TableName, dict[FieldName, str]] = Field(
        default_factory=dict, description="By table, fields to write on acknowledging, beside or in place of ours."
    )
    resolve: dict[TableName, dict[FieldName, str]] = Field(
        default_factory=dict, description="By table, fields to write on resolving, beside or in place of ours."
    )
    html_notes: bool = Field(
        default=False,
        description="Write notes as HTML between [code] tags; only where glide.ui.security.allow_codetag is true.",
    )
    change_states: dict[str, ChangeState] = Field(
        default_factory=dict, description="What states of changes that you added (their values) mean."
    )
    change_models: dict[Literal["standard", "normal", "emergency"], Annotated[str, Field(pattern=SYS_ID.pattern)]] = (
        Field(default_factory=dict, description="By type, the sys_id of the change model to open changes with.")
    )
    change_fields: dict[ChangeState, dict[FieldName, str]] = Field(
        default_factory=dict,
        description="By state, fields to write when a change enters it, beside or in place of ours; `new`: when it is "
        "opened.",
    )
    proposal_fields: dict[FieldName, str] = Field(
        default_factory=dict, description="Fields to write on a standard change proposal, such as its category."
    )
    collision_detector: bool = Field(
        default=True, description="The instance has blackout and maintenance schedules, and finds conflicts."
    )
    close_codes: dict[Literal["successful", "successful_issues", "unsuccessful"], str] = Field(
        default_factory=dict, description="The close codes of changes, where yours are others."
    )
    standard_templates: dict[str, Annotated[str, Field(pattern=SYS_ID.pattern)]] = Field(
        default_factory=dict, description="Standard change templates by name, where they can't be looked up."
    )

    @model_validator(mode="after")
    def _one_sign_in(self) -> "ServiceNowSettings":
        given = [name for name in ("password", "client_secret", "api_key") if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError("needs one sign-in: `password`, or `client_id` and `client_secret`, or `api_key`")
        if bool(self.client_id) != (self.client_secret is not None):
            raise ValueError("`client_id` and `client_secret` go together")
        return self

    @property
    def actor(self) -> str:
        """The user name that our own writes carry in `sys_updated_by`."""
        return self.own_user or self.user
