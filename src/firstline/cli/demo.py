"""`firstline demo`: the whole story on this machine, with stand-ins for the vendors."""

import signal
import time
from pathlib import Path
from typing import Annotated, Any

import anyio
import typer
from rich.console import Console

from firstline.demo import story, table
from firstline.demo.incidents import CITATION
from firstline.demo.stage import Stage, Stuck


def demo(
    speed: Annotated[float, typer.Option(help="1: under a minute; 0.2: five times slower.", min=0.02, max=10)] = 1.0,
    folder: Annotated[Path, typer.Option(help="Where it works; emptied at each start.", file_okay=False)] = Path(
        ".demo"
    ),
) -> None:
    """Start a hub with sandboxes of ServiceNow, Jira and PagerDuty, break things, and watch them being mended."""
    console = Console(highlight=False, soft_wrap=True)
    # Whoever asks it to end gets what Ctrl-C gets: all that was started is ended first.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _as_interrupt)
    try:
        right = anyio.run(_show, console, folder, speed)
    except KeyboardInterrupt:
        console.print("stopped; everything that was started has ended")
        raise typer.Exit(130) from None
    raise typer.Exit(0 if right else 1)


async def _show(console: Console, folder: Path, speed: float) -> bool:
    begun = time.monotonic()

    def say(words: str) -> None:
        console.print(f"[dim]{time.monotonic() - begun:5.1f} s[/]", end="  ")
        console.print(words, markup=False)

    async with story.staged(folder, say, speed=speed) as stage:
        try:
            await stage.set_up()
            outcome = await story.play(stage)
        except Stuck as stuck:
            outcome = story.Outcome(stuck=[str(stuck)])
        table.show(console, outcome, stage)
        console.print(f"The incidents are real: {CITATION}", markup=False, style="dim")
        if console.is_terminal and outcome.proofs:
            await _stay(console, stage)
    return outcome.right


async def _stay(console: Console, stage: Stage) -> None:
    """Leave everything running for people to look at, until they have seen enough."""
    with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM, signal.SIGHUP) as signals:
        console.print(f"\nEverything goes on running. [bold]Ctrl-C[/] ends it; the logs are in {stage.place.logs}.")
        async for _ in signals:
            return


def _as_interrupt(number: int, frame: Any) -> None:  # noqa: ARG001 - what signal.signal calls
    signal.raise_signal(signal.SIGINT)
