"""A template makes no Job that Kubernetes could begin twice, whatever it says."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from firstline.errors import Rejected
from firstline.executor import Step
from firstline.executors.kubernetes.manifest import job_of
from firstline.executors.kubernetes.parameter import KubernetesParameters
from firstline.executors.kubernetes.settings import KubernetesSettings

SETTINGS = KubernetesSettings(url="https://cluster.example:6443")
MAIN = {"name": "main", "image": "busybox:1.36"}
IGNORE = {"rules": [{"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]}]}


def made(place: Path, spec: dict[str, Any], containers: Any, metadata: Any = None) -> dict[str, Any]:
    pod = {"containers": containers}
    template = {"metadata": metadata, "spec": pod}
    job = {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": {**spec, "template": template}}
    (place / "job.yaml").write_text(yaml.safe_dump(job))
    step = Step(id="x", run=("true",), folder=str(place))
    return job_of(step, KubernetesParameters(template="./job.yaml"), SETTINGS)


@pytest.mark.parametrize(
    "spec",
    [
        {"podFailurePolicy": IGNORE},
        {"podReplacementPolicy": "TerminatingOrFailed"},
        {"completionMode": "Indexed"},
        {"backoffLimitPerIndex": 1},
        {"maxFailedIndexes": 1},
        {"successPolicy": {"rules": [{"succeededCount": 1}]}},
        {"manualSelector": True},
        {"selector": {"matchLabels": {"app": "theirs"}}},
        {"managedBy": "kueue.x-k8s.io/multikueue"},
    ],
    ids=lambda spec: next(iter(spec)),
)
def test_what_brings_a_second_pod_or_another_s_is_refused(tmp_path: Path, spec: dict[str, Any]) -> None:
    with pytest.raises(Rejected, match=f"says spec.{next(iter(spec))}"):
        made(tmp_path, spec, [MAIN])


@pytest.mark.parametrize("field", [{"restartPolicy": "Always"}, {"restartPolicyRules": [{"action": "Restart"}]}])
def test_a_container_s_own_restart_is_refused(tmp_path: Path, field: dict[str, Any]) -> None:
    """It goes before the pod's `Never`."""
    with pytest.raises(Rejected, match=f"side: {next(iter(field))}"):
        made(tmp_path, {}, [MAIN, {"name": "side", "image": "busybox:1.36", **field}])


def test_times_are_the_step_s_and_what_says_the_same_may_be_said(tmp_path: Path) -> None:
    said = {"backoffLimit": 0, "completionMode": "NonIndexed", "ttlSecondsAfterFinished": 10, "suspend": True}
    spec = made(tmp_path, said, [MAIN])["spec"]
    assert (spec["podReplacementPolicy"], spec["suspend"]) == ("Failed", False)
    assert spec["ttlSecondsAfterFinished"] == SETTINGS.keep


@pytest.mark.parametrize("containers", [["main"], {"main": MAIN}, [MAIN, "side"], [], None], ids=str)
def test_what_has_no_job_s_form_is_refused(tmp_path: Path, containers: Any) -> None:
    with pytest.raises(Rejected, match="has not the form of a Job"):
        made(tmp_path, {}, containers)


def test_empty_maps_are_none(tmp_path: Path) -> None:
    job = made(tmp_path, {}, [{**MAIN, "env": None}], {"labels": None})
    assert job["spec"]["template"]["metadata"]["annotations"] == {"kubectl.kubernetes.io/default-container": "main"}
