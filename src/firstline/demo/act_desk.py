"""Act 2: real incidents reach the service desk in the order and at the scaled pace of their opening times."""

import time

import anyio

from firstline.demo import collect
from firstline.demo.incidents import LoggedIncident, all_incidents, paced
from firstline.demo.stage import PASSWORD, Stage, Stuck

WHOLE = 20.0  # seconds that all of them take at speed 1
IMPORTER = ("event.import", PASSWORD)  # who creates them: somebody else than the hub

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


async def play(stage: Stage, count: int) -> None:
    incidents = all_incidents()[:count]
    stage.say(f"{len(incidents)} real incidents of 29 February 2016 begin to arrive at the service desk")
    begun = time.monotonic()
    for due, incident in paced(incidents, WHOLE * len(incidents) / len(all_incidents()) / stage.speed):
        await anyio.sleep(max(0.0, begun + due - time.monotonic()))
        await _create(stage, incident)
    stage.say(f"all {len(incidents)} incidents are in; waiting for the last of the notes")
    due_notes = {number for number, mode in expected(incidents).items() if mode}

    async def look() -> bool:
        noted = {ticket.number for ticket in await collect.tickets(stage) if ticket.notes}
        return due_notes <= noted

    await stage.until("each matched ticket has its note", look)


async def _create(stage: Stage, incident: LoggedIncident) -> None:
    """Table API: POST /api/now/v2/table/incident answers 201."""
    address = f"{stage.address('servicenow')}/api/now/v2/table/incident"
    answer = await stage.http.post(address, json=incident.record(), auth=IMPORTER)
    if answer.status_code != 201:
        raise Stuck(f"ServiceNow's sandbox answered {answer.status_code} to {incident.number}: {answer.text[:500]}")
