"""Becomes ansible-playbook, with the secrets in files that have no name and no place.

Run as `python -I -S prelude.py PROGRAM ARGUMENT...` in the run's working directory, with `FIRSTLINE_SECRETS` in its
environment: a JSON object of options, each with the text that is to stand in the file it names. Such a file is memory
(memfd_create(2)) that only this process and what it becomes have; the variable is gone then. Ansible's own children get
neither: it closes what it does not pass on.

`SOCKETS` in an argument becomes a path of the working directory that is short, whatever its own is: a socket
has one of 107 bytes at most (unix(7)). Standard library alone, for a quick start.
"""

import json
import os
import sys


def main() -> None:
    secrets: dict[str, str] = json.loads(os.environ.pop("FIRSTLINE_SECRETS", "{}"))
    os.environ["FIRSTLINE_SOCKETS"] = sockets = f"/proc/{os.getpid()}/fd/{_kept(os.open('.', os.O_PATH))}"
    program, *arguments = (argument.replace("SOCKETS", sockets) for argument in sys.argv[1:])
    arguments += [option + _file(text) for option, text in secrets.items()]
    os.execv(program, [program, *arguments])  # noqa: S606 - it is what we are here for


def _file(text: str) -> str:
    file = _kept(os.memfd_create("secret"))
    os.fchmod(file, 0o600)  # a file that may be executed is executed by Ansible, which takes it for a script
    os.write(file, text.encode())
    return f"/proc/self/fd/{file}"


def _kept(file: int) -> int:
    """For the program as well."""
    os.set_inheritable(file, True)
    return file


main()
