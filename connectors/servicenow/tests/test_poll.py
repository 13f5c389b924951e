"""Asking for what happened: every record once, in order, by the instance's clock."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from connectors.servicenow.tests.stage import USERS, settings
from hypothesis import given
from hypothesis import strategies as st

from firstline.connector import Delivery, Page, Window
from firstline.errors import Rejected
from firstline_servicenow import poll
from firstline_servicenow.poll import Poll, Position
from firstline_servicenow.table import Found
from firstline_servicenow.translate import Reader

pytestmark = pytest.mark.anyio

BASE = "https://example.service-now.com"
DAY = datetime(2026, 11, 22, tzinfo=UTC)
ALL = Window(since=DAY)
Instance = Callable[..., str]

READER = Reader("prod", settings(BASE))


def row(n: int, second: int = 0, **more: Any) -> dict[str, Any]:
    """The n-th incident, saved at a second of the day."""
    at = (DAY + timedelta(seconds=second)).strftime("%Y-%m-%d %H:%M:%S")
    known = {"sys_id": f"{n:032x}", "number": f"INC{n:07d}", "short_description": f"fault {n}", "sys_mod_count": "0"}
    return {
        **known,
        "sys_created_on": at,
        "sys_updated_on": at,
        "sys_created_by": "beth",
        "sys_updated_by": "beth",
        **more,
    }


@pytest.fixture
def instance(start: Any) -> Instance:
    return lambda *rows, **more: start(incident=list(rows), **more)


async def walk(connector: Any, window: Window = ALL) -> list[Page]:
    pages = [await connector.poll(window)]
    while pages[-1].next:
        pages.append(await connector.poll(window, pages[-1].next))
    return pages


def ids(pages: list[Page]) -> list[int]:
    """Which incidents were brought, in their order."""
    deliveries = [delivery for page in pages for delivery in page.deliveries]
    return [int(json.loads(delivery.body)["record"]["sys_id"]["value"], 16) for delivery in deliveries]


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(poll, "LIMIT", 4)


@pytest.mark.usefixtures("small_pages")
async def test_rows_of_the_same_second_are_all_brought_once_across_pages(connect: Any, instance: Instance) -> None:
    """The best-known collection goes on a second later, and loses the rest of it."""
    rows = [row(n, second=7) for n in range(1, 12)] + [row(n, second=8) for n in range(12, 15)]
    pages = await walk(connect(instance(*rows)))
    assert ids(pages) == list(range(1, 15))
    assert [len(page.deliveries) for page in pages] == [4, 4, 4, 2]
    assert {page.total for page in pages} == {14}


@pytest.mark.usefixtures("small_pages")
@pytest.mark.parametrize("hidden", ["number<=INC0000009", "number>=INC0000003^number<=INC0000020", "sys_idISNOTEMPTY"])
async def test_rows_that_access_rules_hide_end_no_poll_early(connect: Any, instance: Instance, hidden: str) -> None:
    rows = [row(n, second=n) for n in range(1, 25)]
    address = instance(*rows, rules={"hidden": {"incident": hidden}})
    seen = {"number<=INC0000009": range(10, 25), "sys_idISNOTEMPTY": []}.get(hidden, [1, 2, 21, 22, 23, 24])
    pages = await walk(connect(address))
    assert ids(pages) == list(seen)
    assert pages[-1].total == 24


@pytest.mark.usefixtures("small_pages")
async def test_a_row_that_changes_between_two_pages_takes_no_other_with_it(connect: Any, instance: Instance) -> None:
    address = instance(*[row(n, second=n) for n in range(1, 9)])
    connector = connect(address)
    first = await connector.poll(ALL)
    async with httpx.AsyncClient(base_url=address, auth=("admin", "admin"), trust_env=False) as person:
        for n in (1, 2, 6):
            await person.patch(f"/api/now/table/incident/{n:032x}", json={"description": "changed"})
    rest = [await connector.poll(ALL, first.next)]
    while rest[-1].next:
        rest.append(await connector.poll(ALL, rest[-1].next))
    assert ids([first]) == [1, 2, 3, 4]
    assert ids(rest) == [5, 7, 8, 1, 2, 6]


async def test_a_window_has_its_first_second_and_not_its_last(connect: Any, instance: Instance) -> None:
    connector = connect(instance(*[row(n, second=n) for n in range(1, 9)]))
    window = Window(since=DAY + timedelta(seconds=3), until=DAY + timedelta(seconds=6))
    assert ids(await walk(connector, window)) == [3, 4, 5]
    within = Window(since=DAY + timedelta(seconds=3.9), until=DAY + timedelta(seconds=5.1))
    assert ids(await walk(connector, within)) == [3, 4, 5]


async def test_opened_means_by_the_time_of_opening_as_the_record_is_now(connect: Any, instance: Instance) -> None:
    late = {"sys_updated_on": "2026-11-23 09:00:00", "sys_mod_count": "5", "state": "6"}
    connector = connect(instance(row(1, second=1, **late), row(2, second=2), row(3, second=9)))
    window = Window(since=DAY, until=DAY + timedelta(seconds=5), by="opened")
    pages = await walk(connector, window)
    assert ids(pages) == [1, 2]
    assert pages[-1].total == 2
    opened, updated = READER.events(pages[0].deliveries[0])
    assert (opened.id, opened.type) == (f"{1:032x}:0", "incident.opened")
    assert opened.occurred_at == DAY + timedelta(seconds=1)
    assert (updated.id, updated.type) == (f"{1:032x}:5", "incident.updated")
    assert updated.incident is not None
    assert (updated.incident.state, updated.incident.version) == ("resolved", 5)


async def test_rows_that_are_written_late_come_with_the_overlap_and_nothing_else_is_new(
    connect: Any, instance: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = instance()
    connector = connect(address)
    start = datetime.now(UTC) - timedelta(minutes=5)
    async with httpx.AsyncClient(base_url=address, auth=("admin", "admin"), trust_env=False) as person:
        await person.post("/api/now/table/incident", json={"short_description": "in time"})
        first = await walk(connector, Window(since=start))
        await person.put("/sandbox/rules", json={"late": {"rows": 1, "seconds": 90}})
        await person.post("/api/now/table/incident", json={"short_description": "late"})
    cursor = first[-1].complete_to
    assert cursor is not None
    again = await walk(connector, Window(since=cursor - timedelta(seconds=connector.overlap)))
    keys = [{delivery.key for page in pages for delivery in page.deliveries} for pages in (first, again)]
    assert len(keys[1] - keys[0]) == 1
    assert keys[0] <= keys[1]


async def test_all_watched_tables_are_asked_and_a_proof_counts_faults_only(connect: Any, instance: Instance) -> None:
    tables = {name: [row(n)] for n, name in enumerate(("sc_task", "change_request", "em_alert"), start=10)}
    tables["em_alert"][0] |= {
        "short_description": "",
        "description": "disk full\nmore",
        "severity": "2",
        "number": "Alert0010001",
    }
    connector = connect(instance(row(1), **tables), tables=["incident", "sc_task", "change_request", "em_alert"])
    changed = await walk(connector)
    assert ids(changed) == [1, 10, 11, 12]
    assert [page.total for page in changed] == [1, 2, 3, 4]
    assert [page.complete_to is None for page in changed] == [True, True, True, False]
    opened = await walk(connector, Window(since=DAY, by="opened"))
    assert ids(opened) == [1, 10, 12]
    told = [event for page in changed for delivery in page.deliveries for event in READER.events(delivery)]
    assert [event.type for event in told] == ["incident.opened", "incident.opened", "change.updated", "incident.opened"]
    assert [(e.incident.title, e.incident.priority) for e in told if e.incident][-1] == ("disk full", 2)


async def test_filters_narrow_what_is_brought(connect: Any, instance: Instance) -> None:
    address = instance(row(1, urgency="1"), row(2, urgency="2"), row(3, urgency="3"))
    connector = connect(address, filters={"incident": "urgency=1^ORurgency=3^EQ"})
    assert ids(await walk(connector)) == [1, 3]


async def test_an_instance_that_reads_times_in_the_accounts_zone_is_refused_not_missed(
    connect: Any, instance: Instance
) -> None:
    users = [user | ({"time_zone": "US/Pacific"} if user["user_name"] == "firstline" else {}) for user in USERS]
    address = instance(row(1), users=users)
    with pytest.raises(Rejected, match="GMT"):
        await connect(address).poll(ALL)


async def test_the_zone_is_tried_once_there_is_a_record_to_try_it_with_and_then_no_more(
    connect: Any, instance: Instance, person: httpx.AsyncClient
) -> None:
    connector = connect(instance())
    costs = []
    for title in ("", "the first", ""):
        if title:
            await person.post("/api/now/table/incident", json={"short_description": title})
        await connector.poll(ALL)
        costs.append(connector.meter.take()[0])
    assert costs == [2, 3, 1]


async def test_a_page_of_somebody_elses_is_rejected(connect: Any, instance: Instance) -> None:
    connector = connect(instance())
    for odd in ("x", '{"table": -1}', '{"sys_id": "a^ORactive=true"}'):
        with pytest.raises(Rejected, match="no page"):
            await connector.poll(ALL, odd)


async def test_a_poll_asks_for_the_fields_it_needs_and_the_items_of_the_cmdb(connect: Any, instance: Instance) -> None:
    group = {"sys_id": "9" * 32, "name": "Web"}
    ci = {
        "sys_id": "c" * 32,
        "name": "shop",
        "ip_address": "10.0.0.7",
        "fqdn": "shop.example",
        "support_group": "9" * 32,
    }
    address = instance(
        row(1, cmdb_ci="c" * 32, description="x" * 2000, u_jira="OPS-17"),
        cmdb_ci=[{**ci, "environment": "Production", "sys_class_name": "cmdb_ci_linux_server"}],
        sys_user_group=[group],
        columns={"incident": ["u_jira", "u_more"]},
    )
    connector = connect(address, links={"u_jira": "jira"}, extra_fields=["u_more"])
    (page,) = await walk(connector)
    record = json.loads(page.deliveries[0].body)["record"]
    assert "u_more" in record
    assert "work_notes" not in record
    (event,) = connector.translate(page.deliveries[0])
    item = event.incident.item
    assert (item.kind, item.ip, item.fqdn) == ("cmdb_ci_linux_server", "10.0.0.7", "shop.example")
    assert (item.owner, item.environment) == ("Web", "Production")
    assert [(link.system, link.number) for link in event.incident.links] == [("jira", "OPS-17")]
    assert await connector.fetch(event.reference) == event.incident


async def test_a_row_without_its_count_of_saves_is_rejected_with_the_fields_name(connect: Any) -> None:
    made = Poll("prod", settings(BASE), ALL)
    with pytest.raises(Rejected, match="sys_mod_count"):
        made.read(Found([row(1, sys_mod_count="")], 1), Position())


# how far all is brought

ANSWERED = datetime(2026, 11, 22, 12, 0, 30, tzinfo=UTC)


def read(window: Window, rows: list[dict[str, Any]], *, more: bool = False, **position: Any) -> Page:
    found = Found(rows, len(rows), more, ANSWERED)
    return Poll("prod", settings(BASE), window).read(found, Position(**position))


def test_a_second_that_may_not_be_over_is_never_complete() -> None:
    assert read(ALL, []).complete_to == ANSWERED - timedelta(seconds=1)
    future = row(1, second=12 * 3600 + 40)
    assert read(ALL, [future], more=True).complete_to == ANSWERED - timedelta(seconds=1)


def test_between_pages_all_before_the_last_row_is_complete() -> None:
    assert read(ALL, [row(1, second=3), row(2, second=5)], more=True).complete_to == DAY + timedelta(seconds=5)


def test_the_last_page_is_dated_by_the_answer_to_the_first() -> None:
    earlier = ANSWERED - timedelta(minutes=3)
    page = read(ALL, [row(1, second=3)], began_at=earlier)
    assert page.complete_to == earlier - timedelta(seconds=1)


def test_a_closed_window_is_complete_to_its_end_and_no_further() -> None:
    until = DAY + timedelta(hours=1)
    assert read(Window(since=DAY, until=until), []).complete_to == until


def test_an_answer_without_a_date_proves_nothing() -> None:
    found = Found([], 0, False, None)
    assert Poll("prod", settings(BASE), ALL).read(found, Position()).complete_to is None


# push and poll are one stream


def pushed(n: int, count: int) -> Delivery:
    record = row(n, second=count, sys_mod_count=str(count))
    body = {
        "table": "incident",
        "operation": "update" if count else "insert",
        **{name: record[name] for name in ("sys_id", "sys_updated_on", "sys_updated_by")},
        "sys_mod_count": count,
        "record": record,
    }
    key = f"{record['sys_id']}:{count}"
    return Delivery(connection="prod", key=key, body=json.dumps(body).encode(), received_at=ANSWERED)


def polled(n: int, count: int) -> Delivery:
    at = (DAY + timedelta(seconds=count)).strftime("%Y-%m-%d %H:%M:%S")
    record = row(n, sys_mod_count=str(count), sys_updated_on=at)
    (delivery,) = Poll("prod", settings(BASE), ALL).read(Found([record], 1), Position()).deliveries
    return delivery


SEEN = st.tuples(st.sampled_from([pushed, polled]), st.integers(1, 2), st.integers(0, 4))


@given(st.lists(SEEN, max_size=20))
def test_whatever_comes_by_whichever_way_each_event_has_one_name_and_the_newest_view_wins(seen: list[Any]) -> None:
    events = [(n, count, event) for way, n, count in seen for event in READER.events(way(n, count))]
    told: dict[str, set[Any]] = {}
    newest: dict[int, Any] = {}
    for n, count, event in events:
        save = 0 if event.type == "incident.opened" else count
        assert event.id == f"{n:032x}:{save}"
        told.setdefault(event.id, set()).add((event.type == "incident.opened", event.occurred_at))
        assert event.incident is not None
        if n not in newest or event.incident.version >= newest[n].version:
            newest[n] = event.incident
    assert all(len(ways) == 1 for ways in told.values())
    for n in {n for _, n, _ in seen}:
        assert newest[n].version == max(count for _, m, count in seen if m == n)


def test_a_polled_record_has_its_own_key_for_each_save_beside_the_webhooks() -> None:
    """A webhook of a later save must not hide that the record was opened, which only the poll tells then."""
    keys = [polled(1, 3).key, polled(1, 3).key, polled(1, 4).key, pushed(1, 3).key]
    assert keys[0] == keys[1]
    assert len(set(keys)) == 3
