"""The command line that starts an agent on a host, and what is sent to it first."""

import shlex
import zlib
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable

PACKAGES = ("firstline.executors.process", "firstline.executors.ssh.agent")
READY = "firstline: ready"  # the line that asks for the agent's program
PROMPT = "firstline: password of the account: "  # sudo's, where it may ask for one
TOO_OLD = "the agent needs Python 3.8 or later, not"

# One line, without single quotes and exclamation marks: it must pass any login shell.
_FIRST = (
    "import os,sys,zlib;"
    f'sys.version_info<(3,8) and sys.exit("{TOO_OLD} "+sys.version.split()[0]);'
    f'os.write(1,b"\\n{READY}\\n");'
    'f=open(0,"rb",closefd=False);'
    "exec(zlib.decompress(f.read(int(f.readline()))))"
)

# Modules from memory: the host keeps no copy of them, and nobody there can change one.
_SECOND = """
import importlib.abc, importlib.util, sys
SOURCES = {sources!r}
class Sent(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def find_spec(self, name, path, target=None):
        if name in SOURCES:
            return importlib.util.spec_from_loader(name, self, origin="sent", is_package=SOURCES[name][0])
    def exec_module(self, module):
        exec(compile(SOURCES[module.__name__][1], "<" + module.__name__ + ">", "exec"), module.__dict__)
sys.meta_path.insert(0, Sent())
from firstline.executors.ssh.agent.main import main
main({directory!r}, {keep!r}, f)
"""


def command(python: str, become: str, *, asks: bool) -> str:
    """`asks`: sudo may ask for a password, with `PROMPT` on standard error."""
    start = [python, "-I", "-c", _FIRST]
    if become:
        start = ["sudo", *(["-S", "-p", PROMPT] if asks else ["-n"]), "-H", "-u", become, "--", *start]
    return "exec " + " ".join(shlex.quote(word) for word in start)


@cache
def agent(directory: str, keep: float) -> bytes:
    """The agent's program. `directory`: where it keeps runs; `keep`: for how many seconds after their end."""
    second = _SECOND.format(sources=_sources(), directory=directory, keep=keep)
    content = zlib.compress(second.encode())
    return f"{len(content)}\n".encode() + content


@cache
def _sources() -> dict[str, tuple[bool, str]]:
    """By module: whether it is a package, and its text. Packages on the way are empty there."""
    found: dict[str, tuple[bool, str]] = {}
    for package in PACKAGES:
        for end in range(1, package.count(".") + 2):
            found.setdefault(".".join(package.split(".")[:end]), (True, ""))
        found |= {name: (name == package, text) for name, text in _modules(package, files(package))}
    return found


def _modules(package: str, folder: Traversable) -> list[tuple[str, str]]:
    names = [file.name.removesuffix(".py") for file in folder.iterdir() if file.name.endswith(".py")]
    return [
        (package if name == "__init__" else f"{package}.{name}", (folder / f"{name}.py").read_text(encoding="utf-8"))
        for name in sorted(names)
    ]
