"""A stand-in for HashiCorp Vault, where the real one can't be had: sign-in by token, AppRole and Kubernetes, policies
by prefix, tokens that end, key-value engines of both versions, and a database engine that leases.

Written from hashicorp/vault, website/content/api-docs (index, auth/approle, auth/kubernetes, auth/token,
secret/kv/kv-v1, secret/kv/kv-v2, secret/databases, system/internal-ui-mounts), and what is seen of the real one: 403
from `sys/internal/ui/mounts` for what is not there (issue 11434), 404 with metadata for a deleted version (hvac issue
906), 400 for a refused AppRole. As strict: no request without `X-Vault-Request`, which a server can be told to ask for,
none with a wrong namespace, and each path only to a token whose policies cover it."""

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route


@dataclass
class Grant:
    """A token's. `reads`: prefixes of paths."""

    reads: tuple[str, ...]
    ttl: float = 0  # seconds; 0: for ever
    renewable: bool = True
    looks: bool = True  # at itself: the default policy
    ends: float = float("inf")


@dataclass
class Engine:
    """`version` of a key-value engine; 0: one that leases."""

    version: int
    paths: dict[str, list[dict[str, Any] | None]] = field(default_factory=dict)  # versions; None: deleted


class VaultServer:
    """`app` is served on loopback; the rest is set by tests, from their thread. `now` is its clock."""

    def __init__(self, namespace: str = "", now: Callable[[], float] = time.monotonic) -> None:
        self.namespace, self.now = namespace, now
        self.engines: dict[str, Engine] = {}
        self.tokens: dict[str, Grant] = {}
        self.roles: dict[tuple[str, str, str], Grant] = {}  # by mount, role and what proves it
        self.trouble: int | None = None  # each request is answered so
        self.asked: list[tuple[str, str]] = []
        self.app = Starlette(routes=[Route("/v1/{path:path}", self._answer, methods=["GET", "POST"])])

    def engine(self, mount: str, version: int) -> Engine:
        return self.engines.setdefault(f"{mount}/", Engine(version))

    def put(self, mount: str, path: str, values: dict[str, Any]) -> None:
        self.engines[f"{mount}/"].paths.setdefault(path, []).append(values)

    def token(self, grant: Grant) -> str:
        made = f"hvs.{secrets.token_urlsafe(24)}"
        self.tokens[made] = Grant(grant.reads, grant.ttl, grant.renewable, grant.looks, self._end(grant))
        return made

    def _end(self, grant: Grant) -> float:
        return self.now() + grant.ttl if grant.ttl else float("inf")

    async def _answer(self, request: Request) -> Response:
        path = request.path_params["path"]
        self.asked.append((request.method, path))
        if self.trouble is not None:
            return _errors(self.trouble, "Vault is sealed" if self.trouble == 503 else "trouble")
        if request.headers.get("X-Vault-Request") != "true":
            return _errors(412, "missing 'X-Vault-Request' header")
        if request.headers.get("X-Vault-Namespace", "") != self.namespace:
            return _errors(404, "no handler for route")
        body = await request.json() if request.method == "POST" else {}
        if request.method == "POST" and path.endswith("/login"):
            return self._login(path.removeprefix("auth/").removesuffix("/login"), body)
        text = request.headers.get("X-Vault-Token", "")
        grant = self.tokens.get(text)
        if grant is None or grant.ends <= self.now():
            return _errors(403, "permission denied")
        return self._signed(request.method, path, text, grant)

    def _login(self, mount: str, body: dict[str, str]) -> Response:
        role, proof = ("role_id", "secret_id") if "role_id" in body else ("role", "jwt")
        grant = self.roles.get((mount, body.get(role, ""), body.get(proof, "")))
        if grant is None:
            return _errors(400, "invalid role or secret ID") if role == "role_id" else _errors(403, "permission denied")
        return self._auth(self.token(grant), grant)

    def _signed(self, method: str, path: str, text: str, grant: Grant) -> Response:
        if path == "auth/token/lookup-self":
            left = int(grant.ends - self.now()) if grant.ttl else 0
            found = {"id": text, "ttl": left, "renewable": grant.renewable and bool(grant.ttl)}
            return _data(found) if grant.looks else _errors(403, "permission denied")
        if (method, path) == ("POST", "auth/token/renew-self"):
            if not grant.renewable:
                return _errors(400, "lease is not renewable")
            grant.ends = self._end(grant)
            return self._auth(text, grant)
        if path.startswith("sys/internal/ui/mounts/"):
            return self._mount(path.removeprefix("sys/internal/ui/mounts/"), grant)
        return self._read(path, grant)

    def _auth(self, text: str, grant: Grant) -> Response:
        auth = {"client_token": text, "lease_duration": int(grant.ttl), "renewable": grant.renewable, "metadata": None}
        return JSONResponse({"auth": auth, "data": None, "lease_id": "", "lease_duration": 0, "renewable": False})

    def _mount(self, path: str, grant: Grant) -> Response:
        mount = self._of(path)
        if mount is None or not any(read.startswith(mount) for read in grant.reads):
            words = (
                f"preflight capability check returned 403, please ensure client's policies grant access to path {path}/"
            )
            return _errors(403, words)
        version = self.engines[mount].version
        options = {"version": str(version)} if version else None
        return _data({"path": mount, "type": "kv" if version else "database", "options": options})

    def _read(self, path: str, grant: Grant) -> Response:
        if not any(path.startswith(read) for read in grant.reads):
            return _errors(403, "permission denied")
        mount = self._of(path)
        if mount is None:
            return _errors(404, f'no handler for route "{path}". route entry not found.')
        engine, inside = self.engines[mount], path.removeprefix(mount)
        if engine.version == 2 and not inside.startswith("data/"):
            warning = "Invalid path for a versioned K/V secrets engine."
            return JSONResponse({"errors": [], "data": None, "warnings": [warning]}, 404)
        versions = engine.paths.get(inside.removeprefix("data/") if engine.version == 2 else inside)
        if not versions:
            return _errors(404)
        return self._told(engine, versions)

    def _told(self, engine: Engine, versions: list[dict[str, Any] | None]) -> Response:
        newest = versions[-1]
        if engine.version == 2:
            deleted = "2026-11-23T00:00:00.000000000Z" if newest is None else ""
            metadata = {"version": len(versions), "deletion_time": deleted, "destroyed": False, "custom_metadata": None}
            return _data({"data": newest, "metadata": metadata}, 404 if newest is None else 200)
        if engine.version == 1:
            return _data(newest, lease_duration=2764800)
        fresh = {key: f"{value}-{secrets.token_hex(4)}" for key, value in (newest or {}).items()}
        return _data(fresh, lease_duration=3600, lease_id=f"database/creds/{secrets.token_hex(8)}", renewable=True)

    def _of(self, path: str) -> str | None:
        return max((mount for mount in self.engines if f"{path}/".startswith(mount)), key=len, default=None)


def _data(found: Any, status: int = 200, **lease: Any) -> Response:
    whole = {
        "request_id": "0",
        "lease_id": "",
        "renewable": False,
        "lease_duration": 0,
        "data": found,
        "warnings": None,
    }
    return JSONResponse({**whole, **lease}, status)


def _errors(status: int, *words: str) -> Response:
    return JSONResponse({"errors": list(words)}, status)
