"""Which fault meets what: by share, by seed, and by nothing else."""

from collections import Counter

import pytest

from firstline.chaos import Chaos, Faults

TENTHS = dict.fromkeys((*Chaos.REQUEST, *Chaos.HOOK), 0.1)


def test_the_same_seed_makes_the_same_faults() -> None:
    one, other = Faults(TENTHS | {"seed": 7}), Faults(TENTHS | {"seed": 7})
    assert [one.of_request() for _ in range(200)] == [other.of_request() for _ in range(200)]


def test_another_seed_makes_others() -> None:
    one, other = Faults(TENTHS | {"seed": 7}), Faults(TENTHS | {"seed": 8})
    assert [one.of_request() for _ in range(200)] != [other.of_request() for _ in range(200)]


def test_webhooks_between_them_do_not_change_the_faults_of_requests() -> None:
    alone, mixed = Faults(TENTHS), Faults(TENTHS)
    wanted = [alone.of_request() for _ in range(200)]
    assert [(mixed.of_hook(), mixed.of_request())[1] for _ in range(200)] == wanted


@pytest.mark.parametrize("group", ["request", "hook"])
def test_each_fault_comes_about_as_often_as_its_share_says_and_is_counted(group: str) -> None:
    faults = Faults(TENTHS)
    seen = Counter(faults.of_request() if group == "request" else faults.of_hook() for _ in range(5000))
    del seen[""]
    assert set(seen) == set(Chaos.REQUEST if group == "request" else Chaos.HOOK)
    assert all(400 < count < 600 for count in seen.values())
    assert seen == faults.made


def test_a_share_of_all_is_all_and_without_a_share_there_is_nothing() -> None:
    assert {Faults({"server_error": 1}).of_request() for _ in range(100)} == {"server_error"}
    assert {Faults({}).of_request() for _ in range(100)} == {""}


def test_changed_settings_hold_from_the_next_request_and_keep_the_count() -> None:
    faults = Faults({"rate_limit": 1})
    faults.of_request()
    faults.change({"slow": 1})
    assert faults.of_request() == "slow"
    assert faults.made == {"rate_limit": 1, "slow": 1}


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"rate_limit": 1.5}, "less than or equal to 1"),
        ({"rate_limits": 0.5}, "Extra inputs"),
        ({"rate_limit": 0.6, "slow": 0.6}, "can't be more than 1"),
        ({"hook_lost": 0.6, "hook_delay": 0.6}, "can't be more than 1"),
    ],
)
def test_settings_that_can_not_be_are_refused(settings: dict[str, float], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Faults(settings)
