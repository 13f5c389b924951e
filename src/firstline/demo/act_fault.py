"""Act 1: the shop breaks three times. Twice the runbook mends it; the third time it can't."""

from collections.abc import Callable

from firstline.demo import collect, fault
from firstline.demo.record import Record
from firstline.demo.seen import Seen, ShopSeen
from firstline.demo.stage import Stage, Stuck

HUNG, FULL, BROKEN = "shop: does not answer", "shop: disk quota exceeded", "shop: fails with 500"


async def play(stage: Stage, told: Seen) -> None:
    seen = told.shop
    await _browse(stage)
    await _mended(stage, seen, HUNG, "the shop hangs", lambda: _hang(stage, seen))
    seen.restarted_pid = fault.pid(stage.place.shop)
    await _browse(stage)
    await _mended(stage, seen, FULL, "the shop's log folder is full", lambda: fault.fill_logs(stage.place.shop))
    seen.old_logs = fault.old_logs(stage.place.shop)
    await _broken(stage, seen)


def _hang(stage: Stage, seen: ShopSeen) -> None:
    seen.hung_pid = fault.hang(stage.place.shop)


async def _mended(stage: Stage, seen: ShopSeen, title: str, words: str, break_it: Callable[[], object]) -> None:
    await _steady(stage)
    stage.say(f"breaking it: {words}")
    break_it()
    page = await _until_page(stage, title, "resolved")
    await _until_change_closed(stage, page)
    seen.answers[title] = (await stage.http.get(f"{stage.address('shop')}/health")).status_code
    stage.say(f"mended: {words} · page {page.number} is resolved, its change is closed")


async def _broken(stage: Stage, seen: ShopSeen) -> None:
    await _steady(stage)
    await _browse(stage)
    seen.visits_before = fault.visits(stage.place.shop)
    stage.say("breaking it for good: the shop's settings are cut off in the middle")
    fault.break_settings(stage.place.shop)
    page = await _until_page(stage, BROKEN, "")
    await _until_change_closed(stage, page)
    seen.visits_after = fault.visits(stage.place.shop)
    seen.starts = fault.starts(stage.place.shop)
    stage.say(f"not mended: rolled back, page {page.number} is escalated with the diagnosis")


async def _browse(stage: Stage) -> None:
    """Somebody looks at the shop, so that it has something in its cache."""
    for _ in range(3):
        (await stage.http.get(f"{stage.address('shop')}/")).raise_for_status()


async def _steady(stage: Stage) -> None:
    """Give the monitor time to see that the shop is well: it pages once for each outage."""
    await stage.answers("shop", "/health")
    await stage.pause(1.0)


async def _until_page(stage: Stage, title: str, status: str) -> Record:
    """The incident with this title, when it has its note and this status; an empty status stands for escalated.
    `Stuck` at once when it was escalated instead of resolved."""

    async def look() -> Record | None:
        for page in await collect.pages(stage):
            if page.title != title or not page.notes:
                continue
            if status and escalated(page):
                raise Stuck(f"{title!r} was not mended; the note on page {page.number} says:\n{page.notes[-1]}")
            if page.state == status or (not status and escalated(page)):
                return page
        return None

    return await stage.until(f"the page {title!r} is {status or 'escalated'} and has its note", look)


def escalated(page: Record) -> bool:
    """Whether somebody beyond the first line has it."""
    return page.state != "resolved" and page.result.startswith("level ") and not page.result.startswith("level 1:")


def changes_for(changes: tuple[Record, ...], title: str) -> list[Record]:
    """The changes whose short description names the record with this title."""
    return [change for change in changes if title in change.title]


async def _until_change_closed(stage: Stage, page: Record) -> None:
    async def look() -> bool:
        changes = changes_for(await collect.changes(stage), page.title)
        return bool(changes) and all(change.state == "Closed" for change in changes)

    await stage.until(f"the change for {page.title!r} is closed", look)
