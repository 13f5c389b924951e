"""Resolves a runbook for one incident. Everything it can't resolve is an error: an unknown value, an empty set of
targets and a malformed address never come to mean "all", "none" or "as it is"."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from firstline.declaration import Json
from firstline.errors import Rejected
from firstline.expression import Bindings, Scope, Template
from firstline.runbook.input import validate
from firstline.runbook.model import CheckDeclaration, CommandDeclaration, HttpDeclaration
from firstline.runbook.plan import Change, Check, Command, Http, Limits, PublicNote, ResolvedRunbook
from firstline.runbook.runbook import Runbook
from firstline.runbook.target import address, choose, group_of, targets_of

Text = Callable[[str], str]


def resolve(runbook: Runbook, inputs: Mapping[str, Json], *, targets: Sequence[str] | None = None) -> ResolvedRunbook:
    """Resolve for `inputs`; for some of its targets only, where `targets` names them. Raises `Rejected`, in words."""
    declared = runbook.declaration
    values = validate(declared.inputs, inputs)
    variables: dict[str, Json] = {f"inputs.{name}": value for name, value in values.items()}
    bindings = runbook.scope.bind(variables)
    chosen = choose(targets_of(runbook, bindings), targets)
    group = group_of(runbook, bindings, chosen)
    texts = [(target, _text(runbook.target_scope, {**variables, "target": target})) for target in chosen]
    return ResolvedRunbook(
        id=declared.id,
        version=declared.version,
        owner=declared.owner,
        authors=declared.authors,
        review=declared.review,
        title=declared.title,
        description=declared.description,
        runbook_digest=runbook.digest,
        inputs=values,
        targets=chosen,
        group=group,
        healthy=_healthy(runbook, variables, [each for each in group if each not in chosen]),
        change=_change(runbook, bindings, chosen),
        limits=Limits.model_validate(declared.limits.model_dump()),
        note=PublicNote(public=declared.note.public, text=Template(runbook.scope, declared.note.text).text(bindings)),
        before=tuple(_check(each, target, text) for target, text in texts for each in declared.before),
        steps=tuple(_command(each, target, text) for target, text in texts for each in declared.steps),
        after=tuple(_check(each, target, text) for target, text in texts for each in declared.after),
        rollback=tuple(_command(each, target, text) for target, text in texts for each in declared.rollback),
        diagnose=tuple(_command(each, target, text) for target, text in texts for each in declared.diagnose),
    )


def _text(scope: Scope, variables: Mapping[str, Json]) -> Text:
    bindings = scope.bind(variables)

    def text(source: str) -> str:
        found = Template(scope, source).text(bindings)
        if "\0" in found:
            raise Rejected(f"{source}: a NUL character")
        return found

    return text


def _healthy(runbook: Runbook, variables: Mapping[str, Json], peers: Sequence[str]) -> tuple[Check, ...]:
    texts = [(peer, _text(runbook.target_scope, {**variables, "target": peer})) for peer in peers]
    return tuple(_check(each, peer, text) for peer, text in texts for each in runbook.declaration.healthy)


def _command(declared: CommandDeclaration, target: str, text: Text) -> Command:
    return Command(**_common(declared, target, text))


def _check(declared: CheckDeclaration, target: str, text: Text) -> Check:
    return Check(
        **_common(declared, target, text),
        http=_http(declared.name, declared.http, text) if declared.http else None,
        within=declared.within,
        every=declared.every,
        hold=declared.hold,
    )


def _common(declared: CommandDeclaration | CheckDeclaration, target: str, text: Text) -> dict[str, Any]:
    try:
        run = tuple(map(text, declared.run))
        environment = {name: text(source) for name, source in declared.environment.items()}
    except Rejected as error:
        raise Rejected(f"{declared.name}: {error}") from error
    return {
        "name": declared.name,
        "target": target,
        "executor": declared.executor,
        "run": run,
        "environment": environment,
        "timeout": declared.timeout,
    }


def _http(name: str, declared: HttpDeclaration, text: Text) -> Http:
    try:
        return Http(url=address(text(declared.url)), status=declared.status, contains=text(declared.contains))
    except Rejected as error:
        raise Rejected(f"{name}: {error}") from error


def _change(runbook: Runbook, bindings: Bindings, targets: tuple[str, ...]) -> Change | None:
    declared = runbook.declaration.change
    if declared is None:
        return None

    def text(source: str) -> str:
        return Template(runbook.scope, source).text(bindings)

    return Change(
        type=declared.type,
        template=text(declared.template),
        ci=text(declared.ci) or (targets[0] if len(targets) == 1 else ""),
        risk=text(declared.risk),
        level=declared.level,
        backout=text(declared.backout),
        window=declared.window,
    )
