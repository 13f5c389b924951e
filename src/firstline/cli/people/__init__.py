"""`firstline people`: who is who, and who may what."""

import typer

from firstline.cli.people import person, right, show, token

people = typer.Typer(help="Who is who, and who may what.", no_args_is_help=True)
for part in (person, right, token, show):
    for name, command in part.COMMANDS.items():
        people.command(name)(command)

__all__ = ["people"]
