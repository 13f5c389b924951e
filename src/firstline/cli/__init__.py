"""The command `firstline`."""

import sys

import typer

from firstline.cli import check, connect, demo, doctor, explain, init, reconcile, sandbox, serve, test, token
from firstline.errors import Misdeclared

app = typer.Typer(
    name="firstline",
    help="An integration hub between ITSM, monitoring and runbooks: tickets that mend themselves.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("init")(init.init)
app.command("check")(check.check)
app.command("test")(test.test)
app.command("explain")(explain.explain)
app.command("serve")(serve.serve)
app.command("connect")(connect.connect)
app.command("doctor")(doctor.doctor)
app.command("reconcile")(reconcile.reconcile)
app.command("token")(token.token)
app.command("sandbox")(sandbox.sandbox)
app.command("demo")(demo.demo)


def main() -> None:
    """Run the command; what is wrong with a user's files is said in a line, without a trace."""
    try:
        app()
    except Misdeclared as error:
        _fail(str(error))
    except OSError as error:
        if error.filename is None:
            raise
        _fail(f"{error.filename}: {error.strerror}")


def _fail(words: str) -> None:
    sys.stderr.write(f"{words}\n")
    sys.exit(1)


__all__ = ["app", "main"]
