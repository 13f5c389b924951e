"""`firstline audit`: what the ledger shows, and whether anybody has edited it."""

import typer

from firstline.cli.audit.export import export
from firstline.cli.audit.key import key
from firstline.cli.audit.verify import verify

audit = typer.Typer(help="What the ledger shows, and whether anybody has edited it.", no_args_is_help=True)
audit.command("export")(export)
audit.command("key")(key)
audit.command("verify")(verify)

__all__ = ["audit"]
