"""firstline.toml: what the operator decides. Secrets stand in it by reference only."""

import contextlib
import re
import tomllib
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from firstline.declaration import digest
from firstline.declaration.duration import Duration, PositiveDuration
from firstline.declaration.size import Size
from firstline.errors import FirstlineError, Misdeclared
from firstline.finding import Finding
from firstline.guard import Guards
from firstline.secret import References, SecretSettings, VaultSettings, anchored, is_reference, look

FILE = "firstline.toml"


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


PartT = TypeVar("PartT", bound=Part)


class Hub(Part):
    listen: str = Field(default="127.0.0.1:8480", pattern=r"^[^:]+:\d+$", description="host:port")
    url: str = Field(default="", description="How people and vendors reach the hub; default: http://listen")
    database: str = "sqlite:///state/firstline.db"
    state: Path = Path("state")
    mappings: Path = Path("mappings")
    notes: Path = Path("notes")
    environment: str = "prod"
    concurrency: int = Field(default=16, ge=1, le=500, description="Remediations at work at the same time.")
    approval_expires: float = Field(default=24 * 3600, gt=0, description="Seconds a question waits for an answer.")


class Intake(Part):
    """How a connection's events come in: `connections.NAME.intake`."""

    way: Literal["push", "poll", "both"] = "both"
    every: PositiveDuration = Field(default=60.0, description="Between two polls.")
    overlap: Duration | None = Field(default=None, description="What a poll asks for again; None: the connector's.")
    reconcile: PositiveDuration = Field(default=3600.0, description="Between two completeness proofs.")

    @property
    def pushes(self) -> bool:
        return self.way != "poll"

    @property
    def polls(self) -> bool:
        return self.way != "push"


class Budget(Part):
    """How much a connection may be asked: `connections.NAME.budget`. Unset: what the vendor's headers tell."""

    requests: int | None = Field(default=None, ge=1)
    per: PositiveDuration = 3600.0


class Modes(Part):
    """`earned`: what changes something runs by itself only after a promotion (`firstline mode promote`). The figures
    are what a promotion asks for."""

    autonomy: Literal["declared", "earned"] = "declared"
    successes: int = Field(default=10, ge=1, description="Verified successes in `approve`, none failed between.")


class Alarms(Part):
    connection: str = Field(default="", description="The connection that pages people for the hub's own troubles.")


class Notifications(Part):
    """How people are told that a question waits for them."""

    smtp: str = Field(default="", pattern=r"^([^\s:]+:\d+)?$", description="host:port of the mail server.")
    tls: Literal["starttls", "tls", "none"] = Field(
        default="starttls", description="none: only to a mail server on this machine; a link to approve is a secret."
    )
    user: str = ""
    password: str = Field(default="", description="By reference.")
    sender: str = Field(default="firstline@localhost", alias="from")

    @model_validator(mode="after")
    def _private(self) -> "Notifications":
        if self.smtp and self.tls == "none" and self.smtp.rpartition(":")[0] not in ("127.0.0.1", "localhost"):
            raise ValueError('tls = "none" is only for a mail server on this machine')
        return self


def _without_password(place: str) -> str:
    if re.search(r"://[^/@]*:[^/@]*@", place):
        raise ValueError("a secret stands here by reference only: write env:NAME")
    return place


class Ledger(Part):
    origin: str = Field(
        default="", pattern=r"^[^\s+]*$", description="The log's name in its checkpoints; default: the host of hub.url."
    )
    key: str = Field(default="", description="Signs checkpoints: PEM, by reference; default: made in state/ledger.")
    publish: tuple[
        Annotated[str, Field(pattern="^(https?://|git:|file:|env:)"), AfterValidator(_without_password)], ...
    ] = Field(default=(), description="Where each checkpoint goes, off the box: https://..., git:URL, file:PATH.")
    publish_every: PositiveDuration = 60.0


class Logs(Part):
    """What runs print, whole, in the state folder's `logs`."""

    limit: Size = Field(default=128 * 1024 * 1024, description="Of each run; beyond it the middle is left out.")
    keep_days: int = Field(default=90, ge=1, description="From a remediation's end until its logs are removed.")


_KNOWN_TO_ALL = re.compile(r"^connections\.[^.]+\.(.+[._])?(user|email|id|url)$")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
OWN = frozenset({"connector", "intake", "budget"})  # keys of a connection's table that are the hub's


OWN_REGISTER = "firstline"


class Changes(Part):
    """How changes are recorded. `require_pin`: a standard change needs a version of its runbook that somebody has
    pre-approved (`firstline change pin`), else it is a normal one."""

    register_: str = Field(
        default=OWN_REGISTER,
        alias="register",
        description="The connection that keeps change requests; `firstline`: the hub's own register.",
    )
    require_pin: bool = True
    no_record: Literal["hold", "late"] = Field(
        default="hold", description="When the register does not answer: no record, no run; or the record comes late."
    )
    emergency: Literal["first", "approval"] = Field(
        default="approval", description="first: an emergency change runs at once, and its approval is followed."
    )
    follow: PositiveDuration = Field(default=60.0, description="Between two looks at a change that waits.")


class Settings(Part):
    hub: Hub = Hub()
    connections: dict[str, dict[str, Any]] = {}
    executors: dict[str, dict[str, Any]] = {}
    queries: dict[str, dict[str, Any]] = {}
    changes: Changes = Changes()
    alarms: Alarms = Alarms()
    notifications: Notifications = Notifications()
    ledger: Ledger = Ledger()
    logs: Logs = Logs()
    modes: Modes = Modes()
    guards: Guards = Guards()
    vault: VaultSettings | None = None
    secrets_: SecretSettings = Field(default=SecretSettings(), alias="secrets")
    folder: Path = Path()

    def hook_url(self, connection: str) -> str:
        """Where a connection's webhook has to go; empty: it takes none."""
        return f"{self.url}/hooks/{connection}" if self.intake(connection).pushes else ""

    def intake(self, connection: str) -> Intake:
        return _own(Intake, self.connections[connection].get("intake", {}), f"connections.{connection}.intake")

    def budget(self, connection: str) -> Budget:
        return _own(Budget, self.connections[connection].get("budget", {}), f"connections.{connection}.budget")

    @property
    def url(self) -> str:
        return (self.hub.url or f"http://{self.hub.listen}").rstrip("/")

    @property
    def state(self) -> Path:
        return (self.folder / self.hub.state).absolute()

    @property
    def mappings(self) -> Path:
        return (self.folder / self.hub.mappings).absolute()

    @property
    def notes(self) -> Path:
        return (self.folder / self.hub.notes).absolute()

    @property
    def digests(self) -> dict[str, str]:
        """Of the settings of each connection, executor, query and secret for runbooks, by `connection NAME`, `executor
        NAME` ...; references are not resolved."""
        tables: dict[str, dict[str, Any]] = {
            "connection": self.connections,
            "executor": self.executors,
            "query": self.queries,
            "secret": {name: grant.model_dump(mode="json") for name, grant in self.secrets_.names.items()},
        }
        return {f"{kind} {name}": digest(table) for kind, named in tables.items() for name, table in named.items()}

    @property
    def calendars(self) -> Path:
        return (self.folder / self.guards.calendars).absolute()

    @cached_property
    def references(self) -> References:
        """Reads what references in these settings name."""
        vault = self.vault
        if vault and vault.ca:
            vault = vault.model_copy(update={"ca": self.folder / vault.ca})
        return References(vault, self.secrets_, self.state)

    def resolve(self, text: str, where: str) -> str:
        """What a reference names; other text is itself. Raises `Misdeclared` that names where it stands, and
        `Unavailable` when Vault can't answer now."""
        return self.references.resolve(text, where)

    def typed(self, model: type[BaseModel], table: dict[str, Any], where: str) -> Any:
        """The settings of a connection or executor: its references resolved, then validated. Never shows a value."""
        resolved = {key: self._deep(value, f"{where}.{key}") for key, value in table.items() if key not in OWN}
        try:
            return model.model_validate(resolved)
        except ValidationError as error:
            raise Misdeclared(_words(error), place=f"{FILE} [{where}]") from None

    @property
    def mail(self) -> Notifications:
        """How people are told, with the password itself."""
        password = self.resolve(self.notifications.password, "notifications.password")
        return self.notifications.model_copy(update={"password": password})

    @property
    def secrets(self) -> list[str]:
        """What all references name, but for those for runbooks, and a connection's addresses and names of accounts:
        people read those. Raises as `resolve`."""
        return [self.resolve(text, where) for text, where in self._named]

    def look_at_secrets(self) -> list[Finding]:
        """Whether each that these settings refer to can be read, and is kept from others."""
        return look(self.references, {where: text for text, where in self._named}, self.secrets_)

    @property
    def known_secrets(self) -> list[str]:
        """Of `secrets`, those that are here: a command about one connection may not have the others'."""
        found = []
        for text, where in self._named:
            with contextlib.suppress(FirstlineError):
                found.append(self.resolve(text, where))
        return found

    @property
    def _named(self) -> list[tuple[str, str]]:
        tables = {
            "hub.database": self.hub.database,
            "connections": self.connections,
            "executors": self.executors,
            "queries": self.queries,
            "secrets.key": self.secrets_.key,
            "secrets.old_keys": list(self.secrets_.old_keys),
            "vault.auth": self.vault.auth.model_dump(mode="json") if self.vault else {},
        }
        tables |= {
            "ledger.key": self.ledger.key,
            "notifications.password": self.notifications.password,
            "ledger.publish": [each for each in self.ledger.publish if each.startswith("env:")],
        }
        named = [found for where, table in tables.items() for found in _references(table, where)]
        return [(text, where) for text, where in named if not _KNOWN_TO_ALL.search(where)]

    def _deep(self, value: Any, where: str) -> Any:
        if isinstance(value, str):
            return self.resolve(value, where)
        if isinstance(value, list):
            return [self._deep(each, where) for each in value]
        if isinstance(value, dict):
            return {key: self._deep(each, f"{where}.{key}") for key, each in value.items()}
        return value

    @property
    def database(self) -> str:
        """The URL, with a SQLite file's path made absolute from the folder."""
        url = self.resolve(self.hub.database, "hub.database")
        relative = url.removeprefix("sqlite:///")
        if relative != url and not relative.startswith("/"):
            return f"sqlite:///{(self.folder / relative).absolute()}"
        return str(url)


def load(folder: Path) -> Settings:
    """Read the folder's firstline.toml. Raises `Misdeclared` with its place."""
    path = folder / FILE
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise Misdeclared(f"there is no {FILE} in {folder.absolute()}; `firstline init` makes one") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise _unread(error, path) from None
    try:
        settings = Settings.model_validate({**anchored(document, folder.absolute()), "folder": folder.absolute()})
    except ValidationError as error:
        raise Misdeclared(_words(error), place=str(path)) from None
    _known(settings, path)
    return settings


def _unread(error: ValueError, path: Path) -> Misdeclared:
    """Text that is no TOML. The place stands only in the error's words."""
    words, _, tail = str(error).rpartition(" (at line ")
    numbers = re.fullmatch(r"(\d+), column (\d+)\)", tail)
    if numbers is None:
        return Misdeclared(str(error), place=str(path))
    return Misdeclared(words, place=f"{path}:{numbers[1]}:{numbers[2]}")


def _references(value: Any, where: str) -> Iterator[tuple[str, str]]:
    """Each reference in a table, with where it stands."""
    if is_reference(value):
        yield value, where
    elif isinstance(value, list):
        for each in value:
            yield from _references(each, where)
    elif isinstance(value, dict):
        for key, each in value.items():
            yield from _references(each, f"{where}.{key}")


def _known(settings: Settings, path: Path) -> None:
    pager = settings.alarms.connection
    if pager and pager not in settings.connections:
        known = ", ".join(settings.connections) or "none"
        raise Misdeclared(f"alarms.connection names {pager!r}; the connections are: {known}", place=str(path))
    register = settings.changes.register_
    if register not in (OWN_REGISTER, *settings.connections):
        known = ", ".join(settings.connections) or "none"
        raise Misdeclared(f"changes.register names {register!r}; the connections are: {known}", place=str(path))
    for name, table in settings.connections.items():
        if name == OWN_REGISTER:
            raise Misdeclared(f"{name!r} is the hub's own register; give the connection another name", place=str(path))
        if not _NAME.fullmatch(name):  # it stands in URLs and in names of files
            raise Misdeclared(f"{name!r} is no name of a connection: letters, digits, '.', '_', '-'", place=str(path))
        if not isinstance(table.get("connector"), str):
            raise Misdeclared(f'[connections.{name}] needs connector = "..."', place=str(path))
        settings.intake(name)
        settings.budget(name)


def _own(part: type[PartT], table: Any, where: str) -> PartT:
    try:
        return part.model_validate(table)
    except ValidationError as error:
        raise Misdeclared(_words(error), place=f"{FILE} [{where}]") from None


def _words(error: ValidationError) -> str:
    # Only the place and the rule: the input may hold a secret.
    return "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors(include_input=False))
