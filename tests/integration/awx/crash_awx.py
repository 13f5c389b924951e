"""Makes the executor of the crash matrix for AWX; imported by the hubs that are killed."""

from pathlib import Path

from tests.integration.awx.case import executor

from firstline.executors.awx import AwxExecutor


def make(place: Path) -> AwxExecutor:
    return executor((place.parent / "url").read_text(), place, settle=0.3)
