"""Which host a target names."""

from typing import Any

import pytest

from firstline.errors import Rejected
from firstline.executors.ssh import SshSettings
from firstline.executors.ssh.host import host_of, may_be_target, run_at, where_of


def settings(**fields: Any) -> SshSettings:
    return SshSettings.model_validate({"user": "deploy", **fields})


def test_a_bare_name_is_reached_as_the_settings_say() -> None:
    host = host_of(settings(port=2222, become="root"), "web1")
    assert (host.name, host.address, host.port, host.user, host.become) == ("web1", "web1", 2222, "deploy", "root")


def test_a_target_may_name_its_port() -> None:
    assert host_of(settings(), "web1:2022").port == 2022


def test_a_target_may_name_an_account_that_is_allowed_and_no_other() -> None:
    assert host_of(settings(users=["backup"]), "backup@web1").user == "backup"
    assert host_of(settings(), "deploy@web1").user == "deploy"
    with pytest.raises(Rejected, match="may not name the account root"):
        host_of(settings(users=["backup"]), "root@web1")


def test_addresses_are_names_too() -> None:
    assert host_of(settings(), "10.0.0.7").address == "10.0.0.7"
    assert host_of(settings(), "[2001:db8::7]:2222")[:3] == ("2001:db8::7", "2001:db8::7", 2222)


@pytest.mark.parametrize("target", ["", "-oProxyCommand=x", "web1 web2", "web1;reboot", "a@b@c", "web1:http", "$HOME"])
def test_what_names_no_host_is_refused(target: str) -> None:
    with pytest.raises(Rejected, match="names no host"):
        host_of(settings(), target)


def test_a_host_s_own_table_goes_before_patterns_and_those_before_what_is_for_all() -> None:
    tables = {"web*": {"user": "www", "port": 2200}, "web1": {"user": "admin"}, "*": {"port": 1, "become": "root"}}
    made = settings(hosts=tables, port=22)
    assert host_of(made, "web1")[:5] == ("web1", "web1", 2200, "admin", "root")
    assert host_of(made, "web2")[:5] == ("web2", "web2", 2200, "www", "root")
    assert host_of(made, "db1")[:5] == ("db1", "db1", 1, "deploy", "root")


def test_a_table_can_take_back_what_is_for_all() -> None:
    made = settings(hosts={"web1": {"become": "", "jump": ""}}, become="root", jump="bastion")
    assert host_of(made, "web1").become == ""
    assert host_of(made, "web1").jump == ()


def test_jump_hosts_are_hosts_of_the_settings_and_go_through_their_own() -> None:
    tables = {"bastion": {"address": "198.51.100.1", "jump": "gate"}, "gate": {"port": 443}}
    host = host_of(settings(hosts=tables, jump="jumper@bastion:2022"), "web1")
    assert [(each.name, each.address, each.port, each.user) for each in host.jump] == [
        ("gate", "gate", 443, "deploy"),
        ("bastion", "198.51.100.1", 2022, "jumper"),
    ]


def test_several_jump_hosts_are_gone_through_in_their_order() -> None:
    host = host_of(settings(jump="gate, bastion"), "web1")
    assert [each.name for each in host.jump] == ["gate", "bastion"]


def test_the_jump_host_of_all_is_reached_without_itself() -> None:
    assert host_of(settings(jump="bastion"), "bastion").jump == ()


def test_jump_hosts_in_a_circle_are_refused() -> None:
    with pytest.raises(Rejected, match="circle: web1 -> a -> b -> a"):
        host_of(settings(hosts={"web1": {"jump": "a"}, "a": {"jump": "b"}, "b": {"jump": "a"}}), "web1")


def test_patterns_say_which_hosts_may_be_targets() -> None:
    assert may_be_target(settings(allow=["web*"]), "web1") is True
    assert may_be_target(settings(allow=["web*"]), "db1") is False
    assert may_be_target(settings(), "web1") is None


@pytest.mark.parametrize("target", ["web1", "web1:2222", "[2001:db8::7]:22"])
def test_a_run_s_address_leads_to_its_account_and_directory(target: str) -> None:
    made = settings(hosts={"web1": {"address": "10.0.0.7", "become": "app;x"}})
    host = host_of(made, target)
    assert run_at(made, where_of(host, "/home/app/.firstline/runs/7.step.0")) == (
        host,
        "/home/app/.firstline/runs/7.step.0",
    )


def test_a_run_s_address_keeps_its_account_when_the_settings_change() -> None:
    where = where_of(host_of(settings(become="root"), "web1"), "/root/.firstline/runs/7")
    host, _ = run_at(settings(user="other", become=""), where)
    assert (host.user, host.become) == ("deploy", "root")
