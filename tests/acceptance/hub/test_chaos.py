"""The short form of `make soak`: faults of every kind, a hub that is killed, each way in."""

from pathlib import Path

from tests.soak.stage import staged
from tests.soak.storm import Storm

from firstline.chaos import Chaos

# With this seed the first nine requests meet a fault of each kind.
STORM = Storm(count=13, share=0.05, kills=2, seed=82, patience=180)


def test_through_faults_and_kills_nothing_is_lost_and_nothing_doubled(tmp_path: Path) -> None:
    with staged(tmp_path / "soak", {"servicenow": "both", "jira": "poll", "pagerduty": "push"}) as stage:
        outcome = STORM.run(stage)
    assert outcome.wrong == []
    assert min(outcome.incidents.values()) >= STORM.count
    for name, made in outcome.faults.items():
        assert made.keys() >= set(Chaos.REQUEST), f"{name} met {made} only"
