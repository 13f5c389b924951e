"""The process of one function: `python -m firstline.executors.python.host FILE`, where the file holds an `Order`.

Exit status 0: it returned, and its outputs stand in $FIRSTLINE_OUTPUT. 1: it raised, and its words stand beside them.
143: it was cancelled."""

import asyncio
import logging
import os
import signal
import sys
import traceback
from collections.abc import Callable, Mapping
from io import TextIOWrapper
from pathlib import Path
from typing import Any

from pydantic import BaseModel, SecretStr, TypeAdapter

from firstline.executors.python import discovery
from firstline.executors.python.call import Order, failure_file
from firstline.executors.python.signature import DRY_RUN, signature_of

CANCELLED = 128 + signal.SIGTERM
WORDS = 2000  # characters of an exception


def main() -> None:
    order = Order.model_validate_json(Path(sys.argv[1]).read_bytes())
    outputs = Path(os.environ["FIRSTLINE_OUTPUT"])
    sys.path.extend(place for place in order.path if place not in sys.path)
    secrets = {name: SecretStr(os.environ.pop(name)) for name in order.secrets}
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(line_buffering=True, errors="backslashreplace")
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    try:
        given = asyncio.run(_call(order, secrets))
        outputs.write_bytes(TypeAdapter(dict[str, Any]).dump_json(_outputs(given)))
    except asyncio.CancelledError:
        sys.exit(CANCELLED)
    except Exception as error:  # noqa: BLE001 - it is the step's failure, and told as such
        traceback.print_exc()
        failure_file(outputs).write_text(_words(error)[:WORDS], encoding="utf-8", errors="replace")
        sys.exit(1)


async def _call(order: Order, secrets: dict[str, SecretStr]) -> Any:
    task = asyncio.current_task()
    assert task is not None  # noqa: S101 - we are in one
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    function: Callable[..., Any] = discovery.load(order.value)
    signature = signature_of(function)
    arguments = signature.check(order.call.arguments)
    run = order.run.model_copy(update={"secrets": secrets})
    extra = {DRY_RUN: order.dry_run} if signature.dry_run else {}
    return await function(**arguments, **dict.fromkeys(signature.run, run), **extra)


def _outputs(given: Any) -> dict[str, Any]:
    if given is None:
        return {}
    if isinstance(given, BaseModel):
        return given.model_dump(mode="json")
    if isinstance(given, Mapping):
        return dict(given)
    raise TypeError(f"it returned {type(given).__name__}, where a pydantic model, a mapping or None was wanted")


def _words(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".removesuffix(": ")


if __name__ == "__main__":
    main()
