"""What a step gives to later ones: read from its run once it has succeeded, and held against what is declared."""

from collections.abc import Callable
from typing import Any

import orjson

from firstline.declaration import Json
from firstline.errors import Rejected
from firstline.executor import Executor, Handle, Progress
from firstline.runbook import Command
from firstline.runbook.late import given

LIMIT = 65_536  # characters of standard output that are read as JSON


async def outputs_of(
    executor: Executor[Any], handle: Handle, command: Command, progress: Progress, mask: Callable[[str], str]
) -> dict[str, Json]:
    """By the names that later texts use. Raises `Rejected` for what is missing, does not fit, or holds a secret:
    outputs are kept and shown."""
    told = progress.outputs
    if command.outputs_from == "stdout":
        told = _object(await _stdout(executor, handle))
    outputs = given(command, told)
    secret = [name for name, value in outputs.items() if isinstance(value, str) and mask(value) != value]
    if secret:
        raise Rejected(f"outputs: {', '.join(secret)} holds a secret; outputs are kept and shown")
    return outputs


async def _stdout(executor: Executor[Any], handle: Handle) -> str:
    text, offset = "", 0
    while True:
        progress = await executor.watch(handle, offset)
        text += "".join(chunk.text for chunk in progress.output if chunk.stream == "stdout")
        if len(text) > LIMIT:
            raise Rejected(f"outputs: standard output has more than {LIMIT} characters; it is to be one JSON object")
        if not progress.more or progress.offset <= offset:
            return text
        offset = progress.offset


def _object(text: str) -> dict[str, Json]:
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise Rejected(f"outputs: standard output is no JSON: {error}") from None
    if not isinstance(found, dict):
        raise Rejected("outputs: standard output is no JSON object")
    return found
