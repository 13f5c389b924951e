"""What other systems tell us: references to their records, incidents, events. Pure values, no I/O."""

from firstline.incident.event import OPENED, Event, EventType
from firstline.incident.incident import Agreement, Incident, IncidentState, Item, Link, Reference

__all__ = ["OPENED", "Agreement", "Event", "EventType", "Incident", "IncidentState", "Item", "Link", "Reference"]
