"""A hub in a process of its own through which canaries go, with vendors that quote what they know."""

import io
import json
import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Mount
from tests.acceptance.hub.canary import FOLD, Canaries, Search, plant
from tests.acceptance.hub.test_take_over import _free_port, _is_ready
from tests.integration.hub.conftest import Running, triggered

from firstline import registry, settings
from firstline.access import Right, make_token
from firstline.connector import SandboxSettings
from firstline.store import Database
from firstline.testing.loopback import serve
from firstline.testing.patience import eventually
from firstline.testing.vault import OpenBao, Space
from firstline.web.api.access import COOKIE

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
    forms = [value, quote(value, safe=""), quote_plus(value), json.dumps(value), repr(value), value.encode().hex()]
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
    """What is there, or the words of what is not; of what never ends, its beginning; of an archive, what is in it."""
    seen = b""
    with http.stream("GET", address) as answer:
        if "event-stream" in answer.headers.get("Content-Type", ""):
            return next(answer.iter_bytes(), b"")
        for piece in answer.iter_bytes():
            seen += piece
    if not seen.startswith(b"PK"):
        return seen
    with zipfile.ZipFile(io.BytesIO(seen)) as packed:
        return b"\n".join(packed.read(each) for each in packed.namelist())


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


@contextmanager
def placed(tmp_path: Path, bao: OpenBao) -> Iterator[Place]:
    canaries, vault = plant(), bao.space()
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


def _stopped(process: "subprocess.Popen[bytes]", log: Path) -> bool:
    assert process.poll() is None, log.read_text()
    return False
