"""An incident in PagerDuty's two shapes, of the webhook and of the REST API, as an `Incident`."""

import re
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, AliasChoices, AwareDatetime, BaseModel, Field, TypeAdapter, ValidationError

from firstline.errors import Rejected
from firstline.incident import Incident, IncidentState, Reference
from firstline_pagerduty.link import links

ModelT = TypeVar("ModelT", bound=BaseModel)

Moment = Annotated[AwareDatetime, AfterValidator(lambda moment: moment.astimezone(UTC))]

_MOMENT: TypeAdapter[datetime] = TypeAdapter(Moment)

KIND = "incident"
ID = r"^[A-Za-z0-9_-]+$"  # the schema says text; these are safe in a path

STATES = {
    "triggered": IncidentState.OPEN,
    "acknowledged": IncidentState.ACKNOWLEDGED,
    "resolved": IncidentState.RESOLVED,
}
URGENCIES = {"high": 1, "low": 3}  # PagerDuty has these two; on our scale of five they are its ends in practice
_PRIORITY = re.compile(r"P([1-5])\b")  # the names PagerDuty starts an account with; others say nothing to us


class Link(BaseModel):
    """What PagerDuty calls a resource reference. Any part may be null."""

    id: str | None = None
    type: str | None = None
    summary: str | None = None
    html_url: str | None = None


class Record(BaseModel):
    """The fields we read. The webhook says `number`, the REST API `incident_number`; many fields are null at times."""

    id: Annotated[str, Field(pattern=ID)]
    status: Literal["triggered", "acknowledged", "resolved"]
    number: int | None = Field(default=None, validation_alias=AliasChoices("number", "incident_number"))
    title: str | None = None
    html_url: str | None = None
    service: Link | None = None
    escalation_policy: Link | None = None
    teams: list[Link] | None = None
    priority: Link | None = None
    urgency: str | None = None
    created_at: Moment | None = None
    updated_at: Moment | None = None
    last_status_change_at: Moment | None = None
    last_status_change_by: Link | None = None
    incident_key: str | None = None
    body: dict[str, Any] | None = None
    external_references: Any = None


def told(connection: str, source: dict[str, Any], at: datetime, place: str) -> Incident:
    """Make an `Incident` of what a webhook tells; `at` is its `occurred_at`. Raises `Rejected`, naming the field
    beneath `place`."""
    record = parse(Record, source, place)
    return _incident(connection, record, source, at, int(at.timestamp() * 1000))


def read(connection: str, source: dict[str, Any], at: datetime | None, place: str = "incident") -> Incident:
    """Make an `Incident` of what the REST API gave; `at` is when, by PagerDuty's clock. Raises `Rejected`."""
    record = parse(Record, source, place)
    return _incident(connection, record, source, record.updated_at, version(record.updated_at, at))


def version(updated_at: datetime | None, read_at: datetime | None) -> int:
    """The last millisecond of which a record that was read is sure to tell. `updated_at` has whole seconds: once that
    second is over, the record tells all of it, also what webhooks of that second told; before, more may come in it."""
    if updated_at is None:
        return 0
    over = read_at is not None and int(read_at.timestamp()) > int(updated_at.timestamp())
    return int(updated_at.timestamp()) * 1000 + (999 if over else 0)


def linked(connection: str, source: Any) -> Reference | None:
    """The reference of the incident that a note, a responder or the like belongs to, or of the one that this is; None
    if it names none. Role assignments come as a list, each with its incident."""
    if isinstance(source, dict) and isinstance(rows := source.get("incident_role_assignments"), list) and rows:
        source = rows[0]
    link = source.get("incident") if isinstance(source, dict) else None
    if isinstance(source, dict) and source.get("type") == KIND:
        link = source
    if not isinstance(link, dict) or not re.fullmatch(ID, str(link.get("id") or "")):
        return None
    return Reference(connection=connection, kind=KIND, id=str(link["id"]), url=str(link.get("html_url") or ""))


def moment(value: Any) -> datetime | None:
    """A time of PagerDuty's in UTC; None if it is none."""
    try:
        return _MOMENT.validate_python(value)
    except ValidationError:
        return None


def parse(model: type[ModelT], source: Any, place: str) -> ModelT:
    """Read a shape. Raises `Rejected`, naming the first place that isn't as PagerDuty documents it."""
    try:
        return model.model_validate(source)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join([place, *map(str, first["loc"])])
        raise Rejected(f"{where}: {first['msg']}") from error


def _incident(
    connection: str, record: Record, source: dict[str, Any], updated_at: datetime | None, version: int
) -> Incident:
    priority = _PRIORITY.match(_summary(record.priority))
    return Incident(
        reference=_reference(connection, record),
        title=record.title or "",
        description=_description(record.body),
        state=STATES[record.status],
        priority=int(priority[1]) if priority else None,
        urgency=URGENCIES.get(record.urgency or ""),
        service=_summary(record.service),
        group=next((_summary(team) for team in record.teams or ()), "") or _summary(record.escalation_policy),
        opened_at=record.created_at,
        updated_at=updated_at,
        version=version,
        links=links(record.external_references),
        data=source,
    )


def _reference(connection: str, record: Record) -> Reference:
    return Reference(
        connection=connection,
        kind=KIND,
        id=record.id,
        number="" if record.number is None else f"#{record.number}",
        url=record.html_url or "",
    )


def _summary(link: Link | None) -> str:
    return (link.summary or "") if link else ""


def _description(body: dict[str, Any] | None) -> str:
    """What the reporter or the monitoring said beside the title: text as it is, fields a line each."""
    details = (body or {}).get("details")
    if isinstance(details, dict):
        return "\n".join(f"{name}: {value}" for name, value in details.items())
    return str(details or "")
