"""Commands on this machine, with real processes."""

from pathlib import Path
from typing import Any

from firstline.executor import OUTPUT, Executor
from firstline.executors.command import CommandExecutor, CommandSettings
from firstline.testing.executor import ExecutorContract


class TestCommandExecutor(ExecutorContract):
    def make(self, place: Path) -> Executor[Any]:
        return CommandExecutor(CommandSettings(directory=place / "runs", kill_grace=0.3))

    def whitelist(self) -> set[str]:
        return {"PATH", "HOME", "LANG", "LC_ALL", "TZ", OUTPUT}
