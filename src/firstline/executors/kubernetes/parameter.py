"""What a runbook tells it, under `with`."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from firstline.executors.kubernetes.settings import NAMESPACE


class _Told(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class JobParameters(_Told):
    image: str = Field(min_length=1, description="The container's image.")
    service_account: str = Field(default="", description="The account that the pod has; empty: its namespace's.")
    pull_secrets: tuple[str, ...] = Field(default=(), description="Secrets with which the image is pulled.")
    node_selector: dict[str, str] = Field(default_factory=dict, description="Labels that the node must bear.")


class ExecParameters(_Told):
    selector: str = Field(default="", description="Labels of the pod, `app=web,tier=front`; or the target names it.")
    container: str = Field(default="", description="Which of the pod's; empty: its default, or its only one.")
    pod: Literal["only", "any"] = Field(
        default="only", description="`only`: exactly one ready pod must match; `any`: the oldest ready one is taken."
    )


class KubernetesParameters(_Told):
    """One of `job`, `template` and `exec`."""

    namespace: str = Field(default="", pattern=f"{NAMESPACE}|^$", description="Empty: the settings' one.")
    job: JobParameters | None = Field(default=None, description="A Job with one container, which runs `run`.")
    template: str = Field(default="", description="A Job's manifest, `./FILE.yaml` of the runbook's folder.")
    exec: ExecParameters | None = Field(default=None, description="`run` in a pod that is there already.")

    @model_validator(mode="after")
    def _is_one_kind(self) -> "KubernetesParameters":
        if sum(map(bool, (self.job is not None, self.template, self.exec is not None))) != 1:
            raise ValueError("one of job, template and exec is needed")
        return self
