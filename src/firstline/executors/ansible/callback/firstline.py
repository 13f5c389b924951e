"""Ansible's own lines as output, and what happens as events: a JSON object a line, in the file that FIRSTLINE_EVENTS
names. What `set_stats` gave goes into that which FIRSTLINE_OUTPUT names. At the end it closes the connections that
OpenSSH keeps, so that nothing of the run goes on.

Loaded by ansible-core 2.18 or later, in its own process: of Firstline nothing is imported here. Results come without
what `no_log` hides (ansible/executor/task_result.py, as_callback_task_result), but for the exception.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from ansible.plugins.callback import default  # type: ignore[import-untyped]
from ansible.plugins.loader import shell_loader  # type: ignore[import-untyped]

DOCUMENTATION = """
    name: firstline
    type: stdout
    short_description: default output, and events as JSON lines
    description: As the default callback; what happens is written as JSON lines into the file FIRSTLINE_EVENTS names.
    extends_documentation_fragment:
      - default_callback
      - result_format_callback
"""
WORDS = 600  # characters of a result's own words


class CallbackModule(default.CallbackModule):  # type: ignore[misc]
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "firstline"

    def __init__(self) -> None:
        super().__init__()
        shell_loader.add_directory(str(Path(__file__).parents[1] / "shell"))
        self._events = Path(os.environ["FIRSTLINE_EVENTS"]).open("a", encoding="utf-8")  # noqa: SIM115 - while we live

    def v2_playbook_on_vars_prompt(self, varname: str, *arguments: Any, **named: Any) -> None:
        """Ansible would go on without the answer that nobody is there to give (ansible/utils/display.py,
        do_var_prompt). An error is only a warning to it; an exit is one."""
        default = named.get("default", arguments[6] if len(arguments) > 6 else None)
        if default is None:
            sys.exit(f"[ERROR]: the playbook asks for {varname!r}, and nobody answers: give it as a variable")

    def v2_playbook_on_play_start(self, play: Any) -> None:
        super().v2_playbook_on_play_start(play)
        self._write(event="play", name=play.get_name().strip())

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        super().v2_playbook_on_task_start(task, is_conditional)
        self._write(event="task", name=task.get_name().strip())

    def v2_playbook_on_handler_task_start(self, task: Any) -> None:
        super().v2_playbook_on_handler_task_start(task)
        self._write(event="task", name=task.get_name().strip())

    def v2_runner_on_ok(self, result: Any) -> None:
        self._result("changed" if result.is_changed() else "ok", result)
        super().v2_runner_on_ok(result)

    def v2_runner_on_skipped(self, result: Any) -> None:
        self._result("skipped", result)
        super().v2_runner_on_skipped(result)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        self._result("failed", result, words=_words(result._result), ignored=ignore_errors)
        super().v2_runner_on_failed(result, ignore_errors)

    def v2_runner_on_unreachable(self, result: Any) -> None:
        self._result("unreachable", result, words=_words(result._result))
        super().v2_runner_on_unreachable(result)

    def v2_playbook_on_stats(self, stats: Any) -> None:
        super().v2_playbook_on_stats(stats)
        self._write(event="end", hosts={host: stats.summarize(host) for host in sorted(stats.processed)})
        if stats.custom:
            Path(os.environ["FIRSTLINE_OUTPUT"]).write_text(json.dumps(_outputs(stats.custom), default=str))
        _close_connections(Path(os.environ["FIRSTLINE_SOCKETS"]))

    def _handle_exception(self, result: Any, use_stderr: bool = False) -> None:
        """The exception's words are the result's, which are hidden."""
        if "censored" in result:
            result.pop("exception", None)
        super()._handle_exception(result, use_stderr)

    def _result(self, event: str, result: Any, **more: Any) -> None:
        self._write(event=event, host=result._host.get_name(), task=result._task.get_name().strip(), **more)

    def _write(self, **event: Any) -> None:
        self._events.write(json.dumps(event, default=str) + "\n")
        self._events.flush()


def _outputs(custom: dict[str, Any]) -> dict[str, Any]:
    """What `set_stats` gave: `_run` is what belongs to the whole run; others are hosts (ansible/executor/stats.py)."""
    hosts = {host: values for host, values in custom.items() if host != "_run"}
    return {**custom.get("_run", {}), **({"hosts": hosts} if hosts else {})}


def _words(result: dict[str, Any]) -> str:
    """Why it failed, as far as it may be said: of a loop, why the first that failed did."""
    if "censored" in result:
        return "hidden by no_log"
    failed = [each for each in result.get("results", ()) if isinstance(each, dict) and each.get("failed")]
    if failed:
        return _words(failed[0])
    words = str(result.get("msg", "")).strip() or "no reason was given"
    status = f", exit status {result['rc']}" if result.get("rc") is not None else ""
    last = str(result.get("stderr") or result.get("module_stderr") or "").strip().rpartition("\n")[2]
    return f"{words}{status}{f': {last}' if last and last not in words else ''}"[:WORDS]


def _close_connections(folder: Path) -> None:
    closing = [
        subprocess.Popen(  # noqa: S603 - the path is our own
            ["ssh", "-F", "/dev/null", "-o", f"ControlPath={socket}", "-O", "exit", "any"],  # noqa: S607 - as Ansible does
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for socket in folder.glob("ssh-*")
    ]
    for each in closing:
        each.wait()
