"""Act 2: real incidents reach the service desk in the order and at the scaled pace of their opening times."""

import time

import anyio

from firstline.demo import collect, vendor
from firstline.demo.incidents import LoggedIncident, all_incidents, paced
from firstline.demo.seen import Seen
from firstline.demo.stage import Stage

WHOLE = 20.0  # seconds that all of them take at speed 1

# Said here once more, and not read from the mapping, so that the mapping can be found wrong.
LOOKED_UP = {
    ("Category 53", "Subcategory 127", "Symptom 470"),
    ("Category 53", "Subcategory 271", "Symptom 470"),
}
PROPOSED = {
    ("Category 32", "Subcategory 9", "Symptom 470"),
    ("Category 53", "Subcategory 168", "Symptom 4"),
    ("Category 20", "Subcategory 125", "Symptom 471"),
}


def group(incident: LoggedIncident) -> tuple[str, str, str]:
    return incident.category, incident.subcategory, incident.u_symptom


def expected(incidents: tuple[LoggedIncident, ...]) -> dict[str, str]:
    """What should become of each incident, by number: `auto`, `suggest` or nothing."""
    modes = dict.fromkeys(LOOKED_UP, "auto") | dict.fromkeys(PROPOSED, "suggest")
    return {incident.number: modes.get(group(incident), "") for incident in incidents}


async def play(stage: Stage, seen: Seen, count: int) -> None:
    incidents = all_incidents()[:count]
    seen.modes = expected(incidents)
    stage.say(f"{len(incidents)} real incidents of 29 February 2016 begin to arrive at the service desk")
    begun = time.monotonic()
    for due, incident in paced(incidents, WHOLE * len(incidents) / len(all_incidents()) / stage.speed):
        await anyio.sleep(max(0.0, begun + due - time.monotonic()))
        await vendor.open_incident(stage, incident.record())
    stage.say(f"all {len(incidents)} incidents are in; waiting for the last of the notes")
    due_notes = {number for number, mode in expected(incidents).items() if mode}

    async def look() -> bool:
        noted = {ticket.number for ticket in await collect.tickets(stage) if ticket.notes}
        return due_notes <= noted

    await stage.until("each matched ticket has its note", look)
