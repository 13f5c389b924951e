"""What a function takes and gives, by its types. Pure."""

import inspect
import json
import types
from collections.abc import Callable, Mapping
from typing import Annotated, Any, NamedTuple, NotRequired, Required, Union, get_args, get_origin, get_type_hints

from pydantic import BaseModel, ConfigDict, JsonValue, PydanticUserError, TypeAdapter, ValidationError, with_config
from typing_extensions import TypedDict

from firstline.errors import Rejected
from firstline.function import Run

DRY_RUN = "dry_run"


class Signature(NamedTuple):
    """`run` are the names of parameters that are given the run."""

    arguments: TypeAdapter[dict[str, Any]]
    run: tuple[str, ...]
    dry_run: bool

    def check(self, arguments: dict[str, JsonValue]) -> dict[str, Any]:
        """The arguments as the function's types have them. Raises `Rejected` that names each that does not fit."""
        try:
            return self.arguments.validate_json(json.dumps(arguments))
        except ValidationError as error:
            faults = (f"{'.'.join(map(str, each['loc'])) or 'arguments'}: {each['msg']}" for each in error.errors())
            raise Rejected(f"its arguments do not fit: {'; '.join(faults)}") from None


def signature_of(function: Callable[..., Any]) -> Signature:
    """Raises `Rejected` for what is no function of a step."""
    if not inspect.iscoroutinefunction(function):
        raise Rejected("it is no async function")
    try:
        hints = get_type_hints(function, include_extras=True)
    except (NameError, TypeError) as error:
        raise Rejected(f"its types can't be read: {error}") from None
    if not _gives_outputs(hints.get("return", Any)):
        raise Rejected("it must return a pydantic model, a mapping or None")
    parameters = inspect.signature(function).parameters
    run = tuple(name for name in parameters if hints.get(name) is Run)
    fields = {
        name: _field(parameter, hints.get(name, Any))
        for name, parameter in parameters.items()
        if name not in run and name != DRY_RUN
    }
    return Signature(_adapter(fields), run, DRY_RUN in parameters)


def _field(parameter: inspect.Parameter, hint: Any) -> Any:
    if parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
        raise Rejected(f"its parameter {parameter} has no name that an argument could be given by")
    return Required[hint] if parameter.default is parameter.empty else NotRequired[hint]


def _adapter(fields: dict[str, Any]) -> TypeAdapter[dict[str, Any]]:
    make: Any = TypedDict  # no class has these fields: no type checker can know them
    shape = make("Arguments", fields)
    try:
        return TypeAdapter(with_config(ConfigDict(extra="forbid"))(shape))
    except PydanticUserError as error:
        raise Rejected(f"its types can't be checked: {error.message}") from None


def _gives_outputs(hint: Any) -> bool:
    if hint in (Any, None, type(None)):
        return True
    origin = get_origin(hint)
    if origin is Annotated:
        return _gives_outputs(get_args(hint)[0])
    if origin in (Union, types.UnionType):
        return all(_gives_outputs(each) for each in get_args(hint))
    kind = origin or hint
    return isinstance(kind, type) and issubclass(kind, BaseModel | Mapping)
