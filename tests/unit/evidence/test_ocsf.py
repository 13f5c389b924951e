"""The ledger's entries as OCSF events: what version 1.5.0 of the schema requires of each class is there."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson
import pytest

from firstline.evidence import ocsf
from firstline.evidence.case import Line
from firstline.evidence.ocsf import event
from firstline.ledger.entry import Entry

# By class, what the schema requires beside what it requires of every event; then one of which it asks for.
REQUIRED: Mapping[int, tuple[tuple[str, ...], tuple[str, ...]]] = {
    3001: (("user",), ()),
    3002: (("user",), ("service", "dst_endpoint")),
    3004: (("entity",), ()),
    3005: (("user", "privileges"), ()),
    3006: (("group",), ()),
}
ALWAYS = ("activity_id", "category_uid", "class_uid", "metadata", "severity_id", "time", "type_uid")
ACTIVITIES = {3001: range(1, 13), 3002: range(1, 7), 3004: range(1, 14), 3005: range(1, 3), 3006: range(1, 7)}
ACTOR = ("process", "user", "invoked_by", "session", "app_name", "app_uid")

SAID = [
    ("0193" * 8, "matched", 300401),
    ("0193" * 8, "approved", 300413),
    ("0193" * 8, "held", 300412),
    ("0193" * 8, "folded", 300499),
    ("mapping:shop/mend", "demoted", 300403),
    ("switch:all", "thrown", 300410),
    ("change:CHG0000001", "opened", 300401),
    ("person:ann", "added", 300101),
    ("person:ann", "turned off", 300105),
    ("person:ann", "token given", 300199),
    ("person:ann", "granted", 300501),
    ("person:ann", "signed in", 300201),
    ("sign-in", "sign-in refused", 300201),
    ("sign-in:ann", "sign-in refused", 300201),
    ("group:sre-core", "granted", 300601),
    ("group:sre-core", "joined", 300603),
    ("ledger", "signs", 300499),
]


def line(subject: str, act: str, by: str = "ann", position: int | None = 7) -> Line:
    at = "2026-11-23T06:40:00.123456Z"
    entry = Entry(id="0193", at=at, act=act, by=by, subject=subject, text="said", facts={"n": 1}, rows={"vote/1": "ab"})
    return Line("0193", position, orjson.dumps(entry.model_dump(), option=orjson.OPT_SORT_KEYS).decode())


@pytest.mark.parametrize(("subject", "act", "type_uid"), SAID)
def test_an_event_has_what_the_schema_requires(subject: str, act: str, type_uid: int) -> None:
    told = event(line(subject, act), "0.1.0")
    required, any_of = REQUIRED[told["class_uid"]]
    assert told["type_uid"] == type_uid == told["class_uid"] * 100 + told["activity_id"]
    assert told["category_uid"] == told["class_uid"] // 1000
    assert not [name for name in (*ALWAYS, *required) if told.get(name) in (None, "", [], {})]
    assert not any_of or any(name in told for name in any_of)
    assert told["activity_id"] in (*ACTIVITIES[told["class_uid"]], 99)
    assert told["severity_id"] in range(7)
    assert told["status_id"] in (1, 2)
    assert any(name in told["actor"] for name in ACTOR)


@pytest.mark.parametrize(("subject", "act", "type_uid"), SAID)
def test_what_it_was_done_to_has_a_name(subject: str, act: str, type_uid: int) -> None:
    told = event(line(subject, act), "0.1.0")
    named = told.get("entity") or told.get("group") or told["user"]
    assert named.get("name") or named.get("uid")
    assert isinstance(told.get("privileges", []), list)


def test_time_is_in_milliseconds_and_the_source_is_kept() -> None:
    told = event(line("0193" * 8, "approved"), "0.1.0")
    assert told["time"] == 1795416000123
    assert told["metadata"]["version"] == "1.5.0"
    assert told["metadata"]["product"] == {"name": "Firstline", "vendor_name": "Firstline", "version": "0.1.0"}
    assert told["metadata"]["sequence"] == 7
    assert told["metadata"]["correlation_uid"] == "0193" * 8
    assert told["unmapped"] == {"facts": {"n": 1}, "rows": {"vote/1": "ab"}}
    assert told["raw_data"] == line("0193" * 8, "approved").text


@pytest.mark.parametrize(
    ("by", "actor"),
    [
        ("firstline", {"app_name": "Firstline"}),
        ("ann", {"user": {"name": "ann", "type_id": 1, "type": "User"}, "app_name": "Firstline"}),
        ("os:root", {"user": {"name": "root", "domain": "os", "type_id": 1, "type": "User"}, "app_name": "Firstline"}),
    ],
)
def test_who_acted_is_the_actor(by: str, actor: dict[str, Any]) -> None:
    assert event(line("0193" * 8, "approved", by), "0.1.0")["actor"] == actor


def test_an_override_is_high_and_a_refusal_is_a_failure() -> None:
    assert event(line("0193" * 8, "overridden"), "0.1.0")["severity"] == "High"
    assert event(line("0193" * 8, "refused"), "0.1.0")["status"] == "Failure"


def test_an_entry_without_a_place_has_no_sequence() -> None:
    assert "sequence" not in event(line("ledger", "signs", position=None), "0.1.0")["metadata"]


def test_every_act_that_has_a_place_in_the_schema_is_one_that_somebody_does() -> None:
    package = Path(ocsf.__file__).parent.parent
    source = "".join(path.read_text() for path in package.rglob("*.py") if path.name != "ocsf.py")
    acts = {act for activities in ocsf.ACTIVITIES.values() for act in activities} | set(ocsf.SEVERITIES)
    assert [act for act in sorted(acts) if f'"{act}"' not in source] == []
