"""What happened in a playbook, from the lines that the callback wrote."""

import json
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

NAMED = 5  # hosts that are named with their words


class Story(NamedTuple):
    """`task` is the last that began; `faults` are the last words of each host that failed or could not be reached. Told
    at the end (`over`): `hosts`, results counted by host and kind."""

    task: str
    faults: dict[str, str]
    over: bool = False
    hosts: dict[str, dict[str, int]] = {}  # noqa: RUF012 - never changed

    def lost(self) -> dict[str, str]:
        """Why, of each host that did not come through. A failure that was ignored or rescued is none."""
        ill = [host for host, count in self.hosts.items() if count.get("failures") or count.get("unreachable")]
        return {host: self.faults.get(host, f"{host} failed") for host in ill}


def read(file: Path) -> Story:
    """What a file tells; one that is not there tells nothing. A line that was cut by a kill is left out."""
    try:
        with file.open(encoding="utf-8", errors="replace") as lines:
            return story_of(_events(lines))
    except FileNotFoundError:
        return story_of(())


def without_words(file: Path) -> Iterator[str]:
    """The lines of a file, without what tasks that failed said."""
    with file.open(encoding="utf-8", errors="replace") as lines:
        for event in _events(lines):
            yield json.dumps({**event, "words": "no longer kept"} if "words" in event else event) + "\n"


def story_of(events: Iterable[dict[str, Any]]) -> Story:
    task, faults = "", {}
    for event in events:
        kind = event.get("event")
        if kind == "task":
            task = event["name"]
        elif kind == "failed" and not event["ignored"]:
            faults[event["host"]] = f"{event['task']!r} failed on {event['host']}: {event['words']}"
        elif kind == "unreachable":
            faults[event["host"]] = f"{event['host']} could not be reached: {event['words']}"
        elif kind == "end":
            return Story(task, faults, True, event["hosts"])
    return Story(task, faults)


def _events(lines: Iterable[str]) -> Iterator[dict[str, Any]]:
    for line in lines:
        with suppress(ValueError):
            yield json.loads(line)


def words(story: Story) -> str:
    """Who did not come through and why, and who did."""
    lost = story.lost()
    told = list(lost.values())[:NAMED]
    if len(lost) > NAMED:
        told.append(f"and {len(lost) - NAMED} more")
    well = [host for host in story.hosts if host not in lost]
    if well:
        told.append(f"done on {', '.join(well[:NAMED])}{f' and {len(well) - NAMED} more' if well[NAMED:] else ''}")
    return "; ".join(told)
