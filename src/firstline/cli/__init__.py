"""The command `firstline`."""

import sys
from importlib import import_module

import typer

from firstline.errors import Misdeclared, Unavailable

# Each stands in a module of its name.
COMMANDS = (
    "init",
    "check",
    "test",
    "explain",
    "plan",
    "mode",
    "serve",
    "connect",
    "doctor",
    "reconcile",
    "audit",
    "people",
    "secret",
    "change",
    "guard",
    "sandbox",
    "demo",
)

HELP = "An integration hub between ITSM, monitoring and runbooks: tickets that mend themselves."


def command_line(*names: str) -> typer.Typer:
    """The command with these subcommands, or all: what one needs takes a second to import, the others' is not."""
    app = typer.Typer(
        name="firstline", help=HELP, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False
    )
    app.callback()(lambda: None)  # with one subcommand, too, its name is asked for
    for name in names or COMMANDS:
        found = getattr(import_module(f"firstline.cli.{name}"), name)
        if isinstance(found, typer.Typer):  # with subcommands of its own
            app.add_typer(found, name=name)
        else:
            app.command(name)(found)
    return app


def main() -> None:
    """Run the command; what is wrong with a user's files is said in a line, without a trace."""
    named = [name for name in sys.argv[1:2] if name in COMMANDS]
    try:
        command_line(*named)()
    except (Misdeclared, Unavailable) as error:  # the latter: Vault, which has what firstline.toml refers to
        _fail(str(error))
    except OSError as error:
        if error.filename is None:
            raise
        _fail(f"{error.filename}: {error.strerror}")


def _fail(words: str) -> None:
    sys.stderr.write(f"{words}\n")
    sys.exit(1)


__all__ = ["command_line", "main"]
