"""The runs of one step: the first, and those that were begun after the one before was lost.

Each has a directory of its own, beside the first and named after it: `ID`, `ID~2`, `ID~3`. No step's id has a `~`. What
they print is told as one output: the order of each says how much there was before it.
"""

from pathlib import Path
from typing import NamedTuple

from firstline.executor import Chunk, Handle, Progress, Step
from firstline.executors.process.run_directory import RunDirectory
from firstline.executors.python.call import Order
from firstline.executors.python.request import read_order


class Link(NamedTuple):
    """One run of a step; `number` counts from one."""

    number: int
    run: RunDirectory

    @property
    def order(self) -> Order | None:
        return read_order(self.run.work)

    @property
    def before(self) -> int:
        return self.order.before if self.number > 1 and self.order else 0

    def handle(self, step: str) -> Handle:
        """As `CommandExecutor` has it."""
        return Handle(executor="command", step=step, where=str(self.run.path))

    def step(self, step: Step) -> Step:
        """The step under the link's own id, which is none that another step could have."""
        return step.model_copy(update={"id": self.run.path.name})


def chain(first: Path) -> list[Link]:
    """All that have begun, or never will any more; the first in any case."""
    links = [Link(1, RunDirectory(first))]
    while (following := after(links[-1])).run.has_begun():
        links.append(following)
    return links


def after(link: Link) -> Link:
    first = link.run.path.name.partition("~")[0]
    number = link.number + 1
    return Link(number, RunDirectory(link.run.path.with_name(f"{first}~{number}")))


def link_at(links: list[Link], offset: int) -> Link:
    """Which of them printed what is at an offset of the whole output."""
    return next(link for link in reversed(links) if link.before <= offset)


def shifted(progress: Progress, by: int) -> Progress:
    output = tuple(Chunk(stream=each.stream, text=each.text, offset=each.offset + by) for each in progress.output)
    return progress.model_copy(update={"output": output, "offset": progress.offset + by})
