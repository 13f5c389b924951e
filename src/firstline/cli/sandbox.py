"""`firstline sandbox`: a stand-in of a vendor, for rehearsals and the demo."""

import json
import socket
from pathlib import Path
from typing import Annotated

import typer
import uvicorn

from firstline import registry
from firstline.connector import SandboxSettings
from firstline.errors import Misdeclared

SECRET = SandboxSettings().hook_secret


def sandbox(
    name: Annotated[str, typer.Argument(help="Which: servicenow, jira, pagerduty, or another that is installed.")],
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1; 0: a free one.")] = 0,
    hook_url: Annotated[str, typer.Option(help="Where its webhooks go; none: it sends none.")] = "",
    hook_secret: Annotated[str, typer.Option(help="How it signs them.")] = SECRET,
    seed: Annotated[Path | None, typer.Option(help="JSON file with records to start with.", exists=True)] = None,
) -> None:
    """Run a sandbox on 127.0.0.1 until Ctrl-C. Open its address to see its records."""
    make = registry.sandbox(name)
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    chosen = SandboxSettings(hook_url=hook_url, hook_secret=hook_secret, public_url=url, seed=_records(seed))
    typer.echo(f"{name} sandbox: {url}")
    config = uvicorn.Config(make(chosen), log_level="warning", access_log=False, timeout_graceful_shutdown=1)
    uvicorn.Server(config).run(sockets=[listener])


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
