"""Makes the executor of the crash matrix for commands; imported by the hubs that are killed."""

from pathlib import Path

from firstline.executors.command import CommandExecutor, CommandSettings


def make(place: Path) -> CommandExecutor:
    return CommandExecutor(CommandSettings(directory=place / "runs", kill_grace=0.3))
