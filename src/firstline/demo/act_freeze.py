"""Act 4: a fault comes in a freeze. It is held, and says so; when the freeze is lifted, it is mended."""

import os
from datetime import UTC, datetime, timedelta

import anyio

from firstline.demo import answer, services, vendor
from firstline.demo.seen import Seen
from firstline.demo.services import RELAY
from firstline.demo.stage import FIRSTLINE, Stage

NAME = "Mail is moved tonight"
CALENDAR = """BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//firstline//demo//EN
BEGIN:VEVENT
UID:mail-move@demo
DTSTAMP:{start}
DTSTART:{start}
DTEND:{end}
SUMMARY:{name}
RESOURCES:{item}
STATUS:{status}
END:VEVENT
END:VCALENDAR
"""


async def play(stage: Stage, seen: Seen) -> None:
    _write(stage, "CONFIRMED")
    await stage.until("the hub has read the calendar", lambda: _is_frozen(stage))
    stage.say(f"a freeze is in the calendar: {NAME!r}; now the mail relay breaks")
    services.take_down(stage.place.services, RELAY)
    await vendor.open_incident(stage, {"short_description": RELAY.title, "cmdb_ci": RELAY.name})
    held = await answer.remediation(stage, RELAY.title)
    line = await answer.told(stage, held["id"], "held")
    seen.why = await _why(stage, held["id"])
    stage.say(f"not mended yet: {line['text']}")
    await stage.pause(1.0)
    _write(stage, "CANCELLED")
    stage.say("the freeze is lifted in the calendar; the hub reads it by itself")
    await answer.ended(stage, held["id"])
    stage.say("mended: the mail relay is up")


def _write(stage: Stage, status: str) -> None:
    """Beside, and renamed: the hub never reads half a calendar."""
    start = datetime.now(UTC) - timedelta(minutes=5)
    times = {"start": f"{start:%Y%m%dT%H%M%SZ}", "end": f"{start + timedelta(hours=2):%Y%m%dT%H%M%SZ}"}
    text = CALENDAR.format(**times, name=NAME, item=RELAY.name, status=status)
    stage.place.freeze.parent.mkdir(exist_ok=True)
    beside = stage.place.freeze.with_suffix(".new")
    beside.write_text(text.replace("\n", "\r\n"), encoding="utf-8", newline="")
    beside.replace(stage.place.freeze)


async def _is_frozen(stage: Stage) -> bool:
    return NAME in [window["name"] for window in (await stage.ask_hub("/guards"))["windows"]]


async def _why(stage: Stage, id_: str) -> str:
    """What an operator reads."""
    command = [*FIRSTLINE, "guard", "why", id_, "--folder", str(stage.place.hub)]
    done = await anyio.run_process(command, check=False, env={**os.environ, "COLUMNS": "200"})
    return done.stdout.decode()
