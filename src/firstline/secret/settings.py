"""`[vault]` and `[secrets]` in firstline.toml."""

from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from firstline.declaration.duration import PositiveDuration
from firstline.errors import Rejected
from firstline.secret.reference import reference

JWT = "/var/run/secrets/kubernetes.io/serviceaccount/token"  # where a pod finds its own


def _named(text: str) -> str:
    try:
        reference(text)
    except Rejected as error:
        raise ValueError(str(error)) from None
    return text


def _local(text: str) -> str:
    if not text.startswith(("env:", "file:")):
        raise ValueError("env:NAME or file:PATH: what opens the other secrets can't be one of them")
    return text


Named = Annotated[str, AfterValidator(_named)]
Local = Annotated[str, AfterValidator(_local)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")]
Mount = Annotated[str, Field(pattern=r"^[^/?#\s]+(/[^/?#\s]+)*$")]


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class TokenAuth(Part):
    """A token that somebody else made. It is read again when it is refused: an agent may have written a new one."""

    method: Literal["token"]
    token: Local


class AppRoleAuth(Part):
    method: Literal["approle"]
    role_id: str = Field(min_length=1, description="Itself, or by reference.")
    secret_id: Local
    mount: Mount = "approle"


class KubernetesAuth(Part):
    method: Literal["kubernetes"]
    role: str = Field(min_length=1)
    jwt: Path = Field(default=Path(JWT), description="The file with the service account's token; read at each sign-in.")
    mount: Mount = "kubernetes"


class VaultSettings(Part):
    """A server that speaks HashiCorp Vault's HTTP API."""

    url: str = Field(pattern=r"^https?://[^\s@?#]+$", description="https://vault.example.com:8200, without /v1")
    namespace: str = Field(default="", pattern=r"^[^\s]*$", description="Sent as X-Vault-Namespace.")
    ca: Path | None = Field(default=None, description="Certificates (PEM) to trust instead of the world's.")
    auth: TokenAuth | AppRoleAuth | KubernetesAuth = Field(discriminator="method")
    kv: Literal["detect", 1, 2] = Field(
        default="detect",
        description="The version of its key-value engines; detect: ask of each path. With 2, a path begins with a "
        "mount of one part.",
    )
    timeout: PositiveDuration = Field(default=10.0, description="For each answer.")

    @model_validator(mode="after")
    def _private(self) -> "VaultSettings":
        host = urlsplit(self.url).hostname
        if self.url.startswith("http:") and host not in ("127.0.0.1", "localhost", "::1"):
            raise ValueError("http:// is only for a Vault, or its agent, on this machine")
        return self


class SecretGrant(Part):
    """A secret for runbooks, and whose steps may have it."""

    from_: Named = Field(alias="from", description="A reference.")
    packs: tuple[str, ...] = Field(description="Whose runbooks may have it; none: nobody's.")
    executors: tuple[str, ...] | None = Field(default=None, description="With which executors; left out: with any.")


class SecretSettings(Part):
    """The key of our own store, and the secrets that runbooks may name."""

    key: Local | None = Field(default=None, description="32 bytes in Base64; `firstline secret key` makes one.")
    old_keys: tuple[Local, ...] = Field(default=(), description="Still read, never written with.")
    names: dict[Name, SecretGrant] = {}
