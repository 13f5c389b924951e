"""Act 6: a normal change waits until its manager approves it, where change managers work: in ServiceNow."""

from firstline.demo import answer, services, vendor
from firstline.demo.people import MANAGER
from firstline.demo.seen import Seen
from firstline.demo.services import ORDERS
from firstline.demo.stage import Stage


async def play(stage: Stage, _: Seen) -> None:
    services.take_down(stage.place.services, ORDERS)
    await vendor.open_incident(stage, {"short_description": ORDERS.title, "cmdb_ci": ORDERS.name})
    begun = await answer.remediation(stage, ORDERS.title)
    await answer.told(stage, begun["id"], "waits")
    number = await answer.change(stage, begun["id"])
    stage.say(f"orders are stuck: the normal change {number} waits for its approval in ServiceNow")
    await stage.pause(1.0)
    await vendor.approve_change(stage, number, "Tonight's orders can't wait.")
    stage.say(f"{MANAGER} has approved {number} in ServiceNow, which tells the hub")
    await answer.ended(stage, begun["id"])
    stage.say(f"mended: orders are passed on again, under {number}")
