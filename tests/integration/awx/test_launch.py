"""Launching a template: what it takes, what it is refused for, and what is found again."""

from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.integration.awx.case import EVERYTHING, AwxBench, executor, hello, told

from firstline.errors import Rejected, Unavailable, Unknown
from firstline.executor import State, Step
from firstline.testing.awx import Job, Question, World
from firstline.testing.fault import Fault, Kind

pytestmark = pytest.mark.anyio


def _async(work: Any) -> Any:
    async def done(*arguments: Any) -> Any:
        return work(*arguments)

    return done


async def test_targets_are_the_limit(bench: AwxBench, world: World) -> None:
    world.templates.append(hello())
    await bench.end(await bench.start((), **told(), targets=("web1", "web2")))
    assert world.jobs[0].fields["limit"] == "web1,web2"


@pytest.mark.parametrize("target", ["web*", "!web1", "all:db", "~web", "web1,web2"])
async def test_a_target_that_is_a_pattern_is_refused(bench: AwxBench, world: World, target: str) -> None:
    world.templates.append(hello())
    with pytest.raises(Rejected, match="no host's name"):
        await bench.start((), **told(), target=target)


@pytest.mark.parametrize(
    ("flag", "fields"),
    [
        ("limit", {"target": "web1"}),
        ("variables", told(extra_vars={"colour": "red"})),
        ("tags", told(tags=["quick"])),
        ("inventory", told(inventory="production")),
        ("credential", told(credentials=["key-2"])),
        ("job_type", {"dry_run": True}),
    ],
)
async def test_what_the_template_does_not_prompt_for_is_refused_before_anything_runs(
    bench: AwxBench, world: World, flag: str, fields: dict[str, Any]
) -> None:
    world.templates.append(hello(asks=EVERYTHING - {flag}))
    with pytest.raises(Rejected, match="prompt"):
        await bench.start((), **{**told(), **fields})
    assert world.launches == 0


async def test_a_job_that_runs_without_what_was_asked_is_ended_and_has_failed(
    bench: AwxBench, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The template is changed between the question and the launch."""
    template = hello(run=lambda _: ["sleep", "100000"])
    world.templates.append(template)

    def changed(*_: Any) -> dict[str, Any]:
        template.asks = template.asks - {"limit"}
        return {}

    monkeypatch.setattr("firstline.executors.awx.executor.AwxExecutor._numbers", _async(changed))
    progress = await bench.end(await bench.start((), **told(), target="web1"))
    assert progress.state is State.FAILED
    assert "without what was asked: limit" in progress.detail
    assert world.jobs[0].status == "canceled"


async def test_names_become_numbers_and_the_templates_other_credentials_stay(bench: AwxBench, world: World) -> None:
    world.templates.append(hello(credentials=(1, 11)))
    fields = {"inventory": "production", "credentials": ["key-2"], "tags": ["a", "b"], "skip_tags": ["c"]}
    await bench.end(await bench.start((), **told(**fields)))
    has = world.jobs[0].fields
    assert (has["inventory"], has["credentials"], has["job_tags"], has["skip_tags"]) == (2, [2, 11], "a,b", "c")


async def test_of_two_templates_of_one_name_the_organization_decides(bench: AwxBench, world: World) -> None:
    world.templates += [hello(), hello(id=3, organization="Ops")]
    with pytest.raises(Rejected, match="several"):
        await bench.start((), **told())
    await bench.end(await bench.start((), **told(organization="Ops")))
    assert world.jobs[0].template.id == 3


async def test_a_secret_answers_a_survey_s_password_and_is_shown_by_nobody(bench: AwxBench, world: World) -> None:
    world.templates.append(hello(survey=(Question("password", "password", required=True), Question("reason"))))
    handle = await bench.start((), **told(), secrets={"password": "s3cret-value"})
    assert (await bench.end(handle)).state is State.SUCCEEDED
    assert world.jobs[0].variables["password"] == "s3cret-value"
    with pytest.raises(Rejected, match="does not ask for reason as a password"):
        await bench.start((), **told(extra_vars={"password": "x"}), secrets={"reason": "s3cret-value"})


async def test_a_secret_that_does_not_fit_is_not_repeated(bench: AwxBench, world: World) -> None:
    world.templates.append(hello(survey=(Question("password", "password", longest=5),)))
    with pytest.raises(Rejected, match="too large") as refused:
        await bench.start((), **told(), secrets={"password": "s3cret-value"})
    assert "s3cret-value" not in str(refused.value)


async def test_an_answer_that_a_survey_needs_is_asked_for_before(bench: AwxBench, world: World) -> None:
    world.templates.append(hello(survey=(Question("reason", required=True),)))
    with pytest.raises(Rejected, match="needs reason"):
        await bench.start((), **told())


async def test_who_may_not_launch_is_told_so(bench: AwxBench, world: World) -> None:
    world.templates.append(hello(may_launch=False))
    with pytest.raises(Rejected, match="do not have permission"):
        await bench.start((), **told())


@pytest.mark.parametrize("key", ["variables", "skip_tags"])
async def test_a_launch_whose_answer_is_lost_is_found_by_its_key(
    bench: AwxBench, world: World, faults: list[Fault], key: str
) -> None:
    world.templates.append(hello(asks=frozenset({key})))
    for _ in range(250):
        world.add(world.templates[1], "job", {}, {}, frozenset())
    faults.append(Fault(Kind.LOST))
    handle = await bench.start((), **told())
    assert (await bench.end(handle)).state is State.SUCCEEDED
    assert world.launches == 1


async def test_a_lost_launch_that_leaves_no_key_is_unknown_and_not_made_again(
    bench: AwxBench, world: World, faults: list[Fault]
) -> None:
    world.templates.append(hello(asks=frozenset()))
    faults.append(Fault(Kind.LOST))
    for _ in range(2):
        with pytest.raises(Unknown, match="bear no key"):
            await bench.start((), **told(), id="once")
    assert world.launches == 1


async def test_a_lost_launch_that_may_not_be_looked_for_is_unknown_and_not_refused(
    bench: AwxBench, world: World, faults: list[Fault], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor is one of which the template is gone."""
    launch = world.launch

    def launch_and_revoke(*told: Any) -> Job:
        job = launch(*told)
        world.token = "another"
        return job

    world.templates.append(hello())
    faults.append(Fault(Kind.LOST))
    monkeypatch.setattr(world, "launch", launch_and_revoke)
    mine = world.token
    for _ in range(2):
        with pytest.raises(Unknown, match="401"):
            await bench.start((), **told(), id="once")
    world.token = mine
    gone = world.templates.pop()
    with pytest.raises(Unknown, match="there is none"):
        await bench.start((), **told(), id="once")
    world.templates.append(gone)
    await bench.end(await bench.start((), **told(), id="once"))
    assert world.launches == 1


async def test_a_launch_that_never_came_to_awx_can_be_tried_again(
    url: str, world: World, faults: list[Fault], tmp_path: Path
) -> None:
    world.templates.append(hello())
    faults.append(Fault(Kind.BROKEN))
    step = Step(id="again", parameters={"job_template": "hello"})
    awx = executor(url, tmp_path, settle=0.1)
    with pytest.raises(Unavailable, match="no job was made"):
        await awx.start(step)
    await awx.start(step)
    await awx.aclose()
    assert world.launches == 1


async def test_a_relaunch_by_a_person_is_not_taken_for_the_run(bench: AwxBench, world: World, tmp_path: Path) -> None:
    world.templates.append(hello())
    again = world.add(world.templates[1], "job", {"firstline_run": "mine"}, {}, frozenset())
    again.launch_type = "relaunch"
    handle = await bench.start((), **told(), id="mine")
    assert handle.where.startswith(f"jobs/{again.id + 1}?")


async def test_a_dry_run_asks_for_the_job_type_check(bench: AwxBench, world: World) -> None:
    world.templates.append(hello())
    await bench.end(await bench.start((), **told(), dry_run=True))
    assert world.jobs[0].fields["job_type"] == "check"


async def test_the_doctor_names_the_version_the_account_and_what_lacks(url: str, world: World, tmp_path: Path) -> None:
    awx = executor(url, tmp_path)
    [well] = await awx.check()
    assert (well.ok, well.message) == (True, "AWX 24.6.1, signed in as firstline")
    world.templates.clear()
    assert [finding.ok for finding in await awx.check()] == [True, False]
    world.token = "another"
    [ill] = await awx.check()
    assert not ill.ok
    assert "expired" in ill.mend
    assert "a-token-of-the-stand-in" not in ill.message
    await awx.aclose()


async def test_a_client_of_awx_s_own_finds_its_way_in_the_stand_in(url: str, world: World) -> None:
    """The requests of awxkit's `awx job_templates launch 1 --extra_vars ...` (24.6.1)."""
    world.templates.append(hello())
    async with httpx.AsyncClient(headers={"Authorization": f"Bearer {world.token}"}, base_url=url) as http:
        version = (await http.get((await http.get("/api/")).json()["available_versions"]["v2"])).json()
        rows = (await http.get(version["job_templates"], params={"name": "hello"})).json()["results"]
        launch = rows[0]["related"]["launch"]
        assert "extra_vars" in (await http.options(launch)).json()["actions"]["POST"]
        job = (await http.post(launch, json={"extra_vars": '{"a": 1}'})).json()
        assert (await http.get(job["related"]["job_events"])).status_code == 200
    assert world.jobs[0].variables == {"a": 1}
