"""Where runs are kept on the host: a private directory of the account that runs them.

`runs/ID`  one run (`firstline.executors.process.run_directory`)
`files/DIGEST.tar`  a runbook's files, by the SHA-256 of the archive
"""

from __future__ import annotations

import os
import pwd
import shutil
import stat
import time
from contextlib import suppress
from pathlib import Path

from firstline.executors.process.run_directory import RunDirectory
from firstline.executors.ssh.agent.refusal import Rejected

OTHERS = stat.S_IRWXG | stat.S_IRWXO


class Place:
    def __init__(self, directory: str) -> None:
        """`directory`: absolute, or from the account's home with `~/`."""
        home = pwd.getpwuid(os.geteuid()).pw_dir
        self.path = Path(home, directory[2:]) if directory.startswith("~/") else Path(directory)
        self.runs = self.path / "runs"
        self.files = self.path / "files"

    def make(self) -> None:
        """Make it, and see that it is nobody else's: who can write to it decides what runs. Raises `Rejected`,
        and `OSError` for what may pass: a full disk."""
        try:
            for path in (self.path, self.runs, self.files):
                path.mkdir(mode=0o700, parents=True, exist_ok=True)
            found = os.lstat(self.path)
        except (PermissionError, NotADirectoryError, FileExistsError) as error:
            raise Rejected(f"runs can't be kept on the host: {error} (settings: remote_directory)") from None
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & OTHERS:
            owner = pwd.getpwuid(os.geteuid()).pw_name
            raise Rejected(f"runs can't be kept in {self.path}: it must be a directory of {owner} with mode 0700")

    def sweep(self, keep: float) -> None:
        """Remove what is older than `keep` seconds: output and files of runs that have ended, files that no run has
        asked for. That a run has been stays on record, so that it never begins again."""
        before = time.time() - keep
        for run in map(RunDirectory, _entries(self.runs)):
            ended = run.ended_at()
            if ended is not None and ended < before and not run.is_stripped():
                run.strip()
                shutil.rmtree(run.path / "files", ignore_errors=True)
        for file in _entries(self.files):
            with suppress(FileNotFoundError):
                if file.stat().st_mtime < before:
                    file.unlink()


def _entries(directory: Path) -> list[Path]:
    try:
        return list(directory.iterdir())
    except FileNotFoundError:
        return []
