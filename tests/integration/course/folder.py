"""What a hub of the course is made from: its settings, and a pack with one mapping and one runbook."""

from pathlib import Path
from typing import Any

SECRET = "hook-secret"

TOML = """
[hub]
database = "{database}"
environment = "test"

[connections.pagerduty]
connector = "pagerduty"
base_url = "{pagerduty}"
token = "a-token"
from_email = "firstline@example.com"
webhook_secrets = ["hook-secret"]
intake = {{way = "push"}}
{more}
"""

SERVICENOW = """
[connections.servicenow]
connector = "servicenow"
base_url = "{address}"
user = "firstline"
password = "firstline"
tables = ["incident", "change_request", "sysapproval_approver"]
webhook_secrets = ["hook-secret"]
intake = {{way = "push"}}

[changes]
register = "servicenow"
require_pin = false
"""

JIRA = """
[connections.jira]
connector = "jira"
base_url = "{address}"
user = "hub@example.com"
api_token = "sandbox-token"
projects = ["HELP"]
webhook_secrets = ["hook-secret"]
intake = {{way = "push"}}

[connections.jira.change]
project = "HELP"

[changes]
register = "jira"
require_pin = false
"""

OWN = "[changes]\nrequire_pin = false\n"

MAPPING = """
mappings:
  - id: mend
    when: incident.title.contains("does not answer")
    runbook: mend
    inputs: {{mark: "{marks}", host: "${{{{ incident.service }}}}"}}
    mode: {mode}
    dedupe: ${{{{ incident.service }}}}
{more}
"""

RUNBOOK = """
id: mend
version: 1.0.0
title: Mend it
owner: team-test
authors: [{author}]
description: Leaves a mark each time it runs.
inputs:
  mark: {{type: string, max_length: 300}}
  host: {{type: string}}
targets: ["${{{{ inputs.host }}}}"]
change: {change}
before: {before}
steps:
  - name: mend
    run: ["./mend", "${{{{ inputs.mark }}}}"]
  - name: mend more
    run: ["./mend", "${{{{ inputs.mark }}}}"]
after:
  - name: it is mended
    run: ["test", "-e", "${{{{ inputs.mark }}}}/mended"]
rollback:
  - name: put it back
    run: ["./undo", "${{{{ inputs.mark }}}}"]
"""

MENDS = 'echo ran >>"$1/runs"; touch "$1/mended"'
STANDARD = '{type: standard, template: "Restart web process", risk: "It is down already."}'
NORMAL = '{type: normal, risk: "It is down already."}'
EMERGENCY = '{type: emergency, risk: "It is down already."}'


def write_pack(folder: Path, marks: Path, how: dict[str, Any]) -> None:
    """`how`: parts of it that are to be others, by their names."""
    pack = folder / "mappings" / "shop"
    (pack / "runbooks" / "mend").mkdir(parents=True, exist_ok=True)
    mapping = MAPPING.format(marks=marks, mode=how.get("mode", "auto"), more=how.get("mapping", ""))
    (pack / "mapping.yaml").write_text(mapping)
    runbook = RUNBOOK.format(
        change=how.get("change", STANDARD), before=how.get("before", "[]"), author=how.get("author", "wendy")
    )
    (pack / "runbooks" / "mend" / "runbook.yaml").write_text(how.get("whole", runbook + how.get("runbook", "")))
    scripts = {"mend": how.get("mend", MENDS), "undo": how.get("undo", 'touch "$1/undone"'), **how.get("scripts", {})}
    for name, text in scripts.items():
        (pack / "runbooks" / "mend" / name).write_text(f"#!/bin/sh\n{text}\n")
        (pack / "runbooks" / "mend" / name).chmod(0o755)
