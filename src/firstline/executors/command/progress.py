"""What a look at a run's directory says, in the words of the contract."""

from datetime import UTC, datetime
from typing import Any

from firstline.executor import Progress
from firstline.executors.outputs import parse


def progress_of(seen: dict[str, Any]) -> Progress:
    """`seen` is what `firstline.executors.process.look` gives."""
    outputs, fault = {}, ""
    try:
        outputs = parse(seen["outputs"])
    except ValueError as error:
        fault = f"its outputs can't be used: {error}"
    return Progress(
        **{
            **seen,
            "started_at": _time(seen["started_at"]),
            "ended_at": _time(seen["ended_at"]),
            "outputs": outputs,
            "detail": "; ".join(filter(None, (seen["detail"], fault))),
        }
    )


def _time(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
