"""What a sandbox starts with."""

from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from firstline_pagerduty.sandbox.entity import Status, Urgency
from firstline_pagerduty.sandbox.trouble import Trouble

DEFAULT_ROUTING_KEY = "sandbox-routing-key".ljust(32, "0")  # 32 characters, as PagerDuty's integration keys


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class SeedUser(Strict):
    id: str
    name: str
    email: str
    role: str = "user"
    level: int | None = Field(default=None, ge=1, description="On which level of each escalation policy they stand.")


class SeedService(Strict):
    id: str
    name: str
    routing_key: str = Field(default=DEFAULT_ROUTING_KEY, min_length=32, max_length=32)
    escalation_policy: str = "Default"
    team: str = Field(default="", description="The id of the team that has the service's incidents; empty: none.")


class SeedIncident(Strict):
    id: str
    title: str
    service: str = Field(description="The service's id.")
    urgency: Urgency = "high"
    status: Status = "triggered"
    created_at: AwareDatetime | None = Field(default=None, description="Opened, and changed last, at this time.")
    incident_key: str = ""
    external_references: list[dict[str, Any]] = Field(
        default=[], description="Tickets elsewhere, as PagerDuty's integrations record them."
    )


class SeedField(Strict):
    """A custom field of incidents."""

    id: str
    name: str
    display_name: str
    data_type: str = "string"
    field_type: str = "single_value"


class Seed(Strict):
    """`token`: the only REST API key that is taken; empty: any is. `rate_limit`: requests a minute for each key;
    PagerDuty allows 960 ("REST API Rate Limits"), the default is out of the way of load tests."""

    services: list[SeedService] = [SeedService(id="PSHOP01", name="shop")]
    users: list[SeedUser] = [
        SeedUser(id="PONCALL", name="Ada On-Call", email="oncall@example.com", level=1),
        SeedUser(id="PSECOND", name="Ben Second-Line", email="second-line@example.com", level=2),
        SeedUser(id="PFIRSTL", name="Firstline", email="firstline@example.com"),
    ]
    incidents: list[SeedIncident] = []
    priorities: list[str] = Field(default=["P1", "P2", "P3", "P4", "P5"], description="Names, most severe first.")
    custom_fields: list[SeedField] = []
    token: str = ""
    read_only: bool = Field(default=False, description="The key may not write.")
    oauth_client_id: str = Field(default="", description="A private app that may ask for tokens; empty: none may.")
    oauth_client_secret: str = ""
    oauth_scopes: list[str] = Field(default=[], description="What the app was given; a token has no more.")
    rate_limit: int = Field(default=1_000_000, ge=1)
    trouble: Trouble = Trouble()

    def levels(self) -> list[list[str]]:
        """User ids for each escalation level. Where nobody has a level, each user is one."""
        if not any(user.level for user in self.users):
            return [[user.id] for user in self.users]
        numbers = sorted({user.level for user in self.users if user.level})
        return [[user.id for user in self.users if user.level == number] for number in numbers]
