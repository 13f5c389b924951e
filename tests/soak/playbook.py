"""Makes the executor for real playbooks on a real host; imported by the hubs that are killed."""

import json
from pathlib import Path

from firstline.executors.ansible import AnsibleExecutor, AnsibleSettings


def make(place: Path) -> AnsibleExecutor:
    """The settings for the stage's server stand beside the rounds."""
    settings = json.loads((place.parent / "settings.json").read_text())
    return AnsibleExecutor(AnsibleSettings.model_validate({**settings, "directory": str(place / "runs")}))
