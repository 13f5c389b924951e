"""Makes from the settings what speaks to the outside: connectors, executors, and what checks may ask."""

from typing import Any

from pydantic import BaseModel, ValidationError

from firstline import registry
from firstline.connector import Connector
from firstline.errors import Misdeclared
from firstline.executor import Executor
from firstline.query import QuerySettings, Source, source
from firstline.settings import FILE, Settings


def connections(settings: Settings) -> dict[str, Connector[Any]]:
    """By name. Raises `Misdeclared`, here as below."""
    made = {}
    for name, table in settings.connections.items():
        kind = registry.connector(table["connector"])
        made[name] = kind(name, settings.typed(kind.settings_model, table, f"connections.{name}"))
    return made


def executors(settings: Settings) -> dict[str, Executor[Any]]:
    return {name: executor(settings, name) for name in executor_kinds(settings)}


def executor(settings: Settings, name: str, **own: Any) -> Executor[Any]:
    """`own` goes before what the settings say."""
    kind = executor_kinds(settings)[name]
    model: type[Any] = getattr(kind, "settings_model")  # noqa: B009 - of the class, which mypy takes for what makes one
    told = settings.executors.get(name, {})
    table = {**told, **_kept(settings, model, told), **_hidden(settings, model, told), **own}
    table.pop("executor", None)
    return kind(settings.typed(model, table, f"executors.{name}"))


def executor_kinds(settings: Settings) -> dict[str, type[Executor[Any]]]:
    """By the names that runbooks use: each that firstline.toml names, of the kind that its `executor` says, else of the
    one that is called so; and each installed one that needs no settings."""
    kinds = {name: _kind(name, table) for name, table in settings.executors.items()}
    for name in registry.names(registry.EXECUTORS):
        kind = registry.executor(name)
        if name not in kinds and _needs_no_settings(kind.settings_model):
            kinds[name] = kind
    return kinds


def _needs_no_settings(model: type[BaseModel]) -> bool:
    """Also a rule over several that may be left out can ask for one of them."""
    try:
        model.model_validate({})
    except ValidationError:
        return False
    return True


def sources(settings: Settings) -> dict[str, Source]:
    """What checks may ask."""
    tables = settings.queries.items()
    return {name: source(settings.typed(QuerySettings, table, f"queries.{name}")) for name, table in tables}


def _kind(name: str, table: dict[str, Any]) -> type[Executor[Any]]:
    named = table.get("executor", name)
    if not isinstance(named, str):
        raise Misdeclared(
            f'executor = "..." names an installed executor, not {named!r}', place=f"{FILE} [executors.{name}]"
        )
    return registry.executor(named)


def _kept(settings: Settings, model: type[Any], told: dict[str, Any]) -> dict[str, Any]:
    """Runs must be found again after a restart, from whatever directory the hub is started then: they lie with the rest
    of what it remembers, or where the operator says, from the folder of firstline.toml."""
    if "directory" not in model.model_fields:
        return {}
    directory = told.get("directory", str(settings.state / "runs"))
    return {"directory": str(settings.folder / directory) if isinstance(directory, str) else directory}


def _hidden(settings: Settings, model: type[Any], told: dict[str, Any]) -> dict[str, list[str]]:
    """What is the hub's own is not for what runs in a sandbox, beside what the operator hides."""
    ours = [str(settings.state), str(settings.folder / FILE)]
    return {"hidden": [*ours, *told.get("hidden", [])]} if "hidden" in model.model_fields else {}
