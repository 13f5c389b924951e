"""Reads requests, answers them, and ends when there are no more."""

from __future__ import annotations

import json
import os
import platform
import pwd
import sys
import threading
import traceback
from pathlib import Path
from typing import Any, BinaryIO

from firstline.executors.process.look import look
from firstline.executors.process.run_directory import RunDirectory
from firstline.executors.ssh.agent import parcel, run
from firstline.executors.ssh.agent.launcher import Launcher
from firstline.executors.ssh.agent.place import Place
from firstline.executors.ssh.agent.refusal import Refusal, Unavailable

HELLO = '{"firstline":'  # how the first line begins, whatever the account's shell has said before
FAILED = "failed"  # the kind of a fault of the agent's own


class Agent:
    def __init__(self, place: Place, launcher: Launcher, answers: int) -> None:
        self._place = place
        self._launcher = launcher
        self._answers = answers
        self._guard = threading.Lock()

    def say_hello(self) -> None:
        """A line of its own."""
        told = {
            "user": pwd.getpwuid(os.geteuid()).pw_name,
            "runs": str(self._place.runs),
            "python": platform.python_version(),
            "host": platform.node(),
        }
        self._say(f"\n{HELLO} {json.dumps(told)}}}\n")

    def serve(self, request: dict[str, Any]) -> None:
        """Answer one request. What goes wrong is told, and ends nothing else."""
        answer: dict[str, Any] = {"number": request["number"]}
        try:
            answer["result"] = getattr(self, "do_" + request["do"])(**request["with"])
        except Refusal as refusal:
            answer.update(error=refusal.kind, words=str(refusal))
        except OSError as error:  # a full disk, no file more: it says nothing of the run
            answer.update(error=Unavailable.kind, words=str(error))
        except Exception:  # noqa: BLE001 - the hub hears of it
            answer.update(error=FAILED, words=traceback.format_exc().strip().rpartition("\n")[2])
        self._say(json.dumps(answer) + "\n")

    def do_begin(self, path: str, asked: dict[str, Any]) -> None:
        run.begin(self._place, self._launcher, path, asked)

    def do_look(self, path: str, offset: int) -> dict[str, Any]:
        return look(RunDirectory(Path(path)), offset)

    def do_wait(self, path: str, timeout: float) -> None:
        run.wait(path, timeout)

    def do_cancel(self, path: str, grace: float) -> None:
        run.cancel(path, grace)

    def do_put(self, digest: str, upload: str, content: str, last: bool) -> None:
        parcel.put(self._place, digest, upload, content, last)

    def do_prepare(self) -> None:
        self._place.make()

    def _say(self, line: str) -> None:
        content = line.encode()
        with self._guard:
            while content:
                content = content[os.write(self._answers, content) :]


def main(directory: str, keep: float, requests: BinaryIO) -> None:
    """`directory`: where runs are kept; `keep`: for how many seconds after their end."""
    launcher = Launcher()  # first: it has no threads yet
    place = Place(directory)
    agent = Agent(place, launcher, sys.stdout.fileno())
    agent.say_hello()
    threading.Thread(target=place.sweep, args=(keep,), daemon=True).start()
    for line in requests:
        threading.Thread(target=agent.serve, args=(json.loads(line),), daemon=True).start()
    os._exit(0)  # who still works at an answer has nobody to tell it to
