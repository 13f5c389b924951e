"""Whether the executors that a plan names can take what it gives them, and may. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from firstline.errors import Rejected
from firstline.executor import Executor
from firstline.runbook import ResolvedRunbook
from firstline.runbook.plan import Program
from firstline.secret.secrets import Grants, check

Kinds = Mapping[str, type[Executor[Any]]]


def fit(pack: str, runbook: ResolvedRunbook, kinds: Kinds, grants: Grants) -> None:
    """Raises `Rejected` that names each command that its executor would refuse, or that may not have its secrets,
    before anybody is asked for it."""
    faults = [f"{one.name}: {fault}" for one in _programs(runbook) for fault in _faults(one, pack, kinds, grants)]
    if faults:
        raise Rejected("; ".join(dict.fromkeys(faults)))


def _programs(runbook: ResolvedRunbook) -> Iterator[Program]:
    sections = (runbook.before, runbook.healthy, runbook.steps, runbook.after, runbook.rollback, runbook.diagnose)
    return (one for section in sections for one in section if one.run or one.parameters)


def _faults(one: Program, pack: str, kinds: Kinds, grants: Grants) -> Iterator[str]:
    for name in one.secrets.values():
        try:
            check(grants, pack, one.executor, name)
        except Rejected as error:
            yield str(error)
    if fault := _fault(one, kinds):
        yield fault


def _fault(one: Program, kinds: Kinds) -> str:
    kind = kinds.get(one.executor)
    if kind is None:
        return f"no executor is called {one.executor!r}; there are: {', '.join(sorted(kinds))}"
    if one.run and not kind.runs:
        return f"{one.executor} runs no program: say under `with` what it does"
    late = {tuple(pointer.split("/")[1:]) for pointer in one.late if pointer.startswith("parameters/")}
    try:
        kind.step_model.model_validate(one.parameters)
    except ValidationError as error:
        known = [each for each in error.errors() if tuple(map(str, each["loc"])) not in late]
        return "; ".join(f"with.{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in known)
    return ""
