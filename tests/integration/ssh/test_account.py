"""As whom a run works on its host, and what must be there."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import anyio
import psutil
import pytest
from tests.integration.ssh.conftest import Web1, executor_for

from firstline.errors import Rejected, Unavailable
from firstline.executor import Step
from firstline.executors.ssh import SshExecutor, SshSettings
from firstline.executors.ssh.program import command
from firstline.testing.executor import PATIENCE, Bench, text_of, until
from firstline.testing.sshd import Sshd, account, serve

pytestmark = pytest.mark.anyio

LASTING = ("sh", "-c", "echo here; sleep 100000 & exec sleep 100000")


async def run(make: Callable[[], SshExecutor], *words: str, **fields: Any) -> Any:
    bench = Web1(make)
    try:
        return await bench.end(await bench.start(words, **fields))
    finally:
        await bench.aclose()


async def refusal(make: Callable[[], SshExecutor]) -> str:
    with pytest.raises(Rejected) as caught:
        await run(make, "true")
    return str(caught.value)


async def test_a_run_works_as_who_signs_in_and_is_kept_in_that_home(sshd: Sshd, deploy: str) -> None:
    progress = await run(lambda: executor_for(sshd, user=deploy), "sh", "-c", "id -un; pwd; umask")
    name, place, umask = text_of(progress).split()
    assert name == deploy
    assert place.startswith(f"/home/{deploy}/.firstline/runs/")
    assert umask == "0022"
    assert progress.surroundings == f"as {deploy} on web1 by ssh"
    mode = text_of(await run(lambda: executor_for(sshd, user=deploy), "stat", "-c", "%a", f"/home/{deploy}/.firstline"))
    assert mode == "700\n"


async def test_a_run_becomes_another_account_by_sudo(sshd: Sshd, deploy: str, tmp_path: Path) -> None:
    def make() -> SshExecutor:
        return executor_for(sshd, user=deploy, become="root", remote_directory=str(tmp_path / "kept"))

    progress = await run(make, "sh", "-c", "id -un; echo $HOME $USER")
    assert text_of(progress).split() == ["root", "/root", "root"]
    assert progress.surroundings == f"as {deploy} on web1 by ssh, root by sudo"


async def test_what_another_account_runs_is_ended_with_all_it_started(sshd: Sshd, deploy: str, tmp_path: Path) -> None:
    bench = Web1(lambda: executor_for(sshd, user=deploy, become="root", remote_directory=str(tmp_path / "kept")))
    handle = await bench.start(LASTING)
    leader = await leader_of(tmp_path / "kept", handle.step)
    await until(lambda: len(leader.children()) == 1)
    works = [leader, *leader.children()]
    await bench.executor.cancel(handle)
    assert not any(each.is_running() and each.status() != "zombie" for each in works)
    await bench.aclose()


async def leader_of(kept: Path, step: str) -> psutil.Process:
    """The process of a run's command."""
    record = kept / "runs" / step / "process.json"
    await until(record.exists)
    return psutil.Process(json.loads(record.read_text())["id"])


async def test_sudo_is_given_its_password_where_it_asks(sshd: Sshd, tmp_path: Path) -> None:
    with account(sudo=True, password="s3cret-words") as name:

        def make(password: str) -> SshExecutor:
            kept = str(tmp_path / "kept")
            return executor_for(sshd, user=name, become="root", become_password=password, remote_directory=kept)

        for _ in range(2):
            assert text_of(await run(lambda: make("s3cret-words"), "id", "-un")) == "root\n"
        assert "sudoers" in await refusal(lambda: make(""))
        words = await refusal(lambda: make("wr0ng-words"))
        assert "sudo does not take the password" in words
        assert "wr0ng-words" not in words


async def test_a_password_that_sudo_does_not_ask_for_is_no_harm(sshd: Sshd, deploy: str, tmp_path: Path) -> None:
    def make() -> SshExecutor:
        kept = str(tmp_path / "kept")
        return executor_for(sshd, user=deploy, become="root", become_password="s3cret", remote_directory=kept)

    assert text_of(await run(make, "id", "-un")) == "root\n"


async def test_an_account_that_may_not_become_another_is_told(sshd: Sshd) -> None:
    with account(sudo=False) as name:
        words = await refusal(lambda: executor_for(sshd, user=name, become="root"))
    assert "sudoers" in words


async def test_a_host_without_python_is_told(sshd: Sshd) -> None:
    words = await refusal(lambda: executor_for(sshd, python="python-that-is-not-there"))
    assert "The host needs Python 3.8 or later" in words


async def test_a_python_that_is_too_old_is_told(sshd: Sshd, tmp_path: Path) -> None:
    old = tmp_path / "python"
    program = command("python3", "", asks=False).split(" -c ", 1)[1].replace("(3,8)", "(99,0)")
    old.write_text(f"#!/bin/sh\nexec /usr/bin/python3 -I -c {program}\n")
    old.chmod(0o755)
    words = await refusal(lambda: executor_for(sshd, python=str(old)))
    assert "the agent needs Python 3.8 or later, not 3." in words
    assert "settings: python" in words


async def test_what_a_shell_says_first_is_passed_over(sshd: Sshd, tmp_path: Path) -> None:
    noise = 'ForceCommand printf \'Welcome!\\n{"number": 1}\\nno line break\'; eval "$SSH_ORIGINAL_COMMAND"\n'
    with serve(options=noise, client_key=sshd.client_key) as noisy:
        progress = await run(lambda: executor_for(noisy, remote_directory=str(tmp_path / "kept")), "echo", "done")
    assert text_of(progress) == "done\n"


async def test_a_host_that_runs_something_else_is_told(sshd: Sshd) -> None:
    with serve(options="ForceCommand true\n", client_key=sshd.client_key) as other:
        assert "does not run what it is told to" in await refusal(lambda: executor_for(other))


async def test_a_host_that_answers_nothing_is_out_of_reach(sshd: Sshd) -> None:
    with serve(options="ForceCommand cat\n", client_key=sshd.client_key) as silent:
        executor = executor_for(silent, connect_timeout=1.0)
        with pytest.raises(Unavailable, match="no agent after 1 seconds"):
            await executor.start(Step(id="silent", run=("true",), target="web1"))
        await executor.aclose()


async def test_what_a_shell_says_is_not_taken_for_the_agents_word(sshd: Sshd, tmp_path: Path) -> None:
    said = 'ForceCommand echo \'{"firstline": {}}\'; eval "$SSH_ORIGINAL_COMMAND"\n'
    with serve(options=said, client_key=sshd.client_key) as talking:
        progress = await run(lambda: executor_for(talking, remote_directory=str(tmp_path / "kept")), "echo", "done")
    assert text_of(progress) == "done\n"


@pytest.fixture
def requiretty(deploy: str) -> Iterator[None]:
    sudoers = Path("/etc/sudoers.d", f"{deploy}-tty")
    sudoers.write_text(f"Defaults:{deploy} requiretty\n")
    yield
    sudoers.unlink()


@pytest.mark.usefixtures("requiretty")
async def test_a_sudo_that_wants_a_terminal_is_told(sshd: Sshd, deploy: str) -> None:
    assert "Defaults:USER !requiretty" in await refusal(lambda: executor_for(sshd, user=deploy, become="root"))


async def test_an_account_without_a_shell_is_told_in_its_own_words(sshd: Sshd) -> None:
    with serve(options="ForceCommand echo 'closed for today' >&2; exit 1\n", client_key=sshd.client_key) as closed:
        assert "closed for today" in await refusal(lambda: executor_for(closed))


async def test_a_directory_that_others_can_write_to_is_refused(sshd: Sshd, tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o777)
    assert "mode 0700" in await refusal(lambda: executor_for(sshd, remote_directory=str(shared)))


async def test_a_directory_that_is_a_link_is_refused(sshd: Sshd, tmp_path: Path) -> None:
    (tmp_path / "real").mkdir(mode=0o700)
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert "mode 0700" in await refusal(lambda: executor_for(sshd, remote_directory=str(tmp_path / "link")))


async def test_a_directory_of_somebody_else_is_refused(sshd: Sshd, deploy: str, tmp_path: Path) -> None:
    with serve(client_key=sshd.client_key) as server:
        (server.folder / "theirs").mkdir(mode=0o700)
        kept = str(server.folder / "theirs")
        words = await refusal(lambda: executor_for(sshd, user=deploy, remote_directory=kept))
    assert "can't be kept" in words


@pytest.mark.parametrize("fields", [{"sandbox": {}}, {"parameters": {"job": "x"}}, {"dry_run": True}, {"run": ()}])
async def test_what_can_not_be_had_on_hosts_is_refused(bench: Bench, fields: dict[str, Any]) -> None:
    step = Step.model_validate({"id": "refused", "run": ("true",), "target": "web1", **fields})
    with pytest.raises(Rejected):
        await bench.executor.start(step)


async def test_doctor_tells_of_each_host_that_is_named(sshd: Sshd, tmp_path: Path) -> None:
    web1 = {"address": sshd.address, "port": sshd.port, "host_key": sshd.host_key}
    hosts = {"web1": web1, "down": {**web1, "port": 1}, "web*": {"become": ""}}
    executor = executor_for(sshd, hosts=hosts, remote_directory=str(tmp_path / "kept"))
    findings = {finding.subject: finding for finding in await executor.check()}
    await executor.aclose()
    assert {subject: finding.ok for subject, finding in findings.items()} == {
        "ssh key": True,
        "ssh web1": True,
        "ssh down": False,
    }
    assert "Python 3." in findings["ssh web1"].message
    assert findings["ssh down"].mend


async def test_doctor_tells_that_there_is_no_key(sshd: Sshd) -> None:
    findings = await executor_for(sshd, key="").check()
    assert [finding.ok for finding in findings] == [False, False]


async def test_doctor_says_nothing_where_ssh_is_not_set_up() -> None:
    assert await SshExecutor(SshSettings()).check() == []


async def test_a_connection_that_nobody_uses_is_closed_and_opened_again(sshd: Sshd, tmp_path: Path) -> None:
    with serve(client_key=sshd.client_key) as server:
        bench = Web1(lambda: executor_for(server, idle=0.1, remote_directory=str(tmp_path / "kept")))
        handle = await bench.start(LASTING)
        with anyio.fail_after(PATIENCE):
            while server.sessions:  # noqa: ASYNC110 - another process ends
                await anyio.sleep(0.01)
        assert (await bench.executor.watch(handle)).state == "running"
        await bench.aclose()


async def test_a_host_more_than_may_be_open_closes_the_one_that_was_idle_longest(sshd: Sshd, tmp_path: Path) -> None:
    web = {"address": sshd.address, "port": sshd.port, "host_key": sshd.host_key}
    hosts = dict.fromkeys(("web1", "web2", "web3"), web)
    with serve(client_key=sshd.client_key) as server:
        web |= {"port": server.port, "host_key": server.host_key}
        bench = Web1(lambda: executor_for(server, hosts=hosts, connections=1, remote_directory=str(tmp_path / "kept")))
        for name in (*hosts, "web1"):
            assert (await bench.end(await bench.start(("true",), target=name))).exit_status == 0
        await until(lambda: server.sessions == 1)
        await bench.aclose()
