"""Act 7: an emergency. It is mended at once, its change is filed at once, and approved afterwards."""

from firstline.demo import answer, collect, services, vendor
from firstline.demo.people import MANAGER
from firstline.demo.record import Record
from firstline.demo.seen import Seen
from firstline.demo.services import CARDS
from firstline.demo.stage import Stage


async def play(stage: Stage, _: Seen) -> None:
    services.take_down(stage.place.services, CARDS)
    stage.say("an emergency: nobody can pay by card")
    await vendor.page(stage, CARDS.title, CARDS.name)
    begun = await answer.remediation(stage, CARDS.title)
    change = await stage.until("the emergency was mended before anybody approved it", lambda: _ran(stage))
    stage.say(f"mended at once; the emergency change {change.number} is filed, and waits for its approval")
    await stage.pause(1.0)
    await vendor.approve_change(stage, change.number, "Right so.")
    stage.say(f"{MANAGER} has approved {change.number} afterwards")
    await answer.told(stage, begun["id"], "approved afterwards")


async def _ran(stage: Stage) -> Record | None:
    """Its change, when the service was restarted, and those who approve are asked."""
    if not services.restarts(stage.place.services, CARDS):
        return None
    changes = (await collect.records(stage)).titled({CARDS.title}).changes
    asked = [change for change in changes if change.state == "Authorize"]
    return asked[0] if asked else None
