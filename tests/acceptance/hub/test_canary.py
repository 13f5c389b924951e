"""Fifty secrets of all kinds go through a hub, and are looked for wherever it leaves anything: tables, files, log
lines, notes, answers, pages, and what the machine shows of its processes."""

import base64
import gzip
import html
import json
import os
import re
import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Mount
from tests.acceptance.hub.test_take_over import _free_port, _is_ready
from tests.integration.hub.conftest import Running, triggered

from firstline import registry, settings
from firstline.access import Right, make_token
from firstline.connector import SandboxSettings
from firstline.executors.command.retention import strip
from firstline.secret.store import new_key
from firstline.store import Database
from firstline.testing.loopback import serve
from firstline.testing.patience import eventually
from firstline.testing.vault import OpenBao, Space
from firstline.web.api.access import COOKIE

MASK = b"[masked]"
FOLD = 12  # characters: how the program folds what it prints

TOML = """
[hub]
listen = "127.0.0.1:{port}"
environment = "test"
database = "sqlite:///state/firstline.db"
[connections.pagerduty]
connector = "pagerduty"
base_url = "{vendors}/pagerduty"
token = "file:secrets/pagerduty"
from_email = "firstline@example.com"
webhook_secrets = ["env:CANARY_HOOK"]
intake = {{way = "push"}}
[connections.servicenow]
connector = "servicenow"
base_url = "{vendors}/servicenow"
user = "firstline"
password = "env:CANARY_SERVICENOW"
webhook_secrets = ["env:CANARY_HOOK"]
[notifications]
password = "env:CANARY_MAIL"
[ledger]
key = "file:secrets/ledger"
[vault]
url = "{vault}"
namespace = "{space}"
auth = {{method = "token", token = "file:secrets/vault"}}
[secrets]
key = "file:secrets/key"
"""
MAPPING = """
mappings:
  - id: mend
    when: incident.title.contains("does not answer")
    runbook: mend
    inputs: {{marks: "{marks}"}}
    mode: auto
    dedupe: ${{{{ incident.service }}}}
"""
RUNBOOK = """
id: mend
version: 1.0.0
title: Mend it
owner: team-test
description: Prints what it was given.
inputs:
  marks: {{type: string, max_length: 300}}
targets: [shop]
change: none
steps:
  - name: mend
    id: mend
    run: ["./mend", "${{{{ inputs.marks }}}}"]
    timeout: 120s
    outputs: {{said: {{type: string, max_length: 300}}}}
    secrets: {names}
diagnose:
  - name: what it looks like
    run: ["./mend", "${{{{ inputs.marks }}}}"]
    secrets: {names}
"""
# The first run does well; the second fails, and says why; the third looks at that; the fourth gives a secret on.
PROGRAM = f"""#!/usr/bin/env python3
import base64, json, os, pathlib, sys, time
from urllib.parse import quote, quote_plus
marks = pathlib.Path(sys.argv[1])
given = {{name: value for name, value in sorted(os.environ.items()) if name.startswith("C_")}}
turn = len(list(marks.glob("began-*")))
(marks / f"began-{{turn}}").touch()
for name, value in given.items():
    forms = [value, quote(value, safe=""), quote_plus(value), json.dumps(value)]
    forms += [base64.b64encode(b"-" * offset + value.encode()).decode() for offset in range(3)]
    for stream in (sys.stdout, sys.stderr):
        for form in forms:
            print(name, form, file=stream)
            print("\\n".join(form[at : at + {FOLD}] for at in range(0, len(form), {FOLD})), file=stream)
        stream.write(value[:9])
        stream.flush()
        time.sleep(0.001)
        stream.write(value[9:] + "\\n")
        stream.flush()
(marks / f"printed-{{turn}}").touch()
while not (marks / "let-go").exists():
    time.sleep(0.02)
said = next(iter(given.values())) if turn == 3 else "well"
pathlib.Path(os.environ["FIRSTLINE_OUTPUT"]).write_text(f"said={{said}}\\n")
if turn == 1:
    sys.exit("it failed with " + " and ".join(given.values()))
"""


def _pem() -> str:
    lines = "\n".join(secrets.token_urlsafe(48) for _ in range(6))
    return "-----BEGIN PRIVATE" + f" KEY-----\n{lines}\n-----END PRIVATE" + " KEY-----"


_STAMP = re.compile(rb"^\S+Z (?:stdout|stderr) [FP] ", re.M)  # what a line of a log begins with
_BREAK = re.compile(rb"(?:[\r\n]|\\n)[ \t]*")


@dataclass
class Canaries:
    """The hub's own, and those of runbooks by the variable that has them: fifty."""

    own: dict[str, str] = field(default_factory=dict)
    steps: dict[str, str] = field(default_factory=dict)

    def needles(self, names: set[str] | None = None) -> dict[bytes, str]:
        """What tells each, also in part."""
        every = {name: value for name, value in {**self.own, **self.steps}.items() if names is None or name in names}
        return {needle: name for name, value in every.items() for part in _parts(value) for needle in _needles(part)}


def _parts(value: str) -> list[str]:
    password = re.search(r"://[^:]+:([^@]+)@", value)
    return [password[1]] if password else [line for line in value.splitlines() if "-----" not in line]


def _needles(value: str) -> Iterator[bytes]:
    inner = value.encode()
    for form in (value, quote(value, safe=""), quote_plus(value), json.dumps(value)[1:-1], html.escape(value)):
        yield from (form[at : at + FOLD].encode() for at in range(0, len(form) - FOLD + 1, FOLD))
    for offset in range(3):
        encoded = base64.b64encode(b"-" * offset + inner)[4:-4]
        yield from (encoded[at : at + 16] for at in range(0, len(encoded) - 16 + 1, 16))


class Search:
    """Finds any of the needles in whatever it is shown."""

    def __init__(self, canaries: Canaries) -> None:
        self._needles = canaries.needles()

    def __call__(self, what: bytes) -> set[str]:
        """The names of the secrets that show, also where line breaks run through them."""
        whole = _BREAK.sub(b"", _STAMP.sub(b"", what))
        return {name for needle, name in self._needles.items() if needle in what or needle in whole}

    def files(self, folder: Path, but: tuple[Path, ...] = ()) -> dict[str, set[str]]:
        """By file, packed ones unpacked."""
        found = {}
        for path in folder.rglob("*"):
            if path.is_file() and not any(path.is_relative_to(each) for each in but):
                body = path.read_bytes()
                found[str(path)] = self(gzip.decompress(body) if path.suffix == ".gz" else body)
        return {path: names for path, names in found.items() if names}

    def processes(self) -> dict[tuple[int, str], set[str]]:
        """By process and what the machine shows of it."""
        found = {}
        for proc in Path("/proc").glob("[0-9]*"):
            for what in ("cmdline", "environ"):
                try:
                    found[int(proc.name), what] = self((proc / what).read_bytes())
                except OSError:  # it has ended
                    continue
        return {place: names for place, names in found.items() if names}


def _canaries() -> Canaries:
    made = Canaries({name: secrets.token_urlsafe(30) for name in ("HOOK", "SERVICENOW", "MAIL", "pagerduty")})
    made.own["key"] = new_key()
    for at in range(40):
        made.steps[f"C_{at:02}"] = secrets.token_urlsafe(24)
    made.steps["C_40"] = f"postgresql://hub:{secrets.token_urlsafe(24)}@db.example.com/shop"
    made.steps["C_41"] = _pem()
    made.steps["C_42"] = f'{secrets.token_hex(9)} & <"odd"> + {secrets.token_hex(9)} \\ é'
    return made


def _quoting(app: Any, canaries: Canaries) -> Any:
    """PagerDuty: the first two notes are answered with errors that quote what the vendor knows."""
    left = [500, 400]

    async def quoting(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http" and scope["method"] == "POST" and scope["path"].endswith("/notes") and left:
            body = {"error": {"message": f"no: {canaries.own['pagerduty']}, {canaries.own['HOOK']}", "code": 2001}}
            await JSONResponse(body, left.pop(0))(scope, receive, send)
        else:
            await app(scope, receive, send)

    return quoting


def _refusing(canaries: Canaries) -> Any:
    """ServiceNow: it lets nobody in, and quotes who asks."""

    async def refusing(scope: Any, receive: Any, send: Any) -> None:
        asked = Request(scope, receive).headers.get("Authorization", "")
        words = f"{asked} is firstline:{canaries.own['SERVICENOW']}"
        await JSONResponse({"error": {"message": words, "detail": words}}, 401)(scope, receive, send)

    return refusing


@dataclass
class Place:
    canaries: Canaries
    folder: Path
    marks: Path
    log: Path
    hub: Running
    process: "subprocess.Popen[bytes]"
    search: Search

    def trigger(self, number: int) -> None:
        assert self.hub.post(triggered(number), key=f"d-{number}", secret=self.canaries.own["HOOK"]).is_success

    def shown(self) -> Iterator[tuple[str, bytes]]:
        """All that the hub tells by HTTP: each GET of its API, each page, and its figures."""
        remediations = self.hub.get("remediations")["items"]
        headers = {"Authorization": f"Bearer {self.hub.token}"}
        with httpx.Client(base_url=self.hub.url, trust_env=False, timeout=60, headers=headers) as http:
            for path in http.get("/api/openapi.json").json()["paths"]:
                for one in remediations if "{" in path else [{"id": ""}]:
                    address = re.sub(r"\{[^}]*\}", one["id"], path)
                    yield address, _body(http, address)
            yield "/metrics", _body(http, "/metrics")
            http.cookies.set(COOKIE, self.hub.token)
            yield from _pages(http)


def _body(http: httpx.Client, address: str) -> bytes:
    """What is there, or the words of what is not; of what never ends, its beginning."""
    seen = b""
    with http.stream("GET", address) as answer:
        if "event-stream" in answer.headers.get("Content-Type", ""):
            return next(answer.iter_bytes(), b"")
        for piece in answer.iter_bytes():
            seen += piece
    return seen


def _pages(http: httpx.Client) -> Iterator[tuple[str, bytes]]:
    left, known = ["/"], {"/"}
    while left:
        address = left.pop()
        body = _body(http, address)
        yield address, body
        for link in re.findall(rb'href="(/[^"#?]*)', body):
            if (found := link.decode()) not in known and not found.startswith("/api/"):
                known.add(found)
                left.append(found)


def _write(folder: Path, marks: Path, canaries: Canaries, vault: Space, toml: str) -> dict[str, str]:
    """The folder of a hub whose secrets are in all four places; gives the environment that it needs."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    canaries.own |= {"ledger": pem, "vault": vault.token("secret/")}
    vault.engine("secret", 2)
    (folder / "secrets").mkdir(parents=True)
    for name in ("pagerduty", "key", "ledger", "vault"):
        (folder / "secrets" / name).write_text(canaries.own[name])
    environment = {f"CANARY_{name}": canaries.own[name] for name in ("HOOK", "SERVICENOW", "MAIL")}
    tables = []
    for at, (variable, value) in enumerate(canaries.steps.items()):
        scheme = ("env", "file", "vault", "store")[at % 4]
        reference = {"env": f"env:CANARY_{variable}", "file": f"file:secrets/{variable}",
                     "vault": f"vault:secret/{variable}#value", "store": f"store:{variable}"}[scheme]  # fmt: skip
        tables.append(f'[secrets.names.{variable}]\nfrom = "{reference}"\npacks = ["shop"]\nexecutors = ["command"]')
        if scheme == "env":
            environment[f"CANARY_{variable}"] = value
        elif scheme == "file":
            (folder / "secrets" / variable).write_text(value)
        elif scheme == "vault":
            vault.write(f"secret/data/{variable}", data={"value": value})
    (folder / "firstline.toml").write_text("\n".join([toml, *tables]))
    store = settings.load(folder).references.store
    for at, (variable, value) in enumerate(canaries.steps.items()):
        if at % 4 == 3:
            store.set(variable, value)
    runbook = folder / "mappings" / "shop" / "runbooks" / "mend"
    runbook.mkdir(parents=True)
    names = json.dumps({variable: variable for variable in canaries.steps})
    (folder / "mappings" / "shop" / "mapping.yaml").write_text(MAPPING.format(marks=marks))
    (runbook / "runbook.yaml").write_text(RUNBOOK.format(names=names))
    (runbook / "mend").write_text(PROGRAM)
    (runbook / "mend").chmod(0o755)
    return environment


@pytest.fixture
def place(tmp_path: Path, bao: OpenBao) -> Iterator[Place]:
    canaries, vault = _canaries(), bao.space()
    incidents = [{"id": f"Q{n:05d}", "title": "shop does not answer", "service": "PSHOP01"} for n in range(1, 4)]
    sandbox = registry.sandbox("pagerduty")(
        SandboxSettings(hook_secret=canaries.own["HOOK"], seed={"incidents": incidents})
    )
    folder, marks, log = tmp_path / "hub", tmp_path / "marks", tmp_path / "log"
    marks.mkdir()
    with ExitStack() as stack:
        routes = [Mount("/pagerduty", _quoting(sandbox, canaries)), Mount("/servicenow", _refusing(canaries))]
        vendors = stack.enter_context(serve(Starlette(routes=routes)))
        toml = TOML.format(port=_free_port(), vendors=vendors, vault=bao.url, space=vault.name)
        environment = _write(folder, marks, canaries, vault, toml)
        database = Database(f"sqlite:///{folder}/state/firstline.db")
        database.create()
        token = database.write_now(lambda c: make_token(c, "ada", list(Right)))
        database.close()
        firstline = str(Path(sys.executable).parent / "firstline")
        process = subprocess.Popen(
            [firstline, "serve", "--folder", str(folder)],
            env={**os.environ, **environment},
            stdout=stack.enter_context(log.open("wb")),
            stderr=subprocess.STDOUT,
        )
        stack.callback(process.wait)
        stack.callback(process.kill)
        url = settings.load(folder).url
        eventually(lambda: _is_ready(url) or _stopped(process, log), 60)
        hub = Running(url, token, marks, None, vendors, f"{vendors}/pagerduty")
        yield Place(canaries, folder, marks, log, hub, process, Search(canaries))


def test_fifty_secrets_show_nowhere(place: Place) -> None:
    assert len(place.canaries.own) + len(place.canaries.steps) == 50
    place.trigger(1)
    eventually(lambda: (place.marks / "printed-0").exists() or _fault(place), 60)
    _only_who_needs_them_has_them(place)
    (place.marks / "let-go").touch()
    seen = [place.hub.remediation()]
    for number in (2, 3):
        place.trigger(number)
        eventually(partial(_are_there, place, number), 60)
        seen.append(place.hub.remediation())
    assert [each["outcome"] for each in seen] == ["proved", "failed", "failed"]

    runs = place.folder / "state" / "runs"
    but = (runs, place.folder / "secrets")
    assert place.search.files(place.folder, but) == {}
    assert place.search(place.log.read_bytes()) == set()
    told = json.dumps(place.hub.state("pagerduty"), ensure_ascii=False).encode()
    assert place.search(told.replace(place.canaries.own["HOOK"].encode(), b"")) == set()
    shown = dict(place.shown())
    assert {address: names for address, body in shown.items() if (names := place.search(body))} == {}
    assert any(b"C_41" in body and MASK in body for body in shown.values())
    assert any(MASK in path.read_bytes() for path in (place.folder / "state" / "logs").rglob("*.log"))
    assert MASK in place.log.read_bytes()
    _raw_output_is_private_and_goes(place, runs)


def _stopped(process: "subprocess.Popen[bytes]", log: Path) -> bool:
    assert process.poll() is None, log.read_text()
    return False


def _are_there(place: Place, number: int) -> bool:
    return len(place.hub.get("remediations")["items"]) == number


def _fault(place: Place) -> bool:
    ended = [one for one in place.hub.get("remediations")["items"] if one["stage"] == "ended"]
    assert not ended, (ended, place.log.read_text()[-3000:])
    return False


def _only_who_needs_them_has_them(place: Place) -> None:
    """The command has its own, in its environment; the hub those that its starter gave it there. No other process has
    any, and none shows one in its arguments."""
    for (pid, what), names in place.search.processes().items():
        assert what == "environ", (pid, what, names)
        if pid == place.process.pid:
            assert names <= {"HOOK", "SERVICENOW", "MAIL", *list(place.canaries.steps)[::4]}
        else:
            line = Path(f"/proc/{pid}/cmdline").read_bytes()
            assert b"/mend\0" in line, (pid, line)
            assert names <= set(place.canaries.steps)


def _raw_output_is_private_and_goes(place: Place, runs: Path) -> None:
    """What a command printed stands as it was in the directory of its run, which only the hub's account can enter,
    until the executor's `keep` is over."""
    found = place.search.files(runs)
    assert found
    for path in found:
        assert re.fullmatch(r"(output|streams)\..*|values", Path(path).name), path
        assert runs.stat().st_mode & 0o077 == 0
    assert strip(runs, float("inf")) == []
    assert place.search.files(runs) == {}


@pytest.mark.parametrize("name", ["C_00", "C_40", "C_41", "C_42", "pagerduty"])
def test_the_search_finds_what_shows_in_any_form_and_place(tmp_path: Path, name: str) -> None:
    canaries = _canaries()
    search, value = Search(canaries), {**canaries.own, **canaries.steps}[name]
    inner = value.encode()
    forms = [value, quote(value, safe=""), json.dumps(value), *(
        base64.b64encode(b"-" * offset + inner).decode() for offset in range(3)
    )]  # fmt: skip
    for form in forms:
        folded = "\n".join(form[at : at + FOLD] for at in range(0, len(form), FOLD)) if "\n" not in form else form
        for at, text in enumerate((form, f"2026-11-23T10:00:00.000000Z stdout F {form} more", folded)):
            (tmp_path / f"{at}.txt").write_text(text, encoding="utf-8")
            (tmp_path / f"{at}.gz").write_bytes(gzip.compress(text.encode()))
        found = search.files(tmp_path)
        assert all(name in names for names in found.values())
        assert len(found) == 6


def test_the_search_finds_what_a_process_shows(tmp_path: Path) -> None:
    canaries = _canaries()
    value = canaries.steps["C_00"]
    waiting = subprocess.Popen(["sleep", "60"], env={"HIDDEN": value})
    shown = subprocess.Popen([sys.executable, "-c", "input()", value], stdin=subprocess.PIPE)
    try:

        def seen() -> bool:
            found = Search(canaries).processes()
            return "C_00" in found.get((waiting.pid, "environ"), ()) and "C_00" in found.get((shown.pid, "cmdline"), ())

        eventually(seen)
    finally:
        for each in (waiting, shown):
            each.kill()
            each.wait()
        assert shown.stdin is not None
        shown.stdin.close()
