"""Stands for ansible-playbook where only that a process is run matters: the real one takes a second to start. Its
playbooks are programs with their arguments, in JSON. It knows `--check`."""

import json
import shutil
import sys
from pathlib import Path
from typing import Any

from firstline.executors.ansible import AnsibleExecutor, AnsibleSettings
from firstline.testing.executor import Run

_PROGRAM = f"""#!{sys.executable} -IS
import json, os, sys
if "--check" not in sys.argv:
    run = json.load(open(sys.argv[-1]))
    os.environ.pop("LC_CTYPE", None)  # Python's own
    os.execvp(run[0], run)
"""


def make(place: Path) -> AnsibleExecutor:
    """An executor with the stand-in, over a folder."""
    program = place.with_name(f"{place.name}-ansible-playbook")
    if not program.exists():
        draft = place.with_name(f"{place.name}-draft")
        draft.write_text(_PROGRAM)
        draft.chmod(0o755)
        draft.rename(program)
    return AnsibleExecutor(AnsibleSettings(directory=place / "runs", program=str(program), kill_grace=0.3))


def playbook(folder: Path, name: str, run: Run) -> dict[str, Any]:
    """The parameters of a step that runs this; of a program that is not there there is no playbook."""
    if shutil.which(run[0]):
        folder.mkdir(exist_ok=True)
        (folder / name).write_text(json.dumps(run))
    return {"playbook": name}
