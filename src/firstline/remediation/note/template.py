"""The operator's own words for notes: Jinja templates beside firstline.toml. The first line a template gives is the
headline, the rest the body. Text from tickets and commands comes in as values only, never as a template."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import jinja2
import structlog
from jinja2 import meta, nodes
from jinja2.exceptions import SecurityError
from jinja2.runtime import LoopContext
from jinja2.sandbox import SandboxedEnvironment
from jinja2.utils import Namespace

from firstline.connector import Note
from firstline.declaration import Json
from firstline.errors import Misdeclared
from firstline.incident import Incident
from firstline.remediation.plan import Plan, steps

log = structlog.get_logger()

LIMIT = 16_000  # characters of a note from a template
_COMMON = frozenset({"headline", "facts", "incident", "runbook", "mapping", "mode", "environment", "steps", "url"})
VARIABLES = {
    "suggestion": _COMMON,
    "question": _COMMON | {"plan", "approve", "answer"},
    "start": _COMMON | {"approved_by"},
    "outcome": _COMMON | {"approved_by", "outcome", "reason", "change", "findings", "output", "log"},
}


class Composed(NamedTuple):
    """A note, and why it is not in the operator's words although there is a template; empty: nothing failed."""

    note: Note
    fault: str = ""


class _Environment(SandboxedEnvironment):
    """Values are plain JSON, so nothing has attributes but loops; and no short template makes a long text."""

    intercepted_binops = frozenset({"*", "**", "%"})

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        return isinstance(obj, LoopContext | Namespace) and super().is_safe_attribute(obj, attr, value)

    def wrap_str_format(self, value: Any) -> None:
        """A text has no attributes either: one format makes a text of any length."""

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        if operator == "**" or not all(isinstance(each, int | float) for each in (left, right)):
            raise SecurityError(f"{operator} takes numbers only here")
        return super().call_binop(context, operator, left, right)


def _environment(loader: jinja2.BaseLoader | None) -> _Environment:
    environment = _Environment(
        loader=loader, undefined=jinja2.StrictUndefined, autoescape=False, trim_blocks=True, lstrip_blocks=True
    )
    environment.globals.clear()
    environment.globals["namespace"] = Namespace
    for name in ("center", "format", "indent"):  # each makes a text of any length
        del environment.filters[name]
    return environment


class Notes:
    """Composes notes: by `<connection>/<kind>.txt`, else `<kind>.txt` of the folder, else in the built-in words."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._environment = _environment(jinja2.FileSystemLoader(folder) if folder else None)

    def compose(self, kind: str, connection: str, note: Note, told: Mapping[str, Json]) -> Composed:
        """`note` in the built-in words; `told` are a template's variables beside its headline and facts. A template
        that fails is logged, and the built-in words stay."""
        name = self._name(kind, connection)
        if not name:
            return Composed(note)
        facts: Json = {fact.label: fact.value for fact in note.facts}
        variables = {**told, "headline": note.headline, "facts": facts, "output": note.output}
        try:
            headline, body = self._rendered(name, variables)
        except Exception as error:  # noqa: BLE001 - whatever an operator's template does, the note must go out
            log.error("note.template_failed", template=name, reason=str(error))  # noqa: TRY400 - a user's mistake, no trace
            return Composed(note, f"The template {name} failed, so the built-in words were used: {error}")
        return Composed(note.model_copy(update={"headline": headline, "body": body, "facts": (), "output": ""}))

    def _name(self, kind: str, connection: str) -> str:
        names = (f"{connection}/{kind}.txt", f"{kind}.txt") if self._folder else ()
        return next((name for name in names if self._folder and (self._folder / name).is_file()), "")

    def _rendered(self, name: str, variables: Mapping[str, Any]) -> tuple[str, str]:
        text, size = [], 0
        for piece in self._environment.get_template(name).generate(variables):
            text.append(piece)
            size += len(piece)
            if size > LIMIT:
                raise ValueError(f"it gives more than {LIMIT} characters")
        headline, _, body = "".join(text).strip().partition("\n")
        if not headline:
            raise ValueError("it gives no text")
        return headline.strip(), body.strip()


def variables(plan: Plan, incident: Incident, url: str) -> dict[str, Json]:
    """What every template may show."""
    runbook = plan.runbook.model_dump(
        mode="json", include={"id", "version", "title", "owner", "description", "inputs", "targets"}
    )
    return {
        "incident": incident.model_dump(mode="json"),
        "runbook": {**runbook, "digest": plan.runbook.runbook_digest},
        "mapping": plan.mapping,
        "mode": plan.mode,
        "environment": plan.environment,
        "steps": list(steps(plan)),
        "url": url,
    }


def faults(folder: Path) -> Iterator[Misdeclared]:
    """Each mistake in the templates of a folder, with its place. No folder: none."""
    for path in sorted(folder.rglob("*")) if folder.is_dir() else ():
        inside = path.relative_to(folder)
        if path.is_dir() or inside.name.startswith((".", "_")):  # `_` begins what other templates include
            continue
        if inside.suffix != ".txt" or inside.stem not in VARIABLES or len(inside.parts) > 2:
            known = ", ".join(f"{kind}.txt" for kind in VARIABLES)
            yield Misdeclared(
                f"no note has this template; there are {known}, also in a connection's folder", place=str(path)
            )
        else:
            yield from _faults(path, VARIABLES[inside.stem])


def _faults(path: Path, known: frozenset[str]) -> Iterator[Misdeclared]:
    environment = _environment(None)
    try:
        source = path.read_text(encoding="utf-8")
        environment.compile(source)  # unknown filters are found here only
        tree = environment.parse(source)
    except UnicodeDecodeError:
        yield Misdeclared("is no UTF-8 text", place=f"{path}:1:1")
    except jinja2.TemplateSyntaxError as error:
        yield Misdeclared(error.message or "no template", place=f"{path}:{error.lineno}:1")
    else:
        unknown = meta.find_undeclared_variables(tree) - known - set(environment.globals)
        for name in tree.find_all(nodes.Name):
            if name.ctx == "load" and name.name in unknown:
                there = ", ".join(sorted(known))
                yield Misdeclared(f"there is no {name.name}; there are {there}", place=f"{path}:{name.lineno}:1")
