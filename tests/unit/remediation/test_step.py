"""What an executor is given for a command."""

from pathlib import Path

from firstline.executor import Bounds, Sandbox
from firstline.remediation.run.step import step_of
from firstline.runbook import Command


def test_what_holds_a_command_goes_with_it_also_when_it_is_only_tried(tmp_path: Path) -> None:
    command = Command.model_validate(
        {
            "name": "mend",
            "target": "web1",
            "executor": "ansible",
            "run": (),
            "environment": {},
            "timeout": 9,
            "parameters": {"playbook": "mend.yaml"},
            "bounds": {"memory": 1024},
            "sandbox": {"network": False, "writes": ("/srv",)},
        }
    )
    step = step_of(command, tmp_path, "one", 100)
    assert (step.sandbox, step.bounds) == (Sandbox(writes=("/srv",)), Bounds(memory=1024))
    assert (step.parameters, step.folder, step.timeout) == ({"playbook": "mend.yaml"}, str(tmp_path), 9)
