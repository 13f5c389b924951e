"""Changes that wait for the people of their register, and what they answer there."""

import sqlalchemy as sa
from tests.integration.hub.conftest import PATIENT, Running, Start, both_databases, triggered

from firstline.store.table import REMEDIATION
from firstline.testing.loopback import ask
from firstline.testing.patience import eventually

pytestmark = both_databases


def desk(hub: Running, act: str, **answer: str) -> None:
    """What a person does on the sandbox's page of a change."""
    (change,) = hub.changes()
    url = f"{hub.servicenow}/sandbox/change/{change['number']}/{act}"
    answered = ask("POST", url, data=answer, timeout=PATIENT)
    assert answered.status_code < 400, answered.text


def waiting(hub: Running) -> bool:
    return bool(hub.changes()) and hub.changes()[0]["approval"] == "requested"


def test_a_normal_change_waits_for_its_approval_in_servicenow_and_then_runs_once(start: Start) -> None:
    hub = start(change="{type: normal}")
    hub.post(triggered())
    eventually(lambda: waiting(hub))
    assert hub.runs() == 0
    desk(hub, "approve")
    whole = hub.remediation()
    assert whole["outcome"] == "proved", whole["reason"]
    assert hub.runs() == 1
    assert whole["approved_by"]
    assert hub.changes()[0]["state"] == "3"


def test_a_plan_that_somebody_has_edited_in_the_database_does_not_run(start: Start) -> None:
    hub = start(mode="approve")
    hub.post(triggered())
    (asked,) = eventually(lambda: hub.get("approvals?state=waiting")["items"])
    hub.tampered = asked["remediation_id"]
    worse = sa.func.replace(sa.cast(REMEDIATION.c.plan, sa.Text), '"./mend"', '"./worse"')
    edited = sa.update(REMEDIATION).values(plan=sa.type_coerce(worse, REMEDIATION.c.plan.type))
    hub.hub.database.write_now(lambda connection: connection.execute(edited))
    assert hub.act(f"approvals/{asked['id']}/approve").status_code == 200
    whole = hub.remediation()
    assert (whole["outcome"], hub.runs()) == ("stopped", 0)
    assert "somebody has edited it" in whole["reason"]
