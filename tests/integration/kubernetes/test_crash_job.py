"""The crash matrix of Jobs: the hub, and what lies between it and the cluster."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import SecretStr

from firstline.executor import Handle, Step
from firstline.testing.crash import CrashContract, Kill
from firstline.testing.fault import Fault, Kind, Wire
from firstline.testing.kubernetes import World, application
from firstline.testing.loopback import serve

faults: list[Fault] = []  # that the next requests meet


class TestJobCrashes(CrashContract):
    factory = "tests.integration.kubernetes.crash_job:make"
    rounds = 1
    lasts = 0.05

    @contextmanager
    def stage(self, place: Path) -> Iterator[None]:
        with serve(Wire(application(World(place / "cluster")), faults)) as url:
            (place / "url").write_text(url)
            yield

    def kills(self) -> dict[str, Kill]:
        return {
            "answer": meet(Fault(Kind.LOST), Fault(Kind.BAD_GATEWAY_AFTER)),
            "line": meet(Fault(Kind.BROKEN), Fault(Kind.BAD_GATEWAY, "GET"), Fault(Kind.BROKEN, "GET", 2)),
        }

    def step(self, place: Path, identity: str) -> Step:
        """With a secret: more requests, between which things may happen."""
        told = {"job": {"image": "busybox:1.36"}}
        return (
            super()
            .step(place, identity)
            .model_copy(update={"parameters": told, "secrets": {"PASSWORD": SecretStr("of-no-use-to-anybody")}})
        )


def meet(*kinds: Fault) -> Kill:
    """The next requests meet them."""

    async def kill(_: Path, __: Handle | None) -> None:
        faults[:] = [Fault(each.kind, each.method, each.times) for each in kinds]

    return kill
