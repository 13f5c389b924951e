"""What an operator sets for one cluster."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

NAMESPACE = r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$"  # a DNS label, RFC 1123


class KubernetesSettings(BaseModel):
    """One way in is named: `kubeconfig`, `in_cluster` or `url`. The server's certificate is always verified. Times are
    in seconds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kubeconfig: Path | None = Field(default=None, description="A kubeconfig file.")
    context: str = Field(default="", description="Which of its contexts; empty: its current one.")
    in_cluster: bool = Field(default=False, description="The hub runs in a pod, under the pod's service account.")
    url: str = Field(default="", description="The API server, `https://HOST:6443`.")
    token: SecretStr | None = Field(default=None, description="A service account's token, for `url`.")
    token_file: Path | None = Field(default=None, description="A file with the token, read again for each request.")
    ca: Path | None = Field(
        default=None, description="The certificates that `url` is verified by; none: the machine's."
    )

    namespace: str = Field(default="default", pattern=NAMESPACE, description="Where steps run that name no other.")
    namespaces: tuple[str, ...] = Field(default=(), description="Other namespaces in which steps may run.")
    directory: Path = Field(
        default=Path("state/runs"), description="Where it is written down which commands in pods have begun."
    )
    start_within: float = Field(
        default=120.0, gt=0, description="How long a pod may wait for a node, its image or its secrets."
    )
    kill_grace: float = Field(
        default=10.0, ge=0, le=3600, description="How long a program has to stop by itself, from SIGTERM to SIGKILL."
    )
    cancel_within: float = Field(
        default=60.0, gt=0, description="How long a cluster may take to end a run, beside that."
    )
    keep: int = Field(
        default=604_800, ge=3600, description="How long an ended Job stays, and with it the knowledge that it ran."
    )
    settle: float = Field(default=30.0, gt=0, description="How long a request whose answer was lost is asked again.")

    @model_validator(mode="after")
    def _has_one_way_in(self) -> "KubernetesSettings":
        if sum(map(bool, (self.kubeconfig, self.in_cluster, self.url))) != 1:
            raise ValueError("one of kubeconfig, in_cluster and url is needed")
        return self

    @property
    def allowed(self) -> frozenset[str]:
        return frozenset({self.namespace, *self.namespaces})
