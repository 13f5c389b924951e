"""Act 5: four eyes. Who asks for it and who wrote the runbook try to let it go and don't count; two others do."""

from firstline.demo import answer, services, vendor
from firstline.demo.people import APPROVER, AUTHOR, GROUP, REQUESTER, SECOND
from firstline.demo.seen import Seen
from firstline.demo.services import PAYROLL
from firstline.demo.stage import Stage, Stuck


async def play(stage: Stage, _: Seen) -> None:
    services.take_down(stage.place.services, PAYROLL)
    who = f"{REQUESTER}@example.com"
    key = await vendor.raise_request(stage, who, vendor.PROBLEM, PAYROLL.title, "It has been at it since this morning.")
    asked = await answer.remediation(stage, PAYROLL.title)
    approval = await answer.question(stage, asked["id"])
    stage.say(f"{key} {PAYROLL.title!r}: the hub asks 2 of {GROUP}")
    for person, what in ((REQUESTER, "who asks for it"), (AUTHOR, "who wrote the runbook")):
        if await answer.approve(stage, approval, person, "It is urgent."):
            raise Stuck(f"the word of {person}, {what}, was counted")
        stage.say(f"{person}, {what}, tries to let it go: does not count")
        await stage.pause(0.5)
    for person in (APPROVER, SECOND):
        if not await answer.approve(stage, approval, person, "Nobody needs the report today."):
            raise Stuck(f"the word of {person} was not counted")
        stage.say(f"{person} has approved it")
        await stage.pause(0.5)
    await answer.ended(stage, asked["id"])
    stage.say(f"{key}: payroll was restarted, once")
