"""What other systems tell us: references to their records, incidents, events. Pure values, no I/O."""

from firstline.incident.event import OPENED, Event, EventType
from firstline.incident.incident import Incident, IncidentState, Reference

__all__ = ["OPENED", "Event", "EventType", "Incident", "IncidentState", "Reference"]
