"""Real incidents: the first 200 of a published log, as they were known when they opened.

"Incident management process enriched event log", UCI Machine Learning Repository, DOI 10.24432/C57S4H, by Amaral,
Fantinato and Peres, CC BY 4.0. How the extract was made, and what is not in it: `incidents.md` beside it.
"""

import csv
from collections.abc import Iterator
from datetime import datetime
from functools import cache
from importlib.resources import files

from pydantic import BaseModel, ConfigDict

CITATION = (
    "Amaral, Fantinato, Peres: Incident management process enriched event log. UCI Machine Learning Repository, "
    "DOI 10.24432/C57S4H, CC BY 4.0."
)


class LoggedIncident(BaseModel):
    """One incident at its opening. The fields bear ServiceNow's names; absent values are empty. `opened_at` is ISO 8601
    without a zone, as the log names none."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    number: str
    opened_at: datetime
    caller_id: str
    contact_type: str
    location: str
    category: str
    subcategory: str
    u_symptom: str
    cmdb_ci: str
    impact: str
    urgency: str
    priority: str
    assignment_group: str

    @property
    def title(self) -> str:
        """The log holds no free text, so the title says the category and the symptom and nothing more."""
        words = [self.category, self.subcategory, self.u_symptom]
        return " / ".join(word or "unknown" for word in words)

    def record(self) -> dict[str, str]:
        """As the Table API takes it: times in UTC text, impact and urgency by number, empty fields left out."""
        fields = self.model_dump(exclude={"opened_at", "priority", "impact", "urgency"})
        fields |= {
            "opened_at": self.opened_at.strftime("%Y-%m-%d %H:%M:%S"),
            "impact": self.impact[:1],
            "urgency": self.urgency[:1],
            "priority": self.priority[:1],
            "short_description": self.title,
        }
        return {name: value for name, value in fields.items() if value}


@cache
def all_incidents() -> tuple[LoggedIncident, ...]:
    """The extract, in the order in which the incidents opened."""
    text = files("firstline.demo").joinpath("incidents.csv").read_text(encoding="utf-8")
    return tuple(LoggedIncident.model_validate(row) for row in csv.DictReader(text.splitlines()))


def paced(incidents: tuple[LoggedIncident, ...], duration: float) -> Iterator[tuple[float, LoggedIncident]]:
    """Each incident with the second at which it is due, when the whole takes `duration` seconds."""
    if not incidents:
        return
    first, last = incidents[0].opened_at, incidents[-1].opened_at
    span = (last - first).total_seconds() or 1.0
    for incident in incidents:
        yield (incident.opened_at - first).total_seconds() / span * duration, incident
