"""The ledger and the evidence by the API of a hub that runs."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from tests.integration.evidence.conftest import Ledger, found

from firstline import settings
from firstline.access import Right, make_token, roll
from firstline.access.grant import grant
from firstline.access.token import give_token
from firstline.hub import Hub
from firstline.ledger.key import signer
from firstline.store.table import LEDGER
from firstline.testing.loopback import ask, serve
from firstline.testing.patience import eventually
from firstline.web.app import create_app

PATIENT = 60.0


@dataclass
class Running:
    url: str
    ledger: Ledger
    id: str  # of a remediation
    tokens: dict[str, str]  # by person

    def ask(self, path: str, person: str) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.tokens[person]}"} if person else {}
        return ask("GET", f"{self.url}/api/v1/{path}", headers=headers, timeout=PATIENT)

    def get(self, path: str, person: str = "ann") -> Any:
        answer = self.ask(path, person)
        answer.raise_for_status()
        return answer.json()


def _people(connection: sa.Connection) -> dict[str, str]:
    """ann sees all, sam what is the shop's, gus governs it, max sees another pack."""
    tokens = {"ann": make_token(connection, "ann", [Right.SEE])}
    for name, rights, pack in (("sam", ["see"], "shop"), ("gus", ["see", "govern"], "shop"), ("max", ["see"], "mail")):
        roll.add(connection, name, by="test")
        grant(connection, f"person:{name}", [Right(right) for right in rights], pack=pack, by="test")
        tokens[name] = give_token(connection, name, by="test")
    return tokens


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("ops")
    (folder / "firstline.toml").write_text("[hub]\n")
    (folder / "mappings").mkdir()
    made = Hub(settings.load(folder))
    made.database.create()
    ledger = Ledger(made.database)
    id_ = ledger.remediate()
    tokens = ledger.write(_people)
    with serve(create_app(made)) as url:
        ledger.signer = signer(made.settings)
        eventually(lambda: ledger.database.read_now(_placed))
        yield Running(url, ledger, id_, tokens)


def _placed(connection: sa.Connection) -> bool:
    waiting = sa.select(LEDGER.c.id).where(LEDGER.c.position.is_(None)).limit(1)
    return connection.execute(waiting).first() is None


def test_the_evidence_of_a_remediation_proves_itself(hub: Running, tmp_path: Path) -> None:
    answer = hub.ask(f"remediations/{hub.id}/evidence", "ann")
    assert answer.headers["content-type"] == "application/zip"
    (tmp_path / "pack.zip").write_bytes(answer.content)
    assert found(hub.ledger, tmp_path / "pack.zip") == ([], [])


def test_who_takes_evidence_is_in_the_ledger(hub: Running) -> None:
    hub.ask(f"remediations/{hub.id}/evidence", "gus")
    assert hub.get("ledger?subject=ledger&act=exported")["items"][0]["by"] == "gus"


def test_evidence_is_for_who_sees_all_packs_or_governs_this_one(hub: Running) -> None:
    path = f"remediations/{hub.id}/evidence"
    assert [hub.ask(path, name).status_code for name in ("", "ann", "gus", "sam", "max")] == [401, 200, 200, 403, 404]


def test_entries_are_shown_byte_for_byte_newest_first(hub: Running) -> None:
    items = hub.get(f"ledger?subject={hub.id}")["items"]
    assert [one["act"] for one in reversed(items)] == ["matched", "asked", "approved", "ran", "ended", "wrote"]
    stored = sa.select(LEDGER.c.entry).where(LEDGER.c.id == items[0]["id"])
    assert items[0]["entry"] == hub.ledger.database.read_now(lambda c: c.execute(stored).scalar_one())
    assert len(items[0]["hash"]) == 64


def test_entries_are_found_by_act_and_by_time(hub: Running) -> None:
    (one,) = hub.get("ledger?act=approved")["items"]
    assert one["by"] == "ann"
    assert hub.get("ledger?act=appro")["items"] == []
    assert hub.get("ledger?until=2026-01-01T00:00:00Z")["items"] == []
    assert len(hub.get(f"ledger?since=2026-01-01T00:00:00Z&subject={hub.id}")["items"]) == 6


def test_who_sees_some_packs_sees_only_what_their_remediations_tell(hub: Running) -> None:
    assert {one["subject"] for one in hub.get("ledger", "sam")["items"]} == {hub.id}
    assert hub.get("ledger", "max")["items"] == []
    assert {"person:sam", hub.id} <= {one["subject"] for one in hub.get("ledger", "ann")["items"]}


def test_a_page_leads_to_the_next(hub: Running) -> None:
    first = hub.get(f"ledger?subject={hub.id}&limit=4")
    rest = hub.get(f"ledger?subject={hub.id}&limit=4&before={first['next']}")
    assert [len(first["items"]), len(rest["items"]), rest["next"]] == [4, 2, None]
