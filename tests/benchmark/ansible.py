"""What a playbook's run costs over plain ansible-playbook: supervisor, prelude, events, and a look at the end."""

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.benchmark.figure import tell

from firstline.executor import State, Step
from firstline.executors.ansible import AnsibleExecutor, AnsibleSettings

ROUNDS = 20
WARM = 2
PLAYBOOK = """
- hosts: all
  gather_facts: false
  tasks:
    - ansible.builtin.command: "true"
    - ansible.builtin.command: "true"
    - ansible.builtin.debug: {msg: hello}
    - ansible.builtin.command: "true"
    - ansible.builtin.set_stats: {data: {done: 1}}
"""


def run() -> None:
    with tempfile.TemporaryDirectory() as scratch:
        bare, ours = asyncio.run(_measure(Path(scratch)))
    over = min(ours) / min(bare) - 1  # whatever else the machine does only adds
    tell(
        "ansible: overhead",
        over * 100,
        "%",
        wanted="under 5",
        met=over < 0.05,
        yardstick="ansible-playbook with three commands on this machine",
        bare_ms=min(bare) * 1000,
        ours_ms=min(ours) * 1000,
    )


async def _measure(scratch: Path) -> tuple[list[float], list[float]]:
    """Seconds from start to the end seen, of each, in turn: what else the machine does befalls both alike."""
    (scratch / "playbook.yaml").write_text(PLAYBOOK)
    (scratch / "ansible.cfg").write_text("[defaults]\nlocalhost_warning = False\n")
    local = f"localhost ansible_connection=local ansible_python_interpreter={sys.executable}\n"
    (scratch / "hosts").write_text(local)
    executor = AnsibleExecutor(AnsibleSettings(directory=scratch / "runs"))
    program = executor.settings.find_program()
    assert program is not None
    bare, ours = [], []
    for number in range(-WARM, ROUNDS):
        took = _bare(program, scratch), await _run(executor, scratch, number)
        if number >= 0:
            bare.append(took[0])
            ours.append(took[1])
    await executor.aclose()
    return bare, ours


def _bare(program: str, scratch: Path) -> float:
    environment = {**os.environ, "LC_ALL": "C.UTF-8", "ANSIBLE_CONFIG": str(scratch / "ansible.cfg")}
    begun = time.perf_counter()
    command = [program, "-i", str(scratch / "hosts"), str(scratch / "playbook.yaml")]
    subprocess.run(command, check=True, capture_output=True, env=environment)
    return time.perf_counter() - begun


async def _run(executor: AnsibleExecutor, scratch: Path, number: int) -> float:
    step = Step(id=f"run{number}", folder=str(scratch), parameters={"playbook": "playbook.yaml"})
    begun = time.perf_counter()
    handle = await executor.start(step)
    while not (progress := await executor.watch(handle)).state.ended:
        await executor.wait(handle, 1.0)
    assert progress.state is State.SUCCEEDED, progress
    return time.perf_counter() - begun
