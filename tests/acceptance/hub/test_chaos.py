"""The short form of `make soak`: faults of every kind, a hub that is killed, each way in."""

from pathlib import Path

from tests.soak.stage import staged
from tests.soak.storm import Storm

STORM = Storm(count=13, share=0.04, kills=2, seed=3, patience=180)


def test_through_faults_and_kills_nothing_is_lost_and_nothing_doubled(tmp_path: Path) -> None:
    with staged(tmp_path / "soak", {"servicenow": "both", "jira": "poll", "pagerduty": "push"}) as stage:
        outcome = STORM.run(stage)
    assert outcome.wrong == []
    assert all(outcome.faults.values()), f"a vendor met no fault: {outcome.faults}"
    assert min(outcome.incidents.values()) >= STORM.count
