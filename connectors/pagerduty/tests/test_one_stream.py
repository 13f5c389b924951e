"""Webhook and poll are one stream: whatever comes first, twice, late or not at all, each happening is one event and the
last state of an incident is the one that is seen."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firstline.connector import Delivery
from firstline.incident import Event
from firstline_pagerduty import polled
from firstline_pagerduty.sandbox import account as sandbox_account
from firstline_pagerduty.sandbox.account import Account, Happening
from firstline_pagerduty.sandbox.entity import Incident
from firstline_pagerduty.sandbox.error import Refusal
from firstline_pagerduty.sandbox.seed import Seed
from firstline_pagerduty.sandbox.shape import Shape
from firstline_pagerduty.translate import LOGGED, translate

START = datetime(2026, 3, 1, tzinfo=UTC)
CHANGES = ("acknowledged", "resolved", "triggered", "priority", "escalated", "note", "look")
# What is done, and how many milliseconds later: often within the second.
steps = st.lists(st.tuples(st.sampled_from(CHANGES), st.integers(0, 1_500)), max_size=12)


@dataclass
class Story:
    """An incident that goes through some changes, with all that PagerDuty tells of them."""

    at: datetime = START
    webhooks: list[Delivery] = field(default_factory=list)
    polls: list[Delivery] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.shape = Shape("")
        self.account = Account(self._tell)
        self.account.load(Seed())
        self.incident = self._open()

    def go(self, what: str, later: int) -> None:
        self.at += timedelta(milliseconds=later)
        user = self.account.users["PONCALL"]
        try:
            if what == "look":
                self.look()
            elif what == "note":
                self.account.annotate(self.incident, f"at {self.at}", user)
            elif what == "priority":
                self.account.prioritise(self.incident, self.account.priorities[0], user)
            elif what == "escalated":
                self.account.escalate(self.incident, 2, user)
            else:
                self.account.set_status(self.incident, what, user)  # type: ignore[arg-type]
        except Refusal:
            return  # it is there already: nothing happened

    def look(self) -> None:
        """A poll: the whole log, as it is now."""
        for incident, entry in self.account.log:
            row = orjson.loads(orjson.dumps(self.shape.log_entry(incident, entry, {"incidents"})))
            if polled.is_change(row):
                self.polls.append(polled.of_entry("pd", row, self.at.replace(microsecond=0)))

    def _open(self) -> Incident:
        return self.account.trigger(self.account.services["PSHOP01"], "It is down", None)

    def _tell(self, happening: Happening) -> None:
        body = orjson.dumps(self.shape.event(happening))
        self.webhooks.append(Delivery(connection="pd", key="k", body=body, received_at=self.at))


def told(changes: list[tuple[str, int]]) -> Story:
    with pytest.MonkeyPatch.context() as patch:
        story: list[Story] = []
        patch.setattr(sandbox_account, "now", lambda: story[0].at if story else START)
        story.append(Story())
        for what, later in changes:
            story[0].go(what, later)
        story[0].at += timedelta(seconds=2)
        story[0].look()
    return story[0]


def events(deliveries: list[Delivery]) -> list[Event]:
    found: list[Event] = []
    for one in deliveries:
        found += polled.translate(one, "PFIRSTL") if one.polled else [translate(one, "PFIRSTL")]
    return found


def last_state(found: list[Event]) -> str:
    """As the hub keeps views: only a higher version takes the place of another."""
    views = [event.incident for event in found if event.incident]
    newest = views[0]
    for view in views[1:]:
        newest = view if view.version > newest.version else newest
    return newest.state.value


def true_state(story: Story) -> str:
    return {"triggered": "open"}.get(story.incident.status, story.incident.status)


@given(steps)
@settings(max_examples=60, deadline=None)
def test_the_log_gives_each_happening_the_id_that_its_webhook_has(changes: list[tuple[str, int]]) -> None:
    story = told(changes)
    pushed = {event.id: event.type for event in events(story.webhooks) if _is_logged(event)}
    drawn = {event.id: event.type for event in events(story.polls)}
    assert pushed.items() <= drawn.items()


@given(steps, st.data())
@settings(max_examples=60, deadline=None)
def test_in_any_order_and_however_often_the_last_state_is_seen_and_nothing_happens_twice(
    changes: list[tuple[str, int]], data: st.DataObject
) -> None:
    story = told(changes)
    lost = data.draw(st.sets(st.integers(0, len(story.webhooks) - 1)), label="lost")
    kept = [one for number, one in enumerate(story.webhooks) if number not in lost]
    twice = data.draw(st.lists(st.sampled_from(kept + story.polls), max_size=5), label="twice")
    found = events(data.draw(st.permutations([*kept, *story.polls, *twice]), label="order"))
    assert last_state(found) == true_state(story)
    of_a_kind = [event for event in {event.id: event for event in found}.values() if event.type == "incident.opened"]
    assert len(of_a_kind) == 1
    happened = {(event.type, event.occurred_at.replace(microsecond=0)) for event in found if _is_logged(event)}
    assert len({event.id for event in found if _is_logged(event)}) >= len(happened)


@given(steps)
@settings(max_examples=40, deadline=None)
def test_webhooks_alone_are_enough(changes: list[tuple[str, int]]) -> None:
    story = told([change for change in changes if change[0] != "look"])
    assert last_state(events(story.webhooks)) == true_state(story) or _in_one_millisecond(story)


def _is_logged(event: Event) -> bool:
    return event.vendor_type in LOGGED | {"incident.triggered", "incident.annotated"}


def _in_one_millisecond(story: Story) -> bool:
    times = [orjson.loads(one.body)["event"]["occurred_at"] for one in story.webhooks]
    return len(set(times)) < len(times)
