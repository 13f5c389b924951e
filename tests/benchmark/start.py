"""From the start of the process to ready, and the memory of a hub that idles."""

import tempfile
import time
from pathlib import Path
from statistics import median

from tests.benchmark import stage
from tests.benchmark.figure import tell

ROUNDS = 3


def run() -> None:
    waits, sizes = [], []
    for _ in range(ROUNDS):
        with tempfile.TemporaryDirectory() as scratch:
            prepared = stage.prepare(Path(scratch, "hub"))
            begun = time.perf_counter()
            with stage.run(prepared) as hub:
                waits.append(time.perf_counter() - begun)
                time.sleep(2)
                sizes.append(hub.memory() / 1024**2)
    took, size = median(waits), median(sizes)
    tell("start to ready", took, "s", wanted="under 3", met=took < 3, yardstick="SQLite, a new folder, two connections")
    tell("idle memory", size, "MiB", wanted="under 150", met=size < 150, yardstick="USS of the hub and its children")
