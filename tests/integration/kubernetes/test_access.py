"""How a cluster is reached, and that nobody else is taken for it."""

import base64
import datetime
import json
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from firstline.errors import Misdeclared, Unavailable
from firstline.executors.kubernetes import KubernetesSettings
from firstline.executors.kubernetes.access import access_of
from firstline.executors.kubernetes.channel import Spot, run
from firstline.executors.kubernetes.cluster import Cluster


class Version(BaseHTTPRequestHandler):
    """Tells who asks: the token and the client's certificate."""

    def do_GET(self) -> None:
        shown: Any = self.connection
        subject = dict(pair[0] for pair in (shown.getpeercert() or {}).get("subject", ()))
        body = json.dumps({"token": self.headers.get("Authorization"), "who": subject}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Tests are quiet."""


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With its key, for the name `cluster.test` and for a client; signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "firstline")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("cluster.test")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    file = tmp_path_factory.mktemp("tls") / "both.pem"
    file.write_bytes(made.public_bytes(serialization.Encoding.PEM) + pem)
    return file


@pytest.fixture(scope="module")
def server(certificate: Path) -> Iterator[str]:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    tls.load_verify_locations(certificate)
    tls.verify_mode = ssl.CERT_OPTIONAL
    http = HTTPServer(("127.0.0.1", 0), Version)
    http.socket = tls.wrap_socket(http.socket, server_side=True)
    thread = threading.Thread(target=http.serve_forever)
    thread.start()
    yield f"https://127.0.0.1:{http.server_address[1]}"
    http.shutdown()
    thread.join()
    http.server_close()


def kubeconfig(place: Path, cluster: dict[str, Any], user: dict[str, Any]) -> KubernetesSettings:
    file = place / "config"
    config = {
        "current-context": "lab",
        "contexts": [{"name": "lab", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": cluster}],
        "users": [{"name": "u", "user": user}],
    }
    file.write_text(yaml.safe_dump(config))
    return KubernetesSettings(kubeconfig=file)


def encoded(certificate: Path) -> list[str]:
    """The certificate and its key, as a kubeconfig has them."""
    content = certificate.read_text()
    cut = content.index("-----BEGIN PRIVATE KEY")
    return [base64.b64encode(part.encode()).decode() for part in (content[:cut], content[cut:])]


async def asked(settings: KubernetesSettings) -> dict[str, Any]:
    cluster = Cluster(access_of(settings))
    try:
        return await cluster.ask("GET", "/version")
    finally:
        await cluster.aclose()


@pytest.mark.anyio
async def test_a_kubeconfig_with_certificates_in_it_is_enough(server: str, certificate: Path, tmp_path: Path) -> None:
    parts = encoded(certificate)
    cluster = {"server": server, "certificate-authority-data": parts[0], "tls-server-name": "cluster.test"}
    user = {"client-certificate-data": parts[0], "client-key-data": parts[1]}
    assert (await asked(kubeconfig(tmp_path, cluster, user)))["who"] == {"commonName": "firstline"}


@pytest.mark.anyio
async def test_a_token_in_a_file_is_read_again_for_each_request(server: str, certificate: Path, tmp_path: Path) -> None:
    cluster = {"server": server, "certificate-authority": str(certificate), "tls-server-name": "cluster.test"}
    settings = kubeconfig(tmp_path, cluster, {"tokenFile": "token"})
    for token in ("first", "second"):
        (tmp_path / "token").write_text(f"{token}\n")
        assert (await asked(settings))["token"] == f"Bearer {token}"


@pytest.mark.anyio
@pytest.mark.parametrize("trusted", [True, False])
async def test_a_server_with_another_name_or_of_nobody_s_trust_is_not_spoken_to(
    server: str, certificate: Path, *, trusted: bool
) -> None:
    settings = KubernetesSettings.model_validate(
        {"url": server, "token": "s3cret-value", "ca": certificate if trusted else None}
    )
    with pytest.raises(Unavailable, match="CERTIFICATE_VERIFY_FAILED"):
        await asked(settings)


@pytest.mark.parametrize(
    ("cluster", "user", "words"),
    [
        ({"server": "https://x", "insecure-skip-tls-verify": True}, {}, "insecure-skip-tls-verify is not taken"),
        ({"server": "https://x"}, {"exec": {"command": "aws"}}, "signing in by exec is not taken"),
        ({"server": "https://x"}, {"token": "x", "as": "system:admin"}, "signing in by as is not taken"),
        ({"server": "https://x", "proxy-url": "socks5://127.0.0.1:1080"}, {}, "a proxy is http"),
        ({"server": "https://x", "certificate-authority-data": "no base64!"}, {}, "can't be read as a kubeconfig"),
        ({"server": "https://x"}, {"client-certificate-data": "#"}, "can't be read as a kubeconfig"),
        ({"server": "http://cluster.example"}, {"token": "x"}, "asked by https"),
        ({}, {}, "server"),
    ],
)
def test_what_would_be_unsafe_or_can_t_be_used_is_refused(
    tmp_path: Path, cluster: dict[str, Any], user: dict[str, Any], words: str
) -> None:
    with pytest.raises(Misdeclared, match=words):
        access_of(kubeconfig(tmp_path, cluster, user))


@pytest.mark.anyio
async def test_a_proxy_of_the_kubeconfig_is_gone_through(tmp_path: Path) -> None:
    """One that refuses: nothing goes past it."""
    asked: list[str] = []

    class Proxy(BaseHTTPRequestHandler):
        def do_CONNECT(self) -> None:
            asked.append(self.path)
            self.send_error(403)

        def log_message(self, *_: Any) -> None:
            """Tests are quiet."""

    with HTTPServer(("127.0.0.1", 0), Proxy) as http:
        threading.Thread(target=http.serve_forever).start()
        proxy = f"http://127.0.0.1:{http.server_address[1]}"
        settings = kubeconfig(tmp_path, {"server": "https://cluster.test:6443", "proxy-url": proxy}, {"token": "x"})
        cluster = Cluster(access_of(settings))
        with pytest.raises(Unavailable):
            await cluster.ask("GET", "/version")
        with pytest.raises(Unavailable):
            await run(cluster, Spot("default", "web-1", "main"), ["true"])
        await cluster.aclose()
        http.shutdown()
    assert asked == ["cluster.test:6443"] * 2


def test_a_context_that_is_not_there_is_named(tmp_path: Path) -> None:
    settings = kubeconfig(tmp_path, {"server": "https://x"}, {}).model_copy(update={"context": "none"})
    with pytest.raises(Misdeclared, match="no context 'none'"):
        access_of(settings)


def test_a_hub_that_is_in_no_pod_is_told_so() -> None:
    with pytest.raises(Misdeclared, match="this is no pod"):
        access_of(KubernetesSettings(in_cluster=True))


def test_one_way_in_is_needed_and_only_one() -> None:
    with pytest.raises(ValueError, match="one of kubeconfig"):
        KubernetesSettings(in_cluster=True, url="https://x")
