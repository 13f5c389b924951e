from collections.abc import Callable
from pathlib import Path

import pytest

from firstline.runbook import Runbook, load

RESTART = """\
id: restart-web
version: 1.2.0
title: Restart a hung web process
owner: team-shop
description: Stops the process, starts it, waits until it answers.
inputs:
  app: {type: string, pattern: "[a-z][a-z0-9-]*", max_length: 40}
  port: {type: integer, minimum: 1, maximum: 65535, default: 8080}
targets: ["${{ inputs.app }}"]
change:
  type: standard
  template: Restart web process
  risk: The shop is down already.
limits: {timeout: 5m, output: 64KiB}
before:
  - name: the fault is still there
    run: ["./probe", "${{ inputs.port }}"]
steps:
  - name: restart
    run: ["./restart", "${{ target }}"]
    environment: {PORT: "${{ inputs.port }}"}
    timeout: 30s
after:
  - name: the shop answers
    http: {url: "http://127.0.0.1:${{ inputs.port }}/", contains: "ok"}
    within: 30s
    every: 500ms
    hold: 2s
rollback:
  - name: start it as before
    run: ["./restart", "${{ inputs.app }}", "--previous"]
diagnose:
  - name: what it looks like now
    run: [ps, "-C", "${{ inputs.app }}"]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A sound runbook's folder."""
    made = tmp_path / "restart-web"
    made.mkdir()
    (made / "runbook.yaml").write_text(RESTART)
    for name in ("probe", "restart"):
        (made / name).write_text("#!/bin/sh\n")
        (made / name).chmod(0o755)
    return made


@pytest.fixture
def edited(folder: Path) -> Callable[[str, str], Runbook]:
    """Loads the runbook with one passage replaced."""

    def edit(old: str, new: str) -> Runbook:
        assert old in RESTART
        (folder / "runbook.yaml").write_text(RESTART.replace(old, new))
        return load(folder)

    return edit
