"""The mappings and runbooks that the soak's hub acts by. Each run leaves a line in a file named after its incident."""

from pathlib import Path

PLAIN, COVERED = "stalled", "broken"  # how titles begin; what is broken needs a change

MAPPING = """
mappings:
  - id: {title}
    when: incident.title.startsWith("{title}")
    runbook: {title}
    inputs: {{mark: "{marks}/${{{{ incident.reference.id }}}}", shop: "shop-${{{{ incident.reference.id }}}}"}}
    mode: auto
    resolve: true
    max_age: 24h
    dedupe: ${{{{ incident.reference.id }}}}
"""

RUNBOOK = """
id: {title}
version: 1.0.0
title: Mend what is {title}
owner: soak
inputs:
  mark: {{type: string, max_length: 300}}
  shop: {{type: string, max_length: 100}}
targets: ["${{{{ inputs.shop }}}}"]  # of its own: else one waits for another
change: {change}
steps:
  - name: mend
    run: ["./mend", "${{{{ inputs.mark }}}}"]
after:
  - name: it is mended
    run: ["test", "-e", "${{{{ inputs.mark }}}}"]
"""

MEND = '#!/bin/sh\necho ran >>"$1"\n'
STANDARD = '{type: standard, template: "Restart web process", risk: "It is down already."}'


def write(folder: Path, marks: Path) -> None:
    """One pack a runbook, below the folder of mappings."""
    for title, change in ((PLAIN, "none"), (COVERED, STANDARD)):
        runbook = folder / title / "runbooks" / title
        runbook.mkdir(parents=True)
        (folder / title / "mapping.yaml").write_text(MAPPING.format(title=title, marks=marks))
        (runbook / "runbook.yaml").write_text(RUNBOOK.format(title=title, change=change))
        (runbook / "mend").write_text(MEND)
        (runbook / "mend").chmod(0o755)
