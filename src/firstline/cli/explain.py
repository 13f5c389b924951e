"""`firstline explain`: why an event gets the runbook it gets, or none."""

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Column, Table

from firstline.cli import project
from firstline.cli.option import Folder
from firstline.mapping import Decision, Explanation, Matcher, Trace
from firstline.mapping import explain as explain_event
from firstline.mapping.event_file import load_event

_VERDICTS = {"matched": "[green]matched[/]", "shadowed": "[yellow]matches too[/]", "failed": "[dim]no[/]"}


def explain(
    event: Annotated[Path, typer.Argument(help="A JSON file with an event.", exists=True, dir_okay=False)],
    environment: Annotated[str, typer.Option(help="Default: the hub's, from firstline.toml, else prod.")] = "",
    folder: Folder = Path(),
    mappings: project.Mappings = None,
    json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False,
) -> None:
    """Say of every mapping whether it matches the event, and which clause failed. Exits with 1 if the one that matches
    can't be acted on."""
    packs = project.load_sound(folder, mappings)
    chosen = environment or project.environment_of(folder)
    explanation = explain_event(Matcher(packs.mappings), load_event(event), environment=chosen)
    if json:
        typer.echo(explanation.model_dump_json(indent=2))
    else:
        _print(explanation)
    if explanation.decision.outcome == "error":
        raise typer.Exit(project.FINDINGS)


def _print(explanation: Explanation) -> None:
    console = project.console()
    table = Table("mapping", "matches", Column("because", overflow="fold"), box=None, pad_edge=False)
    for trace in explanation.mappings:
        table.add_row(project.cell(trace.mapping), _VERDICTS[trace.verdict], project.cell(_because(trace)))
    console.print(table)
    console.print()
    for line in _chosen(explanation.decision):
        console.print(project.cell(line))


def _because(trace: Trace) -> str:
    if trace.verdict != "failed":
        return "every clause is true"
    last = trace.clauses[-1]
    return f"clause failed: {last.text}" + (f"\nerror: {last.error}" if last.error else "")


def _chosen(decision: Decision) -> list[str]:
    if decision.outcome == "nothing":
        return [f"Nothing runs: {decision.reason}."]
    if decision.outcome == "error":
        return [f"Nothing runs: {decision.reason}"]
    lines = [
        f"{decision.mapping} gets it, in {decision.environment}:",
        f"  runbook  {decision.runbook}",
        f"  mode     {decision.mode}",
        *(f"  input    {name} = {value!r}" for name, value in decision.inputs.items()),
        f"  dedupe   {decision.dedupe}",
        f"  resolve  {'when the fix is proved' if decision.resolve else 'no'}",
        f"  escalate {'when the fix fails' if decision.escalate else 'no'}",
    ]
    return lines + [f"  before   {name}, which matches too" for name in decision.shadowed]
