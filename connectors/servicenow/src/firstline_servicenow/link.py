"""The same fault in other systems, as the fields of a record name it. Pure.

- `x_pd_integration_incident` of an incident, and `x_pd_integration_incident_id` of a task, hold the id of the PagerDuty
  incident (PagerDuty's application for ServiceNow; a value that begins with `---` says that it has none yet).
- `correlation_id` is the record's id in the system that `correlation_display` names (ServiceNow, task table).
- `incident` of an alert is the incident that Event Management opened for it.
"""

import re
from collections.abc import Iterator, Mapping

from firstline.incident import Link
from firstline_servicenow.record import Record, value

PAGERDUTY = ("x_pd_integration_incident", "x_pd_integration_incident_id")
SYSTEMS = ("jira", "pagerduty")  # as they stand in `correlation_display`

_KEY = re.compile(r"[A-Za-z][A-Za-z0-9_]+-\d+|INC\d+", re.ASCII)  # what people call a record; anything else is an id


def links(record: Record, more: Mapping[str, str]) -> tuple[Link, ...]:
    """`more`: the systems that the customer's own fields lead to."""
    found = [*_named(record), *((system, value(record, field)) for field, system in more.items())]
    return tuple(dict.fromkeys(_link(system, word.strip()) for system, word in found if word.strip()))


def _named(record: Record) -> Iterator[tuple[str, str]]:
    for field in PAGERDUTY:
        word = value(record, field)
        if not word.startswith("---"):
            yield "pagerduty", word
    display = value(record, "correlation_display").casefold()
    for system in SYSTEMS:
        if system in display:
            yield system, value(record, "correlation_id")
    yield "servicenow", value(record, "incident")


def _link(system: str, word: str) -> Link:
    """A Jira key or a ServiceNow number is a number; a PagerDuty id or a sys_id an id."""
    return Link(system=system, number=word) if _KEY.fullmatch(word) else Link(system=system, id=word)
