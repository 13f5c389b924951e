"""Act 8: a mapping that ran by itself does not prove its fix. From then on it asks."""

from firstline.demo import answer, services, vendor
from firstline.demo.people import APPROVER
from firstline.demo.seen import Seen
from firstline.demo.services import SEARCH
from firstline.demo.stage import Stage, Stuck


async def play(stage: Stage, _: Seen) -> None:
    stage.say("the search breaks, and this time a restart does not help")
    await _break(stage, cured=False)
    first = await answer.remediation(stage, SEARCH.title)
    await answer.ended(stage, first["id"])
    line = await answer.told(stage, first["id"], "demoted")
    stage.say(f"not mended: {line['text']}")
    await stage.pause(1.0)
    await _break(stage, cured=True)
    second = await answer.remediation(stage, SEARCH.title, count=2)
    approval = await answer.question(stage, second["id"])
    stage.say("its people mended the index, the search breaks again: now the hub asks")
    if not await answer.approve(stage, approval, APPROVER, "The index is well now."):
        raise Stuck(f"the word of {APPROVER} was not counted")
    await answer.ended(stage, second["id"])
    stage.say(f"mended: {APPROVER} let it go, the search is up")


async def _break(stage: Stage, *, cured: bool) -> None:
    services.take_down(stage.place.services, SEARCH, cured=cured)
    await vendor.open_incident(stage, {"short_description": SEARCH.title, "cmdb_ci": SEARCH.name})
