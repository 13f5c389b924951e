"""Makes the executor of the crash matrix for functions; imported by the hubs that are killed."""

from pathlib import Path

from firstline.executors.python.executor import PythonExecutor
from firstline.executors.python.settings import PythonSettings


def make(place: Path) -> PythonExecutor:
    return PythonExecutor(PythonSettings(directory=place / "runs", kill_grace=0.3))
