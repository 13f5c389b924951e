"""A real TLS server, whose certificate has ended."""

import os
import signal
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from tests.acceptance.packs.conftest import Bench, Runit
from tests.acceptance.packs.tls import NAME, Authority, Server

from firstline.testing.patience import eventually

pytestmark = pytest.mark.anyio

SCRIPT = "web/expired-certificate"


@pytest.fixture
def server(runit: Runit, ports: Callable[[], int], tmp_path: Path) -> Server:
    return Server(runit, ports(), tmp_path)


async def test_a_certificate_that_has_ended_is_issued_anew_and_read(bench: Bench, runit: Runit, server: Server) -> None:
    before, process = server.certificate.read_text(), runit.pid(server.unit)
    assert not server.greets()
    played = await bench.play(SCRIPT, **server.inputs)
    assert played.outcome == "proved", played
    assert server.greets()
    assert runit.pid(server.unit) == process
    assert server.certificate.with_name("shop.pem.before").read_text() == before
    assert server.certificate.stat().st_mode & 0o777 == 0o640
    made = x509.load_pem_x509_certificate(server.certificate.read_bytes())
    assert server.certificate.read_text().endswith(server.authority.file.read_text())
    names = made.extensions.get_extension_for_class(x509.SubjectAlternativeName).value.get_values_for_type(x509.DNSName)
    assert names == [NAME, f"www.{NAME}"]


async def test_a_good_file_that_was_never_read_is_only_read(bench: Bench, server: Server) -> None:
    server.authority.issue(server.certificate, server.key, timedelta(days=60))
    before = server.certificate.read_text()
    played = await bench.play(SCRIPT, **server.inputs)
    assert played.outcome == "proved", played
    assert server.shown == before == server.certificate.read_text()
    assert "issue a new one" not in played.said


async def test_one_that_another_ca_has_issued_is_left_to_a_person(bench: Bench, server: Server, tmp_path: Path) -> None:
    other, before = Authority(tmp_path, "other"), server.certificate.read_text()
    inputs = server.inputs | {"ca": str(other.file), "ca_key": str(other.key_file)}
    played = await bench.play(SCRIPT, **inputs)
    assert played.outcome == "failed"
    assert "has not issued" in played.said["issue a new one"]
    assert server.certificate.read_text() == before


async def test_a_server_that_does_not_take_the_new_one_gets_the_one_before(
    bench: Bench, runit: Runit, server: Server
) -> None:
    before = server.certificate.read_text()
    bench.patience = 0.1
    elsewhere = runit.start("elsewhere", "trap : HUP; while :; do sleep 1000 & wait; done")
    played = await bench.play(SCRIPT, **(server.inputs | {"unit": str(elsewhere)}))
    assert played.outcome == "failed"
    assert server.certificate.read_text() == before
    assert "is the one before again" in played.said["put the one before back"]


async def test_a_good_certificate_needs_nothing(bench: Bench, runit: Runit, server: Server) -> None:
    server.authority.issue(server.certificate, server.key, timedelta(days=60))
    before = server.shown
    os.kill(runit.pid(server.unit), signal.SIGHUP)
    eventually(lambda: server.shown not in ("", before))
    assert (await bench.play(SCRIPT, **server.inputs)).outcome == "not_needed"
