"""Makes the executor of the crash matrix for Jobs; imported by the hubs that are killed."""

from pathlib import Path

from pydantic import SecretStr

from firstline.executors.kubernetes import KubernetesExecutor, KubernetesSettings
from firstline.testing.kubernetes.world import TOKEN


def make(place: Path) -> KubernetesExecutor:
    url = (place.parent / "url").read_text()
    settings = KubernetesSettings(url=url, token=SecretStr(TOKEN), directory=place / "runs", kill_grace=0, settle=10)
    return KubernetesExecutor(settings)
