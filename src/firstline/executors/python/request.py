"""From a step to what is called. Refused here, before anything is begun, when it can't be."""

import os
import sys
from fnmatch import fnmatchcase
from pathlib import Path
from uuid import uuid4

from firstline.errors import Rejected
from firstline.executor import Step, parameters
from firstline.executors.python import discovery
from firstline.executors.python.call import Call, Order, order_file
from firstline.executors.python.settings import PythonSettings
from firstline.executors.python.signature import signature_of
from firstline.function import Run, is_resumable

_HOST = (sys.executable, "-I", "-X", "utf8", "-m", "firstline.executors.python.host")


def order_of(step: Step, settings: PythonSettings) -> Order:
    """Imports the function. Raises `Rejected`."""
    call = parameters(Call, step)
    try:
        return _order(step, call, settings)
    except Rejected as error:
        raise Rejected(f"{step.name or 'the step'}: the function {call.function}: {error}") from None


def command_of(step: Step, order: Order, work: Path) -> Step:
    """The step as `CommandExecutor` runs it, its order written down."""
    file = order_file(work)
    _write(file, order)
    return step.model_copy(update={"run": (*_HOST, str(file)), "parameters": {}, "dry_run": False})


def read_order(work: Path) -> Order | None:
    """What a run was told; None when its files are no longer kept."""
    try:
        return Order.model_validate_json(order_file(work).read_bytes())
    except FileNotFoundError:
        return None


def _order(step: Step, call: Call, settings: PythonSettings) -> Order:
    if step.run:
        raise Rejected("`run` says what to run elsewhere; here `function` does")
    if not any(fnmatchcase(call.function, pattern) for pattern in settings.allow):
        raise Rejected(f"it is not allowed; allowed: {', '.join(settings.allow) or 'none'}")
    value = discovery.find(call.function).value
    function = discovery.load(value)
    signature = signature_of(function)
    signature.check(call.arguments)
    if step.dry_run and not signature.dry_run:
        raise Rejected("it has no dry run: it takes no `dry_run`")
    return Order(
        call=call,
        value=value,
        run=Run(id=step.id, name=step.name, target=step.target, folder=step.folder, read_only=step.read_only),
        secrets=tuple(step.secrets),
        dry_run=step.dry_run,
        resumable=is_resumable(function),
        path=tuple(place for place in sys.path if os.path.isabs(place)),  # noqa: PTH117 - texts
    )


def _write(file: Path, order: Order) -> None:
    """Whole or not at all: somebody else may begin the same run now."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = file.with_name(f".{uuid4().hex}")
    draft.write_text(order.model_dump_json(exclude={"run": {"secrets"}}), encoding="utf-8")
    draft.replace(file)
