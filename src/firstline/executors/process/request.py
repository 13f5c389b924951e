"""What the hub asks of a supervisor. It travels over a socket and is never stored: the environment may hold secrets."""

from __future__ import annotations

from typing import TypedDict

from firstline.executors.process.bound import Bounds

BEGUN = b"+"  # the answer; any other is the reason why it could not begin
PATIENCE = 10.0  # seconds after SIGKILL; who lives then is another user's, or stuck in the kernel


class Declared(TypedDict, total=False):
    """What may be absent. `surroundings` says in words what holds the command, for whoever looks; `owner` are the user
    and group that it becomes, by its own `run`, and to whom its directories are given."""

    bounds: Bounds
    surroundings: str
    owner: list[int]


class Request(Declared):
    """One run, complete. Times are in seconds, sizes in bytes, paths absolute."""

    step: str
    name: str
    run: list[str]
    program: str
    environment: dict[str, str]
    directory: str
    workplace: str
    timeout: float
    output_limit: int
    kill_grace: float


def record_of(request: Request) -> dict[str, object]:
    """What of a request may be kept on disk: all but the values of the environment."""
    return {**request, "environment": sorted(request["environment"])}
