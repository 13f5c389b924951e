"""What people do at the hub: they find a remediation, and answer what it asks."""

from typing import Any

from firstline.demo.stage import Stage

COUNTS, COUNTS_NOT = 200, 403

Row = dict[str, Any]


async def remediation(stage: Stage, title: str, count: int = 1) -> Row:
    """The one that was begun last for an incident with this title, when there are so many of them."""

    async def look() -> Row | None:
        found = [row async for row in stage.listed("/remediations") if row["incident"]["title"] == title]
        return found[0] if len(found) >= count else None

    return await stage.until(f"the hub begins a remediation for {title!r}", look)


async def told(stage: Stage, id_: str, act: str) -> Row:
    """The first line of its timeline that tells of this act."""

    async def look() -> Row | None:
        return next((line for line in (await _whole(stage, id_))["timeline"] if line["act"] == act), None)

    return await stage.until(f"the timeline of {id_} tells that it is {act}", look)


async def ended(stage: Stage, id_: str) -> Row:
    """A remediation, when it has ended."""

    async def look() -> Row | None:
        found = await _whole(stage, id_)
        return found if found["stage"] == "ended" else None

    return await stage.until(f"remediation {id_} has ended", look)


async def change(stage: Stage, id_: str) -> str:
    """The number of a remediation's change, when it has one."""

    async def look() -> str | None:
        found = (await _whole(stage, id_))["change"]
        return str(found["number"]) if found else None

    return await stage.until(f"remediation {id_} has a change", look)


async def question(stage: Stage, id_: str) -> str:
    """The approval that a remediation waits for, by its id."""

    async def look() -> str | None:
        waiting = [row["id"] for row in (await _whole(stage, id_))["approvals"] if row["state"] == "waiting"]
        return waiting[0] if waiting else None

    return await stage.until(f"the hub asks whether {id_} may go", look)


async def approve(stage: Stage, approval: str, person: str, comment: str) -> bool:
    """Answer as a person, and give whether it counts. The same answer again is no error, so one
    that got lost on its way back is given again."""

    async def look() -> int | None:
        path, words = f"/approvals/{approval}/approve", {"comment": comment}
        status = (await stage.call_hub("POST", path, person, json=words)).status_code
        return status if status in (COUNTS, COUNTS_NOT) else None

    return await stage.until("the hub takes the answer", look) == COUNTS


async def _whole(stage: Stage, id_: str) -> Row:
    """A remediation with its timeline and approvals."""
    found: Row = await stage.ask_hub(f"/remediations/{id_}")
    return found
