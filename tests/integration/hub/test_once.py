"""Never twice: runs that can't be found again, turns that no longer count, changes nobody would close."""

from typing import Any

import pytest
import sqlalchemy as sa
from tests.integration.hub.conftest import Running, Start, both_databases, triggered

from firstline.errors import Unavailable, Unknown
from firstline.incident import Incident
from firstline.remediation.plan import Plan
from firstline.remediation.run.procedure import Procedure
from firstline.store.table import REMEDIATION, RUN
from firstline.testing.loopback import ask
from firstline.testing.patience import eventually

pytestmark = [pytest.mark.anyio, both_databases]


def asked(hub: Running) -> Any:
    """The row of a remediation that waits for an approval: nothing of it has run."""
    hub.post(triggered())
    eventually(lambda: hub.get("approvals?state=waiting")["items"])
    return hub.hub.database.read_now(lambda c: c.execute(sa.select(REMEDIATION)).mappings().one())


async def begin_first_step(hub: Running, row: Any, turn: int) -> Any:
    plan = Plan.model_validate(row["plan"])
    incident = Incident.model_validate(row["incident"])
    procedure = Procedure(hub.hub.context, row["id"], turn, plan, incident)
    return await procedure.run("step", 0, plan.runbook.steps[0], {})


async def test_a_turn_that_no_longer_counts_begins_nothing(start: Start) -> None:
    hub = start(mode="approve")
    row = asked(hub)
    with pytest.raises(Unavailable, match="taken this remediation over"):
        await begin_first_step(hub, row, row["turn"] + 1)
    assert hub.runs() == 0


async def test_a_run_begun_with_another_state_folder_is_unknown_and_not_begun_again(start: Start) -> None:
    hub = start(mode="approve")
    row = asked(hub)
    values = {
        "id": f"{row['id']}.step.0",
        "remediation_id": row["id"],
        "phase": "step",
        "name": "mend",
        "target": "shop",
    }
    values |= {"executor": "command", "place": "elsewhere", "state": "begun", "output": "", "detail": ""}
    values |= {"begun_at": row["created_at"]}
    hub.hub.database.write_now(lambda c: c.execute(RUN.insert(), values))
    with pytest.raises(Unknown, match="another state folder"):
        await begin_first_step(hub, row, row["turn"])
    assert hub.runs() == 0


def test_a_parked_delivery_can_be_read_again(start: Start) -> None:
    hub = start()
    hub.post(b"not json")
    (parked,) = eventually(lambda: hub.get("deliveries?state=parked")["items"])
    assert hub.act(f"deliveries/{parked['id']}/retry").status_code == 202
    eventually(lambda: hub.get("deliveries?state=parked")["items"])
    assert hub.act("deliveries/absent/retry").status_code == 409


def test_a_large_body_is_refused_where_nobody_has_signed_in(start: Start) -> None:
    hub = start()
    large = b"token=" + b"x" * 100_000
    assert ask("POST", f"{hub.url}/sign-in", content=large).status_code == 413
    answer = ask("POST", f"{hub.url}/api/v1/approvals/x/approve", content=large)
    assert answer.status_code in (401, 413)
