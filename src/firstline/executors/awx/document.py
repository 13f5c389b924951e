"""AWX's answers, as far as we read them (awx/api/serializers.py, 24.6)."""

from typing import Any

from pydantic import AwareDatetime, Field, RootModel, model_validator

from firstline.executors.polled.foreign import Foreign


class Rows(Foreign):
    """A page of a list; `next` is the address of the one after it."""

    results: list[Any]
    next: str = ""


class Row(RootModel[dict[str, Any]]):
    """A job as it is listed: whatever it was launched with."""


class Named(Foreign):
    """An inventory, a credential, a template."""

    id: int
    credential_type: int = 0


class Credential(Foreign):
    id: int
    credential_type: int


class Defaults(Foreign):
    credentials: tuple[Credential, ...] = ()
    job_slice_count: int = 1


class Launch(Foreign):
    """What a template prompts for (`GET launch/`); of a template itself, the same names."""

    name: str = ""
    survey_enabled: bool = False
    ask_variables_on_launch: bool = False
    ask_limit_on_launch: bool = False
    ask_inventory_on_launch: bool = False
    ask_tags_on_launch: bool = False
    ask_skip_tags_on_launch: bool = False
    ask_credential_on_launch: bool = False
    ask_job_type_on_launch: bool = False
    ask_timeout_on_launch: bool = False
    variables_needed_to_start: tuple[str, ...] = ()
    passwords_needed_to_start: tuple[str, ...] = ()
    defaults: Defaults = Defaults()


class Question(Foreign):
    variable: str
    type: str


class Survey(Foreign):
    spec: tuple[Question, ...] = ()


class Part(Foreign):
    """A job, as it stands among those of a workflow."""

    id: int
    type: str = "job"
    name: str = ""
    status: str
    event_processing_finished: bool | None = None


class LaunchedBy(Foreign):
    name: str = "its account"


class Job(Part):
    """`artifacts` is a text where it is hidden."""

    created: AwareDatetime
    started: AwareDatetime | None = None
    finished: AwareDatetime | None = None
    job_explanation: str = ""
    result_traceback: str = ""
    artifacts: dict[str, Any] | str = Field(default_factory=dict)
    launched_by: LaunchedBy = LaunchedBy()
    execution_node: str = ""


class NodeSummary(Foreign):
    job: Part | None = None


class Node(Foreign):
    """Of a workflow job; without a job, none was made of it."""

    summary_fields: NodeSummary = NodeSummary()


class Within(Foreign):
    id: int
    unified_job_type: str = ""


class TemplateSummary(Foreign):
    unified_job_template: Within | None = None


class TemplateNode(Foreign):
    """Of a workflow template."""

    summary_fields: TemplateSummary = TemplateSummary()


class Host(Foreign):
    host_name: str


class Event(Foreign):
    counter: int
    created: AwareDatetime
    stdout: str = ""


class Launched(Foreign):
    """What `POST launch/` has made: a template in slices makes a workflow job."""

    job: int | None = None
    workflow_job: int | None = None

    @model_validator(mode="after")
    def _one(self) -> "Launched":
        if (self.job is None) == (self.workflow_job is None):
            raise ValueError("neither a job nor a workflow job")
        return self

    @property
    def path(self) -> str:
        return f"jobs/{self.job}" if self.workflow_job is None else f"workflow_jobs/{self.workflow_job}"


class MadeSummary(Foreign):
    credentials: tuple[Named, ...] = ()


class Made(Foreign):
    """Of a job that was launched."""

    id: int
    summary_fields: MadeSummary = MadeSummary()


class Ping(Foreign):
    version: str = ""


class User(Foreign):
    username: str


class Count(Foreign):
    count: int
