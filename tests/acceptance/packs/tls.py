"""A TLS server whose certificate has ended, and the CA that issued it."""

import ssl
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from tests.acceptance.packs.conftest import Runit

from firstline.declaration import Json
from firstline.testing.patience import eventually
from firstline.testing.peer import need

NAME = "shop.test"
# Reads its certificate when it begins, and when it is told to, as web servers do.
SERVER = """
import signal, socket, ssl, sys
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
def load(*_): context.load_cert_chain(sys.argv[2], sys.argv[3])
load()
signal.signal(signal.SIGHUP, load)
listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
while True:
    connection, _ = listener.accept()
    connection.settimeout(5)
    try:
        with context.wrap_socket(connection, server_side=True) as secure:
            if secure.recv(4096):
                secure.sendall(b"HTTP/1.1 204 No Content\\r\\n\\r\\n")
    except OSError:
        connection.close()
"""


class Authority:
    """A CA of one level, whose files lie in a folder."""

    def __init__(self, folder: Path, name: str = "ca") -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"Test {name}")])
        self.file, self.key_file = folder / f"{name}.pem", folder / f"{name}.key"
        builder = self._builder(self._name, self._key.public_key(), timedelta(days=-700), timedelta(days=3650))
        authority = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        self.file.write_bytes(authority.sign(self._key, hashes.SHA256()).public_bytes(Encoding.PEM))
        write_key(self.key_file, self._key)

    def issue(self, file: Path, key: ec.EllipticCurvePrivateKey, ends: timedelta) -> None:
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
        builder = self._builder(name, key.public_key(), timedelta(days=-400), ends)
        names = x509.SubjectAlternativeName([x509.DNSName(NAME), x509.DNSName(f"www.{NAME}")])
        signed = builder.add_extension(names, critical=False).sign(self._key, hashes.SHA256())
        file.write_bytes(signed.public_bytes(Encoding.PEM))

    def _builder(
        self, name: x509.Name, key: ec.EllipticCurvePublicKey, begins: timedelta, ends: timedelta
    ) -> x509.CertificateBuilder:
        now = datetime.now(UTC)
        builder = x509.CertificateBuilder().subject_name(name).issuer_name(self._name).public_key(key)
        return (
            builder.serial_number(x509.random_serial_number())
            .not_valid_before(now + begins)
            .not_valid_after(now + ends)
        )


def write_key(file: Path, key: ec.EllipticCurvePrivateKey) -> None:
    file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    file.chmod(0o600)


class Server:
    def __init__(self, runit: Runit, port: int, folder: Path) -> None:
        need("openssl")
        self.authority = Authority(folder)
        self.certificate, key_file = folder / "shop.pem", folder / "shop.key"
        self.key = ec.generate_private_key(ec.SECP256R1())
        write_key(key_file, self.key)
        self.authority.issue(self.certificate, self.key, timedelta(days=-3))
        with self.certificate.open("ab") as chain:
            chain.write(self.authority.file.read_bytes())
        self.certificate.chmod(0o640)
        (folder / "server.py").write_text(SERVER)
        program = f"exec {sys.executable} {folder}/server.py {port} {self.certificate} {key_file}"
        self.unit = runit.start("shop", program)
        self.address = f"127.0.0.1:{port}"
        self.inputs: dict[str, Json] = {"host": "web-1", "address": self.address, "name": NAME, "supervisor": "runit"}
        self.inputs |= {"certificate": str(self.certificate), "key": str(key_file), "unit": str(self.unit)}
        self.inputs |= {"ca": str(self.authority.file), "ca_key": str(self.authority.key_file)}
        eventually(lambda: self.shown)

    @property
    def shown(self) -> str:
        host, _, port = self.address.partition(":")
        try:
            return ssl.get_server_certificate((host, int(port)), timeout=5)
        except OSError:
            return ""

    def greets(self) -> bool:
        """Whether somebody who trusts the CA gets through."""
        host, _, port = self.address.partition(":")
        trust = ["-CAfile", str(self.authority.file), "-verify_return_error", "-verify_hostname", NAME]
        run = ["openssl", "s_client", "-connect", f"{host}:{port}", "-servername", NAME, *trust]
        return subprocess.run(run, stdin=subprocess.DEVNULL, capture_output=True, check=False).returncode == 0
