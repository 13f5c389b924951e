"""What a runbook says in a step's `with`: one call, or a sequence that begins a run and follows it."""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue, model_validator

from firstline.executors.web_call import path as json_path
from firstline.executors.web_call.settings import HEADER

PLACEHOLDER = re.compile(r"\{(id|key|offset|secret:([A-Za-z_][A-Za-z0-9_]*))\}")
_EXPRESSION = re.compile(r"\$\{\{.*?\}\}")  # of a runbook, resolved before it is a step's
_OURS = frozenset(
    {"authorization", "proxy-authorization", "cookie", "host", "content-length", "transfer-encoding", "connection"}
)


def _parsed(path: str) -> str:
    json_path.parse(path)
    return path


JsonPath = Annotated[str, AfterValidator(_parsed)]


class Declared(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Call(Declared):
    """One request. In path, query, headers and bodies stand `{id}`, `{key}`, `{offset}` and `{secret:NAME}`."""

    method: Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"] = "GET"
    path: str = Field(pattern=r"^/", description="Below the base that the operator set.")
    query: dict[str, str | int | float | bool] = Field(default_factory=dict, description="Of the address.")
    headers: dict[Annotated[str, Field(pattern=HEADER)], str] = Field(
        default_factory=dict, description="Beside those of the settings; credentials are not for runbooks to set."
    )
    content: JsonValue = Field(default=None, alias="json", description="The body, as JSON.")
    body: str = Field(default="", description="The body as it is; its type is for a header to say.")
    expect: tuple[int, ...] = Field(default=(), description="Statuses that are well. None given: 200 to 299.")

    @model_validator(mode="after")
    def _sound(self) -> "Call":
        # As it stands in a runbook; `fill` looks at what has become of the expressions.
        see_below_base(PLACEHOLDER.sub("x", _EXPRESSION.sub("x", self.path)))
        if self.content is not None and self.body:
            raise ValueError("json and body: one of them")
        if taken := [name for name in self.headers if name.lower() in _OURS]:
            raise ValueError(f"a runbook does not set {', '.join(taken)}")
        if any(re.search(r"[^\t\x20-\x7e\x80-\xff]", value) for value in self.headers.values()):
            raise ValueError("a header has a line break or a character that none may have")
        if "{secret:" in self.path or any("{secret:" in str(value) for value in self.query.values()):
            raise ValueError("a secret in an address ends in the logs of every proxy: use a header or the body")
        return self

    @property
    def safe(self) -> bool:
        """It changes nothing, by RFC 9110, 9.2.1."""
        return self.method in ("GET", "HEAD")

    def well(self, status: int) -> bool:
        return status in self.expect if self.expect else 200 <= status < 300

    def placeholders(self) -> set[str]:
        return {found[0] for found in PLACEHOLDER.findall(self.model_dump_json(by_alias=True))}


class States(Declared):
    """Which words mean what. `*` in one of them is any word that is in none."""

    running: tuple[str, ...] = ()
    succeeded: tuple[str, ...] = Field(min_length=1)
    failed: tuple[str, ...] = ()
    cancelled: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _each_once(self) -> "States":
        words = [*self.running, *self.succeeded, *self.failed, *self.cancelled]
        if twice := {word for word in words if words.count(word) > 1}:
            raise ValueError(f"{', '.join(sorted(twice))} means two things")
        return self

    def meaning(self, word: str) -> str:
        """Empty when it means nothing."""
        meanings = {"running": self.running, "succeeded": self.succeeded, "failed": self.failed}
        meanings["cancelled"] = self.cancelled
        exact = [name for name, words in meanings.items() if word in words]
        return (exact or [name for name, words in meanings.items() if "*" in words] or [""])[0]


class HttpParameters(Declared):
    """A step's `with`. Either `call`, or `start` with `id`, `poll`, `state` and `states`."""

    call: Call | None = Field(default=None, description="One call: its answer is the end.")
    start: Call | None = Field(default=None, description="Begins a run.")
    id: JsonPath = Field(default="", description="Where its answer has the run's id.")
    poll: Call | None = Field(default=None, description="Asks how far it is.")
    state: JsonPath = Field(default="", description="Where that answer has the state.")
    states: States | None = Field(default=None, description="What its words mean.")
    log: Call | None = Field(default=None, description="Gives its output as text: from `{offset}` bytes on, or whole.")
    result: Call | None = Field(default=None, description="Asked at its end, for the outputs; else the last poll is.")
    cancel: Call | None = Field(default=None, description="Ends it.")
    find: Call | None = Field(
        default=None, description="Finds a run by `{key}`, when the answer to its start was lost."
    )
    found: JsonPath = Field(default="", description="Where that answer has the run's id; nothing there: not found.")
    idempotent: bool = Field(
        default=False, description="The system keeps to the key: the same request again does nothing twice."
    )
    outputs: dict[str, JsonPath] = Field(default_factory=dict, description="Names, and where the answer has them.")
    exit_status: JsonPath = Field(default="", description="Where the last poll has a number that says how it ended.")
    detail: JsonPath = Field(default="", description="Where the last poll says in words why it failed.")

    @model_validator(mode="after")
    def _one_or_a_sequence(self) -> "HttpParameters":
        sequence = {"start": self.start, "id": self.id, "poll": self.poll, "state": self.state, "states": self.states}
        others = {"log": self.log, "result": self.result, "cancel": self.cancel, "find": self.find}
        given = [name for name, value in {**sequence, **others}.items() if value]
        if self.call and given:
            raise ValueError(f"a single call has no {', '.join(given)}")
        if not self.call and (missing := [name for name, value in sequence.items() if not value]):
            raise ValueError(f"either `call`, or all of a sequence: {', '.join(missing)} missing")
        if bool(self.find) != bool(self.found):
            raise ValueError("find and found: both or none")
        self._see_placeholders()
        return self

    def _see_placeholders(self) -> None:
        """Each where it has a meaning. Secrets are there at the start alone."""
        known = {
            "call": "key",
            "start": "key",
            "find": "key",
            "poll": "id",
            "result": "id",
            "cancel": "id",
            "log": "id",
        }
        for name, call in self.calls().items():
            for used in sorted(call.placeholders()):
                secret = used.startswith("secret:") and name in ("call", "start", "find")
                offset = used == "offset" and name == "log"
                if not (used in ("key", known[name]) or secret or offset):
                    raise ValueError(f"{name} has no {{{used}}}")

    def calls(self) -> dict[str, Call]:
        names = ("call", "start", "poll", "log", "result", "cancel", "find")
        return {name: call for name in names if (call := getattr(self, name)) is not None}

    def secrets(self) -> set[str]:
        used = {each for call in self.calls().values() for each in call.placeholders()}
        return {each.partition(":")[2] for each in used if each.startswith("secret:")}


def see_below_base(path: str) -> None:
    """Raises ValueError for a path that could lead out of the base: another host, or up, also percent-encoded."""
    if (
        not path.startswith("/")
        or path.startswith("//")
        or re.search(r"[\\?#\s\x00-\x1f\x7f]|//|%(2f|5c|00)", path, re.I)
    ):
        raise ValueError(f"{path!r} is no plain path below the base: one `/` at a time, no `?`, `#`, `\\`, blanks")
    plain = re.sub("%2e", ".", path, flags=re.I)
    if any(part in (".", "..") for part in plain.split("/")):
        raise ValueError(f"{path!r} leads out of the base")
