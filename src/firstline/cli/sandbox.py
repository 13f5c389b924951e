"""`firstline sandbox`: a stand-in of a vendor, for rehearsals and the demo."""

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer
import uvicorn
from pydantic import ValidationError

from firstline import registry
from firstline.chaos import Chaos
from firstline.cli import reach
from firstline.connector import SandboxSettings
from firstline.errors import Misdeclared

SECRET = SandboxSettings().hook_secret
KNOWN = f"Shares from 0 to 1: {', '.join((*Chaos.REQUEST, *Chaos.HOOK))}."


def sandbox(
    name: Annotated[str, typer.Argument(help="Which: servicenow, jira, pagerduty, or another that is installed.")],
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1; 0: a free one.")] = 0,
    hook_url: Annotated[str, typer.Option(help="Where its webhooks go; none: it sends none.")] = "",
    hook_secret: Annotated[str, typer.Option(help="How it signs them.")] = SECRET,
    seed: Annotated[Path | None, typer.Option(help="JSON file with records to start with.", exists=True)] = None,
    chaos: Annotated[str, typer.Option(help=f"Faults to make, such as rate_limit=0.1,seed=7. {KNOWN}")] = "",
    chaos_file: Annotated[Path | None, typer.Option(help="JSON file with the same.", exists=True)] = None,
) -> None:
    """Run a sandbox on 127.0.0.1 until Ctrl-C. Open its address to see its records.

    Faults can be looked at and changed while it runs: GET and PUT /sandbox/chaos.
    """
    trouble = _chaos(_records(chaos_file), str(chaos_file)) | _chaos(_pairs(chaos), "--chaos")
    make = registry.sandbox(name)
    records = _records(seed)
    with reach.listeners("127.0.0.1", port, "--port", "Name another, or 0 for a free one.") as sockets:
        url = f"http://127.0.0.1:{sockets[0].getsockname()[1]}"
        chosen = SandboxSettings(
            hook_url=hook_url, hook_secret=hook_secret, public_url=url, seed=records, chaos=trouble
        )
        app = _made(name, make, chosen, seed)
        typer.echo(f"{name} sandbox: {url}")
        logging.getLogger("uvicorn.error").addFilter(_meant)
        config = uvicorn.Config(app, log_level="warning", access_log=False, timeout_graceful_shutdown=1)
        uvicorn.Server(config).run(sockets=sockets)


def _made(name: str, make: Callable[[SandboxSettings], Any], chosen: SandboxSettings, seed: Path | None) -> Any:
    """The sandbox's application. What it makes of a seed that it can't use is the seed's fault."""
    try:
        return make(chosen)
    except (ValueError, TypeError, LookupError, AttributeError) as error:
        if seed is None:
            raise
        why = f"the {name} sandbox can't use it: {error}. The connector's README says what a seed holds"
        raise Misdeclared(why, place=str(seed)) from error


def _meant(record: logging.LogRecord) -> bool:
    """Not said: that an answer was cut short, which is how a broken connection is made."""
    return "without completing response" not in record.getMessage()


def _pairs(told: str) -> dict[str, object]:
    """`a=0.1,b=7` as an object."""
    pairs = [pair.partition("=") for pair in told.split(",") if pair.strip()]
    return {name.strip(): value.strip() for name, _, value in pairs}


def _chaos(told: dict[str, object], place: str) -> dict[str, object]:
    """What was told, if it can be."""
    try:
        return Chaos.model_validate(told).model_dump(exclude_unset=True)
    except ValidationError as error:
        why = "; ".join(f"{'.'.join(map(str, one['loc'])) or 'together'}: {one['msg']}" for one in error.errors())
        raise Misdeclared(f"{why}. {KNOWN}", place=place) from None


def _records(seed: Path | None) -> dict[str, object]:
    if seed is None:
        return {}
    try:
        records = json.loads(seed.read_text(encoding="utf-8"))
    except ValueError as error:
        raise Misdeclared(f"not JSON: {error}", place=str(seed)) from None
    if not isinstance(records, dict):
        raise Misdeclared("must hold one JSON object", place=f"{seed}:1:1")
    return records
