"""Makes the executor of the crash matrix for playbooks; imported by the hubs that are killed."""

from pathlib import Path

from tests.integration.ansible import stand_in

from firstline.executors.ansible import AnsibleExecutor


def make(place: Path) -> AnsibleExecutor:
    return stand_in.make(place)
