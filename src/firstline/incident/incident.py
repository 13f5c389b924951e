"""Our small view of a record that is a fault, in words all vendors share."""

from enum import StrEnum
from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field


class Reference(BaseModel):
    """Names a row in another system. `connection` and `id` find it; `number` and `url` are for people."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    connection: str
    kind: str = Field(description="The vendor's own kind of record: incident, change_request, issue, request ...")
    id: str = Field(description="The vendor's identifier: sys_id, issue id or key, PagerDuty id.")
    number: str = Field(default="", description="What people call it: INC0012345, OPS-17, #9.")
    url: str = ""

    @property
    def label(self) -> str:
        return self.number or self.id


class IncidentState(StrEnum):
    """How far the fault is. Vendors have more states; these are what a mapping may rely on everywhere."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"
    CLOSED = "closed"


class Item(BaseModel):
    """The configuration item a fault is on, as far as the vendor's record tells."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: str = Field(default="", description="Its class: cmdb_ci_server, cmdb_ci_appl ...")
    ip: str = ""
    fqdn: str = ""
    owner: str = Field(default="", description="The group that supports it.")
    environment: str = Field(default="", description="Production, Test ..., in the vendor's words.")


class Agreement(BaseModel):
    """A service level that runs on the incident."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    breached: bool = False
    due_at: AwareDatetime | None = Field(default=None, description="None: met, or paused.")


class Link(BaseModel):
    """The same fault in another system, as the vendors' own integration says. `id` or `number` finds it there."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    system: str = Field(description="The connector's name: servicenow, jira, pagerduty.")
    id: str = ""
    number: str = ""


class Incident(BaseModel):
    """One fault. Numbers: 1 is the most severe, None is unknown. Absent words are empty strings, never null, so that
    a mapping's conditions need no guards. Times are in UTC."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    reference: Reference
    title: str = ""
    description: str = ""
    state: IncidentState = IncidentState.OPEN
    priority: int | None = Field(default=None, ge=1, le=5)
    urgency: int | None = Field(default=None, ge=1, le=5)
    impact: int | None = Field(default=None, ge=1, le=5)
    ci: str = Field(default="", description="The configuration item's name (ServiceNow), or empty.")
    service: str = Field(default="", description="The business or technical service's name.")
    group: str = Field(default="", description="The assignment group, team or escalation policy's name.")
    category: str = ""
    subcategory: str = ""
    caller: str = Field(default="", description="Who reported it, as the vendor names them.")
    opened_at: AwareDatetime | None = None
    updated_at: AwareDatetime | None = None
    version: int = Field(
        default=0,
        description="Grows with each change of the record (sys_mod_count; the time of change in ms elsewhere), "
        "so that a late event can't overwrite a newer view.",
    )
    item: Item = Item()
    agreements: tuple[Agreement, ...] = ()
    links: tuple[Link, ...] = ()
    data: dict[str, Any] = Field(default_factory=dict, description="The record as the vendor sent it.")
