"""How a cluster is reached: from a kubeconfig file (kubernetes.io/docs/reference/config-api/kubeconfig.v1), a pod's
service account (kubernetes.io/docs/tasks/run-application/access-api-from-pod) or what the settings say."""

import base64
import os
import ssl
from collections.abc import Callable, Generator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import yaml

from firstline.errors import Misdeclared, Unavailable
from firstline.executors.kubernetes.settings import KubernetesSettings

# What else there is changes who we are (`as`, `exec`) or whom we trust, so it is refused, not passed over.
_CLUSTER = frozenset(
    {"server", "certificate-authority", "certificate-authority-data", "tls-server-name", "proxy-url"}
    | {"insecure-skip-tls-verify", "disable-compression", "extensions"}
)
_USER = frozenset({"token", "tokenFile", "extensions"}) | {
    f"client-{part}{form}" for part in ("certificate", "key") for form in ("", "-data")
}
ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


class Access(NamedTuple):
    url: str
    tls: ssl.SSLContext
    token: Callable[[], str]  # empty: who we are is told by a certificate, or not at all
    server_name: str = ""
    proxy: str = ""


class Bearer(httpx.Auth):
    """Asks for the token each time: those of service accounts are renewed within the hour."""

    def __init__(self, token: Callable[[], str]) -> None:
        self._token = token

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        if token := self._token():
            request.headers["Authorization"] = f"Bearer {token}"
        yield request


def access_of(settings: KubernetesSettings) -> Access:
    """Raises `Misdeclared` when what is there can't be used."""
    access = _access_of(settings)
    url = httpx.URL(access.url)
    if url.scheme != "https" and not (url.scheme == "http" and url.host in _LOOPBACK):
        raise Misdeclared(f"{access.url}: a cluster is asked by https; by http on this machine alone (kubectl proxy)")
    return access


def _access_of(settings: KubernetesSettings) -> Access:
    if settings.kubeconfig:
        return _from_file(settings.kubeconfig, settings.context)
    if settings.in_cluster:
        return _from_pod(os.environ)
    token = settings.token.get_secret_value() if settings.token else ""
    read = _reader(settings.token_file) if settings.token_file else lambda: token
    return Access(settings.url.rstrip("/"), _tls(settings.ca), read)


def _from_pod(environment: Mapping[str, str]) -> Access:
    host, port = (environment.get(f"KUBERNETES_SERVICE_{part}", "") for part in ("HOST", "PORT"))
    if not host or not port:
        raise Misdeclared("in_cluster is set, and this is no pod: KUBERNETES_SERVICE_HOST and _PORT are not there")
    bracketed = f"[{host}]" if ":" in host else host
    return Access(f"https://{bracketed}:{port}", _tls(ACCOUNT / "ca.crt"), _reader(ACCOUNT / "token"))


def _from_file(path: Path, context: str) -> Access:
    try:
        config = yaml.safe_load(path.read_text())
        chosen = _named(config, "context", context or config["current-context"])
        cluster = _named(config, "cluster", chosen["cluster"])
        user = _named(config, "user", chosen["user"])
        url = str(cluster["server"]).rstrip("/")
        authority = _decoded(cluster, "certificate-authority-data")
        certificate = _decoded(user, "client-certificate-data") + b"\n" + _decoded(user, "client-key-data")
    except (OSError, yaml.YAMLError, KeyError, TypeError, ValueError) as error:
        raise Misdeclared(f"{path} can't be read as a kubeconfig: {error}") from error
    _refuse(path, cluster, user)
    tls = _tls(_place(path, cluster, "certificate-authority"), authority)
    _certify(tls, path, user, certificate)
    file = _place(path, user, "tokenFile")
    token = str(user.get("token", ""))
    read = _reader(file) if file else lambda: token
    return Access(url, tls, read, str(cluster.get("tls-server-name", "")), str(cluster.get("proxy-url", "")))


def _refuse(path: Path, cluster: dict[str, Any], user: dict[str, Any]) -> None:
    if cluster.get("insecure-skip-tls-verify"):
        raise Misdeclared(f"{path}: insecure-skip-tls-verify is not taken; name the cluster's certificate-authority")
    if unknown := ", ".join(sorted({key for key in user if user[key]} - _USER)):
        raise Misdeclared(f"{path}: signing in by {unknown} is not taken; use a service account's token")
    if unknown := ", ".join(sorted({key for key in cluster if cluster[key]} - _CLUSTER)):
        raise Misdeclared(f"{path}: {unknown} of a cluster is not taken")
    proxy = str(cluster.get("proxy-url", ""))
    if proxy and not proxy.startswith(("http://", "https://")):
        raise Misdeclared(f"{path}: a proxy is http:// or https://, not {proxy.partition(':')[0]}")


def _named(config: dict[str, Any], kind: str, name: str) -> dict[str, Any]:
    for entry in config[f"{kind}s"]:
        if entry["name"] == name:
            return dict(entry[kind])
    raise KeyError(f"no {kind} {name!r}")


def _place(path: Path, entry: dict[str, Any], key: str) -> Path | None:
    return path.parent / entry[key] if entry.get(key) else None


def _decoded(entry: dict[str, Any], key: str) -> bytes:
    return base64.b64decode(entry.get(key) or "", validate=True)


def _tls(file: Path | None = None, content: bytes = b"") -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=None if content else file, cadata=content.decode() or None)
    except (OSError, ValueError) as error:
        raise Misdeclared(
            f"the cluster's certificates ({file or 'in the kubeconfig'}) can't be read: {error}"
        ) from error


def _certify(tls: ssl.SSLContext, path: Path, user: dict[str, Any], content: bytes) -> None:
    """Who we are, by a certificate. One that stands in the kubeconfig itself goes before one in a file, and gets into
    none: OpenSSL reads it from memory that has a name in /proc."""
    certificate, key = (_place(path, user, f"client-{part}") for part in ("certificate", "key"))
    try:
        if content.strip():
            memory = os.memfd_create("certificate")
            with os.fdopen(memory, "wb") as file:
                file.write(content)
                file.flush()
                tls.load_cert_chain(f"/proc/self/fd/{memory}")
        elif certificate:
            tls.load_cert_chain(certificate, key)
    except (OSError, ValueError) as error:
        raise Misdeclared(f"{path}: the client's certificate can't be used: {error}") from error


def _reader(file: Path) -> Callable[[], str]:
    def read() -> str:
        try:
            return file.read_text().strip()
        except OSError as error:
            raise Unavailable(f"the token can't be read: {error}") from error

    return read
