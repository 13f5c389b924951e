"""The packs as their users have them: copied into a hub's folder by the how-to, with their own names in `inputs`, moved
by incidents of PagerDuty, let go in ServiceNow, run on a host over SSH."""

import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from tests.acceptance.packs.conftest import PACKS, Runit
from tests.acceptance.packs.shop import Shop
from tests.acceptance.packs.test_disk_full import MEBIBYTE, MONTH, fill
from tests.integration.hub.conftest import SECRET, TOML, Running, triggered

from firstline import registry, settings
from firstline.access import Right, make_token
from firstline.connector import SandboxSettings
from firstline.hub import Hub
from firstline.testing.loopback import ask, serve
from firstline.testing.patience import eventually
from firstline.testing.sshd import Sshd
from firstline.testing.sshd import serve as serve_ssh
from firstline.web.app import create_app

HOSTS = """
[executors.hosts]
executor = "ssh"
user = "{sshd.user}"
key = "file:{sshd.client_key}"
python = "/usr/bin/python3"
remote_directory = "{kept}"

[executors.hosts.hosts."web-*"]
address = "{sshd.address}"
port = {sshd.port}
host_key = "{sshd.host_key}"
"""


@pytest.fixture(scope="module")
def sshd() -> Iterator[Sshd]:
    with serve_ssh() as server:
        yield server


@pytest.fixture
def shop(runit: Runit, ports: Callable[[], int], tmp_path: Path) -> Shop:
    return Shop(runit, ports(), tmp_path)


def copied(folder: Path, disk: Path, shop: Shop) -> None:
    """Two packs, with what the how-to says is the operator's own. Times to hold are shortened."""
    for pack in ("linux", "web"):
        shutil.copytree(PACKS / pack, folder / "mappings" / pack)
    linux, web = (folder / "mappings" / pack / "mapping.yaml" for pack in ("linux", "web"))
    linux.write_text(linux.read_text().replace("      path: >-", f"      folder: {disk}/log\n      path: >-", 1))
    own = "".join(f"      {name}: {value}\n" for name, value in shop.inputs().items())
    web.write_text(re.sub(r"(?<=inputs:\n)(?:      \w+: .+\n)+", own, web.read_text(), count=1))
    for runbook in folder.glob("mappings/*/runbooks/*/runbook.yaml"):
        runbook.write_text(re.sub(r"(every|hold): \d+s", r"\1: 50ms", runbook.read_text()))


@pytest.fixture
def hub(disk: Path, shop: Shop, sshd: Sshd, tmp_path: Path) -> Iterator[Running]:
    folder = tmp_path / "hub"
    copied(folder, disk, shop)
    (folder / "secrets").mkdir()
    (folder / "secrets" / "pagerduty").write_text("a-token")
    titles = [f"Disk: {disk} on web-3 is 97 % full; touch {disk}/log/run", "shop: health check failed (timeout)"]
    seed = [
        {"id": f"Q{number:05d}", "title": title, "service": "PSHOP01"} for number, title in enumerate(titles, start=1)
    ]
    with ExitStack() as stack:
        vendors = {
            name: stack.enter_context(serve(registry.sandbox(name)(SandboxSettings(hook_secret=SECRET, seed=told))))
            for name, told in {"servicenow": dict[str, Any](), "pagerduty": {"incidents": seed}}.items()
        }
        text = TOML.format(database=f"sqlite:///{tmp_path}/hub.db", **vendors)
        (folder / "firstline.toml").write_text(text + HOSTS.format(sshd=sshd, kept=tmp_path / "kept"))
        made = Hub(settings.load(folder))
        made.database.create()
        token = made.database.write_now(lambda c: make_token(c, "ada", list(Right)))
        url = stack.enter_context(serve(create_app(made)))
        hub = Running(url, token, folder, made, vendors["servicenow"], vendors["pagerduty"])
        for number, one in enumerate(seed, start=1):
            hub.post(triggered(number, title=one["title"]), key=f"d-{number}")
        yield hub


def let_go(hub: Running, count: int) -> None:
    """Each change is approved in ServiceNow by somebody else."""

    def asked() -> list[str]:
        rows = hub.state("servicenow")["tables"]["sysapproval_approver"]
        return [row["sys_id"] for row in rows if row["state"] == "requested"]

    eventually(lambda: len(asked()) == count, 60)
    for row in asked():
        address = f"{hub.servicenow}/api/now/table/sysapproval_approver/{row}"
        who = ("david.loo", "david.loo")
        ask("PATCH", address, auth=who, json={"state": "approved"}).raise_for_status()


def ended(hub: Running, count: int) -> dict[str, str]:
    """The outcome by mapping, when all is written back."""

    def look() -> dict[str, str] | None:
        rows = [hub.get(f"remediations/{row['id']}") for row in hub.get("remediations")["items"]]
        written = all(one["state"] in ("done", "folded", "parked") for row in rows for one in row["write_backs"])
        over = written and len(rows) == count and all(row["stage"] == "ended" for row in rows)
        return {row["mapping"]: row["outcome"] + row["reason"] for row in rows} if over else None

    return eventually(look, 60)


def test_what_is_broken_is_mended_over_ssh_and_told_on_the_page(
    hub: Running, runit: Runit, disk: Path, shop: Shop
) -> None:
    old = [fill(disk / "log" / f"app.log.{number}.gz", MEBIBYTE, MONTH) for number in range(1, 8)]
    fill(disk / "log" / "app.log", MEBIBYTE // 2)
    shop.deadlock()
    before = runit.pid(shop.unit)
    let_go(hub, 2)
    assert ended(hub, 2) == {"linux/disk-full": "proved", "web/hung-web-process": "proved"}
    assert not any(path.exists() for path in old)
    assert not (disk / "log" / "run").exists()
    assert shop.answers
    assert runit.pid(shop.unit) != before
    told = [hub.incident(number) for number in (1, 2)]
    assert [one["status"] for one in told] == ["resolved", "resolved"]
    assert "removed 7 files" in told[0]["notes"][-1]["content"]
    assert f"main process: {before}" in told[1]["notes"][-1]["content"]
    assert [(one["state"], one["close_code"]) for one in hub.changes()] == [("3", "successful")] * 2
