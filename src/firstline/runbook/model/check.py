"""What a runbook's checks declare: whether something holds, looked at without changing anything."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from firstline.declaration import Declaration, Duration
from firstline.declaration.duration import PositiveDuration
from firstline.runbook.model.command import Identifier, Name, ProgramDeclaration

Text = Annotated[str, Field(min_length=1, max_length=16_384)]


class HttpDeclaration(Declaration):
    url: Text
    status: int = Field(default=200, ge=100, le=599)
    contains: str = ""


class QueryDeclaration(Declaration):
    """A question to a database or to Prometheus, which the operator named. `ask` is written out, with `:name` where a
    value goes: no value can change what is asked. `holds`: CEL over `value` (the first one) and `count` (of rows or
    series)."""

    source: Name
    ask: Text
    values: dict[Identifier, str] = Field(default_factory=dict)
    holds: Annotated[str, Field(min_length=1, max_length=4096)]


class CheckDeclaration(ProgramDeclaration):
    """Holds when its program ends well, or what its probe sees is so: one way of looking each."""

    http: HttpDeclaration | None = None
    tcp: str = Field(default="", max_length=300)
    query: QueryDeclaration | None = None
    alert: Literal["", "open", "closed"] = ""
    within: Duration = 0.0
    every: PositiveDuration = 1.0
    hold: Duration = 0.0
    timeout: PositiveDuration = 30.0

    @model_validator(mode="after")
    def _one_way(self) -> "CheckDeclaration":
        ways = [self.run or self.with_, self.http, self.tcp, self.query, self.alert]
        if sum(bool(way) for way in ways) != 1:
            raise ValueError("a check has one of `run` (or `with`), `http`, `tcp`, `query`, `alert`")
        return self
