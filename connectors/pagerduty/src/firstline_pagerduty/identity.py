"""Ids of events. A happening comes as a webhook (to the millisecond, with an id of its own) or as an entry of the log
(to the second, with another id); what both tell, the incident, the verb and the second, is its id.

If the two times of one happening lie in different seconds it gets two ids. No more can come of that than a second
event of a kind that starts nothing; an opening, which does, has no time in its id: an incident is opened once."""

from datetime import datetime


def opened(incident: str) -> str:
    return f"{incident}:opened"


def happened(incident: str, verb: str, at: datetime, by: str = "") -> str:
    """`verb` is the webhook's event type without its `incident.`; `by` parts what may happen twice in a second."""
    return ":".join(part for part in (incident, verb, str(int(at.timestamp())), by) if part)
