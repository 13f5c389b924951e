"""Whatever comes by webhook, by poll, or by both, in any order and any number: one event for each happening, and the
last state of the issue. (A comment changes none of its fields, and Cloud's webhook of one shows no version.)"""

import asyncio
from typing import Any, Literal

import pytest
from connectors.jira.tests.inside import HUB, LONG_AGO, SAM, Inside
from hypothesis import given, settings
from hypothesis import strategies as some

from firstline.connector import Delivery, Window
from firstline.incident import Event, Incident
from firstline_jira.sandbox.app import MANAGER
from firstline_jira.sandbox.workflow import PLANNED

Deed = Literal["open", "say", "edit", "delete", "move", "rank", "rename"]
DEEDS: list[Deed] = ["open", "say", "edit", "delete", "move", "rank", "rename"]


class Hub:
    """As the hub keeps events and views: an id once, the highest version."""

    def __init__(self) -> None:
        self.events: dict[str, Event] = {}
        self.views: dict[str, Incident] = {}

    def take(self, events: list[Event]) -> None:
        for event in events:
            if event.id in self.events:
                assert event.type == self.events[event.id].type, event.id
                continue
            self.events[event.id] = event
            if event.incident:
                self._look(event.incident)

    def _look(self, incident: Incident) -> None:
        known = self.views.get(incident.reference.id)
        if known is None or incident.version > known.version:
            self.views[incident.reference.id] = incident


def do(inside: Inside, deed: Deed, number: int) -> None:
    """Something happens to one of the issues, if it can."""
    actions, issues = inside.actions, [*inside.actions.records.issues.values()]
    if deed == "open" or not issues:
        inside.open(f"fault {number}")
        return
    issue = issues[number % len(issues)]
    said = [comment.id for comment in issue.comments]
    if deed == "say":
        inside.say(issue, f"said {number}", SAM)
    elif deed == "edit" and said:
        actions.edit_comment(issue, said[number % len(said)], actions._check.words(f"edited {number}"), [])
    elif deed == "delete" and said:
        actions.delete_comment(issue, said[number % len(said)])
    elif deed == "move":
        offered = actions.offered(issue)
        chosen = offered[number % len(offered)]
        fields = {"resolution": {"name": "Done"}} if chosen.screen else {}
        actions.transition(SAM, issue, {"transition": {"id": chosen.id}, "fields": fields})
    elif deed == "rank":
        actions.edit(SAM, issue, {"fields": {"priority": {"id": str(1 + number % 5)}}})
    elif deed == "rename":
        actions.edit(SAM, issue, {"fields": {"summary": f"fault {number}"}})


async def live(inside: Inside, deeds: list[tuple[Deed, int]], polls: set[int]) -> list[Delivery]:
    """Let it all happen, with a poll after some of the deeds and one at the end; what polls brought."""
    found: list[Delivery] = []
    for place, (deed, number) in enumerate(deeds):
        do(inside, deed, number)
        if place in polls:
            found += await inside.poll(Window(since=LONG_AGO))
    return found + await inside.poll(Window(since=LONG_AGO))


stories = some.lists(some.tuples(some.sampled_from(DEEDS), some.integers(0, 20)), min_size=1, max_size=12)


@pytest.mark.parametrize("deployment", ["cloud", "datacenter"])
@settings(max_examples=20, deadline=None)
@given(data=some.data(), deeds=stories, polls=some.sets(some.integers(0, 11), max_size=3))
def test_any_mixture_of_webhooks_and_polls_tells_each_happening_once_and_ends_with_the_last_state(
    deployment: str, data: Any, deeds: list[tuple[Deed, int]], polls: set[int]
) -> None:
    inside = Inside(deployment=deployment)
    polled = asyncio.run(live(inside, deeds, polls))
    hooked = [inside.hook(body) for body in inside.told]
    hub = Hub()
    mixture = data.draw(some.permutations([*polled, *hooked, *hooked[:2]]))
    for delivery in mixture:
        hub.take(inside.events(delivery))
    for issue in inside.actions.records.issues.values():
        view, fields = hub.views[issue.id], hub.views[issue.id].data["fields"]
        changed = issue.histories[-1].created if issue.histories else issue.created
        assert round(changed.timestamp() * 1000) <= view.version <= round(issue.updated.timestamp() * 1000)
        assert (view.title, fields["status"]["id"]) == (issue.fields["summary"], issue.status.id)
        assert fields["priority"]["id"] == issue.fields.get("priority", "3")


@pytest.mark.parametrize("deployment", ["cloud", "datacenter"])
@settings(max_examples=20, deadline=None)
@given(deeds=stories)
def test_a_poll_tells_what_webhooks_told_but_for_what_jira_no_longer_shows(
    deployment: str, deeds: list[tuple[Deed, int]]
) -> None:
    inside = Inside(deployment=deployment)
    polled = {event.id for delivery in asyncio.run(live(inside, deeds, set())) for event in inside.events(delivery)}
    hooked = {event.id for body in inside.told for event in inside.events(inside.hook(body))}
    there = {comment.id for issue in inside.actions.records.issues.values() for comment in issue.comments}
    gone = {id for id in hooked if id.startswith("comment:") and (id.split(":")[1] not in there or ":updated" in id)}  # noqa: A001
    assert hooked - polled <= gone
    assert all(":updated:" in id for id in polled - hooked)  # noqa: A001


@pytest.mark.parametrize("deployment", ["cloud", "datacenter"])
def test_an_approval_and_moved_times_of_a_change_are_told_alike_by_webhook_and_poll(deployment: str) -> None:
    inside = Inside(deployment=deployment)
    actions = inside.actions
    fields = {"summary": "Restart the shop"}
    change = actions.request(HUB, {"serviceDeskId": "1", "requestTypeId": "3", "requestFieldValues": fields})
    actions.transition(HUB, change, {"transition": {"id": "21"}})
    actions.edit(MANAGER, change, {"fields": {PLANNED[0]: "2026-11-23T09:00:00.000+0000"}})
    actions.decide(MANAGER, change, "approve")
    polled, hooked = (
        [(event.id, event.type, event.reference) for delivery in found for event in inside.events(delivery)]
        for found in (asyncio.run(inside.poll(Window(since=LONG_AGO))), [inside.hook(body) for body in inside.told])
    )
    assert polled == hooked
    assert len(polled) == 4
    kept = {(kind, reference.kind, reference.id) for _, kind, reference in polled if reference}
    assert kept == {("change.updated", "change", change.id)}
