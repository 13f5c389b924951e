"""Makes the executor of the crash matrix for commands in pods; imported by the hubs that are killed."""

from pathlib import Path

from tests.integration.kubernetes.test_command_contract import make as of

from firstline.executors.kubernetes import KubernetesExecutor


def make(place: Path) -> KubernetesExecutor:
    return of((place.parent / "url").read_text(), place, kill_grace=0, settle=10)
