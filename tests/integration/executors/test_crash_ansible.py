"""The crash matrix of playbooks. A stand-in is in the place of ansible-playbook, which takes a second to start: what is
killed here is around it."""

from pathlib import Path
from typing import ClassVar

from tests.integration.ansible import stand_in
from tests.integration.executors.test_crash_command import kill_all, kill_supervisor

from firstline.executor import State, Step
from firstline.testing.crash import CrashContract, Kill
from firstline.testing.crash.contract import program

LOST = frozenset({State.SUCCEEDED, State.UNKNOWN})


class TestAnsibleCrashes(CrashContract):
    factory = "tests.integration.executors.crash_ansible:make"
    may_end: ClassVar = {"supervisor": LOST, "all but the playbook": LOST}

    def kills(self) -> dict[str, Kill]:
        return {"supervisor": kill_supervisor, "all but the playbook": kill_all}

    def step(self, place: Path, identity: str) -> Step:
        folder = place.with_name(f"{identity}-playbooks")
        parameters = stand_in.playbook(folder, "playbook", ("sh", "-c", program(place, identity, self.lasts)))
        return Step(id=identity, folder=str(folder), parameters=parameters, timeout=60.0)
