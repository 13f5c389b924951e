"""Makes the executor of the crash matrix; imported by the hubs that are killed."""

import json
from pathlib import Path

from firstline.executors.ssh import SshExecutor, SshSettings


def make(place: Path) -> SshExecutor:
    """The settings for the stage's server stand beside the rounds."""
    settings = json.loads((place.parent / "settings.json").read_text())
    return SshExecutor(SshSettings.model_validate({**settings, "remote_directory": str(place / "kept")}))
