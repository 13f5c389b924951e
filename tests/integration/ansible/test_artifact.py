"""What a run leaves in its directory."""

from pathlib import Path

from firstline.executors.ansible import event
from firstline.executors.ansible.artifact import Artifacts

EVENTS = """\
{"event": "task", "name": "sign in"}
{"event": "failed", "host": "web1", "task": "sign in", "words": "wrong: hunter2-77", "ignored": false}
{"event": "end", "hosts": {"web1": {"failures": 1}}}
"""


def test_what_may_hold_secrets_is_forgotten_and_how_it_ended_is_not(tmp_path: Path) -> None:
    artifacts = Artifacts(tmp_path)
    rendered = artifacts.home / "tmp" / "ansible-local-1" / "rendered.j2"
    for file, text in ((artifacts.events, EVENTS), (rendered, "hunter2-77")):
        file.parent.mkdir(parents=True)
        file.write_text(text)
    before = event.read(artifacts.events)
    artifacts.forget()
    after = event.read(artifacts.events)
    assert [file for file in tmp_path.rglob("*") if file.is_file() and "hunter2" in file.read_text()] == []
    assert (after.hosts, after.task, after.over) == (before.hosts, before.task, True)
