"""Real playbooks, on a real sshd and on this machine."""

import hashlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

import anyio
import psutil
import pytest
from pydantic import SecretStr
from tests.integration.ansible.conftest import RUNBOOK

from firstline.executor import Executor, Handle, Progress, Sandbox, State, Step
from firstline.executors.ansible import AnsibleExecutor, AnsibleSettings
from firstline.executors.process import tree
from firstline.executors.process.run_directory import RunDirectory
from firstline.testing.executor import text_of, until
from firstline.testing.peer import need
from firstline.testing.sshd import Sshd, account

pytestmark = pytest.mark.anyio

PASSWORD, VAULT = "correct-horse-7731", "open-sesame-7"


def step(playbook: str, *targets: str, **fields: Any) -> Step:
    """`fields` of the step, and of its parameters."""
    of_step = {name: fields.pop(name) for name in list(fields) if name in Step.model_fields}
    parameters = {"playbook": playbook, **fields}
    return Step(
        id=uuid4().hex,
        folder=str(RUNBOOK),
        targets=targets,
        parameters=parameters,
        timeout=60.0,
        **of_step,
    )


class Seen(NamedTuple):
    """A run that has ended. `processes` is what the command lines and environments of its processes held meanwhile."""

    progress: Progress
    handle: Handle
    processes: str


async def run(executor: Executor[Any], step: Step) -> Seen:
    handle = await executor.start(step)
    processes = ""
    with anyio.fail_after(60):
        while True:
            await executor.wait(handle, 0.1)
            progress = await executor.watch(handle)
            if progress.state.ended:
                return Seen(progress, handle, processes)
            if progress.output:  # the prelude is over
                processes += "".join(surroundings(handle))


def surroundings(handle: Handle) -> Iterator[str]:
    for process in tree.marked(RunDirectory(Path(handle.where)).mark):
        for file in ("cmdline", "environ"):
            try:
                yield Path(f"/proc/{process.id}/{file}").read_text()
            except OSError:
                continue


def files_of(handle: Handle) -> list[Path]:
    return [file for file in Path(handle.where).rglob("*") if file.is_file()]


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is there when the template was evaluated."""
    return tmp_path_factory.mktemp("template") / "evaluated"


@pytest.fixture(scope="module")
def template(evaluated: Path) -> str:
    return f"{{{{ lookup('pipe', 'touch {evaluated}') }}}}"


@pytest.fixture(scope="module")
async def survey(settings: AnsibleSettings, template: str) -> AsyncIterator[Seen]:
    """One run on hosts of each kind, that many tests look at."""
    executor = AnsibleExecutor(settings)
    yield await run(
        executor,
        step(
            "survey.yaml",
            *("web1", "web2", "dead", "stranger"),
            variables={"word": template, "deep": {template: template}},
            secrets={"password": SecretStr(PASSWORD), "KEY": SecretStr(VAULT)},
            vault_password="KEY",
        ),
    )
    await executor.aclose()


async def test_hosts_that_fail_and_hosts_that_are_lost_are_told_with_why(survey: Seen) -> None:
    assert (survey.progress.state, survey.progress.exit_status) == (State.FAILED, 4)
    detail = survey.progress.detail
    assert "'free the disk' failed on web2: non-zero return code, exit status 3: nothing can be freed" in detail
    assert "dead could not be reached" in detail
    assert "Connection refused" in detail


async def test_a_host_whose_key_is_not_pinned_is_not_reached_whatever_the_playbook_says(survey: Seen) -> None:
    assert "stranger could not be reached" in survey.progress.detail
    assert "Host key verification failed" in survey.progress.detail


async def test_a_lost_host_does_not_hold_the_rest(survey: Seen) -> None:
    assert survey.progress.detail.endswith("done on web1")


async def test_what_comes_as_a_value_is_never_evaluated(survey: Seen, template: str, evaluated: Path) -> None:
    assert survey.progress.outputs["word"] == template
    assert survey.progress.outputs["entries"] == [{"key": template, "value": template}]
    assert not evaluated.exists()  # noqa: ASYNC240 - nothing else waits


async def test_statistics_are_outputs(survey: Seen) -> None:
    assert survey.progress.outputs["hosts"] == {"web1": {"freed": 0}}


async def test_secrets_reach_the_playbook(survey: Seen) -> None:
    assert survey.progress.outputs["digest"] == hashlib.sha256(PASSWORD.encode()).hexdigest()
    assert survey.progress.outputs["vaulted"] == "what the vault held"


@pytest.mark.parametrize("secret", [PASSWORD, VAULT])
async def test_secrets_are_in_no_file_and_no_process_and_not_in_what_no_log_hides(survey: Seen, secret: str) -> None:
    files = files_of(survey.handle)
    assert "events.jsonl" in {file.name for file in files}
    assert [file for file in files if secret.encode() in file.read_bytes()] == []
    assert "ansible-playbook" in survey.processes
    assert secret not in survey.processes
    assert secret not in survey.progress.model_dump_json() + survey.handle.model_dump_json()


async def test_connections_are_kept_while_it_runs_and_closed_with_its_end(survey: Seen) -> None:
    assert survey.progress.outputs["connections"] == 1  # web1 and web2 are one host
    await until(lambda: tree.marked(RunDirectory(Path(survey.handle.where)).mark) == [])


async def test_a_failure_that_is_ignored_is_no_reason(survey: Seen) -> None:
    assert "fail in secret" in text_of(survey.progress)
    assert "fail in secret" not in survey.progress.detail


async def test_the_runbooks_folder_is_left_as_it_was(survey: Seen) -> None:
    names = {
        "survey.yaml",
        "touch.yaml",
        "last.yaml",
        "nobody.yaml",
        "wrong.yaml",
        "vault.yaml",
        "ask.yaml",
        "become.yaml",
    }
    assert {file.name for file in RUNBOOK.iterdir()} == names


async def test_a_dry_run_in_a_sandbox_shows_what_it_would_change(executor: AnsibleExecutor, tmp_path: Path) -> None:
    need("bwrap", package="bubblewrap")
    file = tmp_path / "file"
    file.write_text("old\n")
    sandbox = Sandbox(writes=(str(tmp_path),))
    seen = await run(
        executor, step("touch.yaml", "local", variables={"file": str(file)}, dry_run=True, sandbox=sandbox)
    )
    assert seen.progress.state is State.SUCCEEDED
    assert file.read_text() == "old\n"
    assert "-old\n+new" in text_of(seen.progress)
    assert "bwrap: no network" in seen.progress.surroundings


async def test_a_playbook_that_names_none_of_the_targets_has_failed(executor: AnsibleExecutor) -> None:
    seen = await run(executor, step("nobody.yaml", "web1"))
    assert (seen.progress.state, seen.progress.exit_status) == (State.FAILED, 0)
    assert "none of its targets" in seen.progress.detail


async def test_a_playbook_that_can_not_be_read_has_failed_with_ansibles_words(executor: AnsibleExecutor) -> None:
    seen = await run(executor, step("wrong.yaml", "local"))
    assert seen.progress.state is State.FAILED
    assert "no_such_module" in seen.progress.detail


class Lasting(NamedTuple):
    """A run whose work on the host never ends by itself."""

    handle: Handle
    workers: list[psutil.Process]

    @property
    def directory(self) -> RunDirectory:
        return RunDirectory(Path(self.handle.where))

    @property
    def playbook(self) -> psutil.Process:
        return psutil.Process(self.directory.process()["id"])

    def connections(self) -> list[psutil.Process]:
        """What OpenSSH keeps: its title says where."""
        sockets = f"/proc/{self.directory.process()['id']}/fd/"
        return [each for each in psutil.process_iter(["cmdline"]) if sockets in " ".join(each.info["cmdline"] or ())]

    async def is_over(self) -> None:
        """Return when nothing is left of it, on either side."""
        await until(lambda: not any(worker.is_running() for worker in self.workers))
        await until(lambda: not self.connections())
        assert tree.marked(self.directory.mark) == []


async def lasting(executor: AnsibleExecutor, folder: Path) -> Lasting:
    file = folder / "workers"
    handle = await executor.start(step("last.yaml", "web1", variables={"file": str(file)}))
    await until(lambda: file.exists() and len(file.read_text().split()) == 2)
    return Lasting(handle, [psutil.Process(int(worker)) for worker in file.read_text().split()])


async def test_cancelling_ends_the_work_on_the_host_and_leaves_none_of_its_files(
    executor: AnsibleExecutor, tmp_path: Path
) -> None:
    run = await lasting(executor, tmp_path)
    module = Path(run.workers[1].parent().cmdline()[-1])  # type: ignore[union-attr]
    assert module.parent.name.startswith("ansible-tmp-")
    await executor.cancel(run.handle)
    progress = await executor.watch(run.handle)
    assert progress.state is State.CANCELLED
    assert progress.detail == "the last task that began: 'work for ever'"
    await run.is_over()
    await until(lambda: not module.parent.exists())


@pytest.mark.parametrize("killed", ["playbook", "supervisor"])
async def test_what_a_kill_leaves_running_is_unknown_and_ended_by_cancelling(
    executor: AnsibleExecutor, tmp_path: Path, killed: str
) -> None:
    run = await lasting(executor, tmp_path)
    victim = run.playbook if killed == "playbook" else run.playbook.parent()
    assert victim is not None
    victim.kill()
    await until(lambda: not victim.is_running())
    with anyio.fail_after(60):
        while not (progress := await executor.watch(run.handle)).state.ended:
            await executor.wait(run.handle, 0.1)
    assert progress.state is State.UNKNOWN
    assert "(ssh)" in progress.detail
    assert "the last task that began: 'work for ever'" in progress.detail
    await executor.cancel(run.handle)
    await run.is_over()


async def test_a_playbook_that_asks_fails_before_it_does_anything(executor: AnsibleExecutor) -> None:
    seen = await run(executor, step("ask.yaml", "local"))
    assert seen.progress.state is State.FAILED
    assert "asks for 'database', and nobody answers" in seen.progress.detail
    assert "TASK" not in text_of(seen.progress)


async def test_a_playbook_that_asks_takes_a_variable_for_the_answer(executor: AnsibleExecutor) -> None:
    seen = await run(executor, step("ask.yaml", "local", variables={"database": "shop"}))
    assert seen.progress.outputs == {"dropped": "shop of eu"}


async def test_a_password_to_become_another_is_in_no_process_and_no_file(sshd: Sshd, settings: AnsibleSettings) -> None:
    with account(sudo=True, password=PASSWORD) as user:
        hosts = {"web1": settings.hosts["web*"].model_copy(update={"user": user})}
        executor = AnsibleExecutor(settings.model_copy(update={"hosts": hosts}))
        secrets = {"SUDO": SecretStr(PASSWORD)}
        seen = await run(executor, step("become.yaml", "web1", become=True, become_password="SUDO", secrets=secrets))
        await executor.aclose()
    assert seen.progress.outputs == {"as": "root"}
    assert [file for file in files_of(seen.handle) if PASSWORD.encode() in file.read_bytes()] == []
    assert PASSWORD not in seen.processes
