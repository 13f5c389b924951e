"""A target belongs to one remediation at a time, whichever process asks for it."""

import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from tests.integration.guard.conftest import HOUR, MINUTE, Case, World

from firstline.remediation.hold import gate
from firstline.store import Database
from firstline.store.table import LOCK


def test_of_many_that_ask_at_once_each_target_goes_to_one_and_nobody_has_only_some(
    world: World, open_database: Callable[[], Database]
) -> None:
    hosts = ("web1", "web2", "web3")
    cases = [world.case(*(hosts[number % 3 :] + hosts[: number % 3])[:2]) for number in range(8)]
    databases = [open_database() for _ in range(2)]
    barrier = Barrier(len(cases))

    def ask(number: int) -> bool:
        barrier.wait()
        return not world.admit(cases[number], databases[number % 2])

    with ThreadPoolExecutor(len(cases)) as pool:
        went = [case for case, gone in zip(cases, pool.map(ask, range(len(cases))), strict=True) if gone]
    assert world.locked() == {target: case.id for case in went for target in case.plan.runbook.targets}
    assert sum(len(case.plan.runbook.targets) for case in went) == len(world.locked())
    assert len(went) == 1  # two of three hosts each: no two fit beside each other


ASK = """
import sys
from datetime import datetime
from firstline.guard import Guards, Windows
from firstline.incident import Incident
from firstline.remediation.hold import gate
from firstline.remediation.plan import Plan
from firstline.store import Database
from firstline.store.table import REMEDIATION

database = Database(sys.argv[1])
query = REMEDIATION.select().where(REMEDIATION.c.id.in_(sys.argv[3:]))
rows = database.read_now(lambda connection: connection.execute(query).mappings().all())
cases = [(dict(row), Plan.model_validate(row["plan"]), Incident.model_validate(row["incident"])) for row in rows]
print("ready", flush=True)
sys.stdin.readline()
now = datetime.fromisoformat(sys.argv[2])
for case in cases:
    if not database.write_now(lambda c: gate.admit(c, *case, Guards(), Windows(), now)):
        print(case[0]["id"], flush=True)
database.close()
"""


def test_two_processes_never_have_the_same_target(small: World) -> None:
    cases = [small.case(f"web{number // 2}", *(["db"] if number < 2 else [])) for number in range(20)]
    processes = [_process(small, half) for half in (cases[0::2], cases[1::2])]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    went = [line for process in processes for line in process.communicate(timeout=60)[0].split()]
    assert [process.returncode for process in processes] == [0, 0]
    targets = [target for case in cases if case.id in went for target in case.plan.runbook.targets]
    assert len(targets) == len(set(targets)) == len(small.locked()) == 11


def _process(world: World, cases: list[Case]) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", ASK, str(world.database.url), world.now.isoformat(), *(case.id for case in cases)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def test_a_lock_lasts_longer_than_the_plan_can_run_and_then_the_target_is_free(small: World) -> None:
    first, second = small.case("web1"), small.case("web1")
    small.settings(lock="10m")
    assert small.holding(first) == []
    [held] = small.admit(second)
    assert held.until == small.now + MINUTE * 11  # its limit of a minute is part of it
    small.now += MINUTE * 11
    assert small.holding(second) == []
    assert small.locked() == {"web1": second.id}


def test_who_has_lost_a_target_to_another_is_told_so_before_the_next_step(world: World) -> None:
    first, second = world.case("web1", "web2"), world.case("web2")
    assert world.holding(first) == []
    assert renewed(world, first)
    world.now += HOUR * 3
    assert world.holding(second) == []
    assert not renewed(world, first)
    assert renewed(world, second)
    world.end(second)
    assert not renewed(world, first)


def test_a_lock_is_renewed_and_never_shortened(small: World) -> None:
    case = small.case("web1")
    assert small.holding(case) == []
    assert renewed(small, case)
    [longer] = small.rows(LOCK)
    assert longer["expires_at"] == small.now + HOUR * 2
    small.now -= HOUR
    assert renewed(small, case)
    assert small.rows(LOCK) == [longer]


def test_who_was_not_let_go_or_has_let_go_begins_no_step(small: World) -> None:
    case = small.case("web1")
    assert not renewed(small, case)
    assert small.holding(case) == []
    assert renewed(small, case)
    small.end(case, "stopped", ran=False)
    assert not renewed(small, case)


def test_what_ends_gives_all_its_targets_back(small: World) -> None:
    case = small.case("web1", "web2")
    assert small.holding(case) == []
    small.end(case)
    assert small.locked() == {}


def renewed(world: World, case: Case) -> bool:
    return world.database.write_now(lambda connection: gate.renew(connection, case.id, world.now + HOUR * 2))
