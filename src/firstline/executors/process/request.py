"""What the hub asks of a supervisor. It travels over a socket and is never stored: the environment may hold secrets."""

from typing import TypedDict

BEGUN = b"+"  # the answer; any other is the reason why it could not begin
PATIENCE = 10.0  # seconds after SIGKILL; who lives then is another user's, or stuck in the kernel


class Request(TypedDict):
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
