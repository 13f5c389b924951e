"""The host that an incident is on, by its configuration item or its title as monitors and people write it."""

import pytest

from firstline.incident import Incident, Reference
from firstline.mapping.host import host, named


def incident(ci: str, title: str = "Disk full on web-3") -> Incident:
    return Incident(reference=Reference(connection="pd", kind="incident", id="Q1"), ci=ci, title=title)


def test_the_configuration_item_goes_before_the_title() -> None:
    assert host(incident("DB-1.example.com")) == "db-1.example.com"


@pytest.mark.parametrize("ci", ["", " ", "SAP Enterprise Services", "web-1; reboot", "../web-1", "web_1"])
def test_an_item_that_is_not_written_as_a_host_leaves_it_to_the_title(ci: str) -> None:
    assert host(incident(ci)) == "web-3"


@pytest.mark.parametrize(
    "title",
    [
        "web-3: disk is full",
        "** PROBLEM Service Alert: web-3/Disk Space is CRITICAL **",
        "[Triggered on {host:web-3}] Disk usage is high",
        "Disk sda1 on web-3 is full (ext4)",
        "Problem: /var: Disk space is low (used > 90%) on host 'web-3'",
        "[FIRING:1] NodeFilesystemAlmostOutOfSpace (/dev/sda1 ext4 node-exporter web-3:9100 critical)",
        "logrotate.service failed on web-3: see /var/log/app-2/x.log and http://db-1.example.com/",
        "web-3 lags behind on host web-3.",
        "Disk full on web-3; rm -rf /",
        "Disk full on web-3`reboot`",
        "$(reboot) && web-3| disk full",
    ],
)
def test_a_title_names_its_host(title: str) -> None:
    assert named(title) == "web-3"


@pytest.mark.parametrize(
    ("title", "found"),
    [
        ("db.example.com is out of space", "db.example.com"),
        ("app-2 web-3.example.com NodeClockSkewDetected", "web-3.example.com"),
        ("ip-10-0-12-34.eu-central-1.compute.internal NotReady", "ip-10-0-12-34.eu-central-1.compute.internal"),
        ("web-1 is slow since the disk filled on node db-7", "db-7"),
    ],
)
def test_what_is_said_to_be_a_host_goes_before_whole_names_and_those_before_others(title: str, found: str) -> None:
    assert named(title) == found


@pytest.mark.parametrize(
    "title",
    [
        "The disk is 97 % full",
        "P1: disk full, sev-2, INC0012345 and inc0012345",
        "ext4 on sda1 and nvme0n1p1 is full",
        "app-2.log and shop.service fail",
        "mail from bob@web-3.example.com: disk full",
        "web-3 can't reach db-1",
    ],
)
def test_what_is_no_host_or_one_of_several_is_not_taken_for_one(title: str) -> None:
    assert named(title) == ""
