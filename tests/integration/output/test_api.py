"""What a run prints, as the API tells it while it runs and afterwards."""

import base64
import gzip
import json
import os
import shutil
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import anyio
import httpx
import pytest
import sqlalchemy as sa
from tests.integration.hub.conftest import TOKEN
from tests.integration.output.conftest import GATE, Print, Printing, text_of

from firstline.access import Right, grant, roll
from firstline.access.token import give_token
from firstline.remediation.run.sweep import sweep
from firstline.store.table import LEDGER, now
from firstline.testing.loopback import ask


def token_of(connection: sa.Connection, name: str) -> str:
    """Of somebody who may see another pack."""
    roll.add(connection, name, by="os:root")
    grant.grant(connection, f"person:{name}", [Right.SEE], pack="another", by="os:root")
    return give_token(connection, name, rights=[Right.SEE], by="os:root")


def fetch(printing: Printing, path: str, token: str = "") -> httpx.Response:
    headers = {"Authorization": f"Bearer {token or printing.desk.hub.token}"}
    return ask("GET", f"{printing.desk.hub.url}/api/v1/{path}", headers=headers, timeout=60)


def test_output_is_there_while_it_runs_and_a_late_viewer_gets_all_of_it(prints: Print) -> None:
    printing = prints(f"echo trouble >&2; {GATE}; echo second")
    early = printing.so_far("trouble")
    assert (early["state"], early["ended"], early["source"]) == ("begun", False, "log")
    assert (text_of(early, "stdout"), text_of(early, "stderr")) == ("mended it\n", "trouble\n")
    printing.go()
    printing.end()
    rest = printing.output(early["offset"])
    assert (rest["state"], rest["ended"], text_of(rest)) == ("succeeded", True, "second\n")
    late = printing.output()
    assert late["chunks"] == early["chunks"] + rest["chunks"]
    assert late["offset"] == rest["offset"]
    assert [text_of(printing.output(chunk["offset"])) for chunk in late["chunks"]][-1] == "second\n"


def test_a_stream_tells_each_part_as_it_comes_and_ends_with_the_run(prints: Print) -> None:
    printing = prints(f"{GATE}; echo second")
    headers = {"Authorization": f"Bearer {printing.desk.hub.token}"}
    url = f"{printing.desk.hub.url}/api/v1/{printing.path}/output/stream"
    texts, ids = [], []
    with httpx.stream("GET", url, headers=headers, trust_env=False, timeout=60) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        for line in answer.iter_lines():
            name, _, value = line.partition(": ")
            if name == "data":
                texts.append(text_of(json.loads(value)))
                if len(texts) == 1:
                    printing.go()
            if name == "id":
                ids.append(value)
    assert texts[0] == "mended it\n"
    assert "".join(texts) == "mended it\nsecond\n"
    again = ask("GET", url, headers={**headers, "Last-Event-ID": ids[0]}, timeout=60)
    assert "second" in again.text
    assert "mended it" not in again.text


def test_the_full_log_is_what_the_ledger_has_the_digest_of(printed: Printing) -> None:
    row = printed.end()
    answer = fetch(printed, f"{printed.path}/log")
    assert answer.content == printed.log().read_bytes()
    assert answer.text.splitlines()[-1].endswith(" stdout F 40000")
    digest = sha256(answer.content).hexdigest()
    assert (row["log_size"], row["log_digest"]) == (len(answer.content), digest)
    assert answer.headers["repr-digest"] == f"sha-256=:{base64.b64encode(bytes.fromhex(digest)).decode()}:"
    assert answer.headers["content-disposition"].startswith("attachment")
    query = sa.select(LEDGER.c.entry).where(LEDGER.c.subject == printed.remediation)
    entries = printed.desk.hub.hub.database.read_now(lambda c: c.execute(query).scalars().all())
    facts = [json.loads(each)["facts"] for each in entries]
    assert {"log": {"bytes": row["log_size"], "sha256": digest}} in facts


def test_the_log_for_tickets_says_what_the_full_log_is_known_by(printed: Printing) -> None:
    row = printed.end()
    text = fetch(printed, f"remediations/{printed.remediation}/log").text
    assert f"full log: {row['log_size']} bytes, SHA-256 {row['log_digest']}\n" in text
    assert "\n40000\n" in text


def test_all_of_a_long_output_is_read_part_by_part(printed: Printing) -> None:
    texts, offset, ended = [], 0, False
    while not ended:
        part = printed.output(offset)
        texts.append(text_of(part, "stdout"))
        offset, ended = part["offset"], part["ended"]
    assert "".join(texts) == "mended it\n" + "".join(f"{number}\n" for number in range(1, 40_001))
    assert len(texts) > 2


def test_noise_that_is_no_text_is_survived(prints: Print) -> None:
    noise = r"""printf 'a\377\376\000\303(b\n'; head -c 300000 /dev/urandom; printf '\nend\n'"""
    printing = prints(noise)
    row = printing.end()
    assert row["state"] == "succeeded"
    assert "a\ufffd\ufffd\N{SYMBOL FOR NULL}\ufffd(b\n" in text_of(printing.output())
    log = printing.log().read_bytes()
    assert sha256(log).hexdigest() == row["log_digest"]
    assert b"\x00" not in log
    assert log.decode().endswith("stdout F end\n")


def test_a_secret_shows_nowhere_also_when_it_is_printed_in_two_pieces(prints: Print) -> None:
    half = len(TOKEN) // 2
    script = f"printf %s '{TOKEN[:half]}'; echo >&2 meanwhile; {GATE}; echo '{TOKEN[half:]}'; echo {TOKEN} >&2"
    printing = prints(script)
    early = printing.so_far("meanwhile")
    printing.go()
    row = printing.end()
    shown = [early, printing.output(), row, fetch(printing, f"{printing.path}/log").text]
    shown.append(fetch(printing, f"remediations/{printing.remediation}/log").text)
    shown.append(printing.log().read_text())
    for each in map(str, shown):
        assert TOKEN[:half] not in each
        assert TOKEN[half:] not in each
    assert text_of(printing.output(), "stdout") == "mended it\n[masked]\n"


def test_who_may_not_see_the_remediation_sees_nothing_of_its_runs(printed: Printing) -> None:
    database = printed.desk.hub.hub.database
    other = database.write_now(lambda c: token_of(c, "bob"))
    paths = [f"remediations/{printed.remediation}/runs"]
    paths += [f"{printed.path}/{end}" for end in ("output", "output/stream", "log")]
    for path in paths:
        assert fetch(printed, path, other).status_code == 404, path
        assert ask("GET", f"{printed.desk.hub.url}/api/v1/{path}").status_code == 401, path


@pytest.mark.parametrize("end", ["output", "output/stream", "log"])
def test_a_run_is_found_with_its_own_remediation_only(printed: Printing, end: str) -> None:
    assert fetch(printed, f"remediations/{printed.remediation}/runs/absent/{end}").status_code == 404
    assert fetch(printed, f"remediations/absent/runs/{printed.run}/{end}").status_code == 404


def test_a_packed_log_is_read_as_before_an_edited_one_is_refused_and_a_removed_one_leaves_its_excerpt(
    prints: Print,
) -> None:
    printing = prints("")
    hub = printing.desk.hub
    printing.end()
    before, log = printing.output(), fetch(printing, f"{printing.path}/log").content
    folder = hub.hub.context.logs.folder
    anyio.run(sweep, hub.hub.database, folder, now() - timedelta(days=1))
    packed = printing.log().with_suffix(".log.gz")
    assert gzip.decompress(packed.read_bytes()) == log
    assert printing.output() == before
    assert fetch(printing, f"{printing.path}/log").content == log
    for other in (gzip.compress(log.replace(b"mended", b"ruined")), packed.read_bytes()[:-9]):
        packed.write_bytes(other)
        assert fetch(printing, f"{printing.path}/log").status_code == 409
    shutil.rmtree(folder / printing.remediation)
    left = printing.output()
    assert (left["source"], left["ended"], text_of(left)) == ("excerpt", True, "mended it\n")
    assert fetch(printing, f"{printing.path}/log").status_code == 404


def test_old_logs_are_removed_but_for_those_of_what_has_not_ended(
    prints: Print, printed: Printing, tmp_path: Path
) -> None:
    printing = prints(GATE)
    printing.so_far()
    folder = tmp_path / "logs"
    for one in (printing, printed):
        shutil.copytree(one.log().parent, folder / one.remediation)
    for name in ("unknown", "forgotten"):
        (folder / name).mkdir()
        (folder / name / "x.log").touch()
    os.utime(folder / "forgotten", (0, 0))
    database = printing.desk.hub.hub.database
    anyio.run(sweep, database, folder, now() - timedelta(days=1))
    assert {each.name for each in folder.iterdir()} == {printing.remediation, printed.remediation, "unknown"}
    anyio.run(sweep, database, folder, now() + timedelta(days=1))
    printing.go()
    assert [each.name for each in folder.iterdir()] == [printing.remediation]
    assert list((folder / printing.remediation).glob("*.step.0.log"))


def test_a_hub_that_comes_back_in_the_middle_writes_the_same_log(prints: Print) -> None:
    printing = prints(f"{GATE}; echo second")
    printing.so_far()
    early = printing.log().read_bytes()
    printing.desk.stop()
    printing.desk.begin()
    assert printing.log().read_bytes() == early
    printing.go()
    row = printing.end()
    log = printing.log().read_bytes()
    assert log.startswith(early)
    assert log.count(b"mended it") == 1
    assert sha256(log).hexdigest() == row["log_digest"]
