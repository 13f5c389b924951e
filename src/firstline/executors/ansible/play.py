"""What a runbook's step says of a playbook, in its `with`."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, JsonValue, StringConstraints

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
Tag = Annotated[str, StringConstraints(pattern=r"^[^\s,-][^\s,]*$")]


class Play(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    playbook: str = Field(min_length=1, description="A file of the runbook's folder.")
    variables: dict[Name, JsonValue] = Field(
        default={}, description="Extra variables: values as they are, in which no template is evaluated."
    )
    limit: str = Field(
        default="", pattern=r"^[^@\s]*$", description="Which of the targets, as Ansible's patterns say it."
    )
    tags: tuple[Tag, ...] = Field(default=(), description="Only what has one of these tags.")
    skip_tags: tuple[Tag, ...] = Field(default=(), description="Nothing that has one of these tags.")
    become: bool = Field(default=False, description="Become another user on the host, unless a task says otherwise.")
    become_user: str = Field(default="", pattern=r"^[\w.-]*$", description="Whom to become; empty: root.")
    become_password: str = Field(default="", description="Name of the step's secret that is the password for it.")
    vault_password: str = Field(default="", description="Name of the step's secret that opens Ansible Vault files.")
    check: bool = Field(default=False, description="Say what would be changed, and change nothing.")
    diff: bool = Field(default=False, description="Show how files and templates differ.")
    verbosity: int = Field(default=0, ge=0, le=4, description="As so many `-v`.")
