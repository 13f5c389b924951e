"""What the API answers about people, and what it takes."""

from datetime import datetime

from pydantic import AwareDatetime, BaseModel, Field

from firstline.access import Right
from firstline.access.right import EVERY
from firstline.access.token import CENTURY


class GrantShown(BaseModel):
    right: Right
    pack: str = Field(description="`*`: all.")
    environment: str = Field(description="`*`: all.")
    holder: str = Field(description="Whom it was given to: person:ann, or group:sre.")


class DelegationShown(BaseModel):
    id: str
    giver: str = Field(description="Whose approvals.")
    taker: str = Field(description="Who may give them.")
    since: datetime
    until: datetime
    reason: str


class TokenShown(BaseModel):
    id: str
    person: str
    name: str = Field(description="What it is for.")
    rights: list[Right] | None = Field(description="What it is limited to; null: all that its person may.")
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None


class Me(BaseModel):
    name: str
    groups: list[str]
    grants: list[GrantShown]
    limits: list[Right] | None = Field(description="What the token is limited to; null: all that was granted.")
    delegations: list[DelegationShown]


class PersonSummary(BaseModel):
    name: str
    email: str
    accounts: dict[str, str] = Field(description="By connection: what they are called there.")
    contact: str
    groups: list[str]
    off_at: datetime | None = Field(description="Since when they may nothing.")
    created_at: datetime


class PersonWhole(PersonSummary):
    grants: list[GrantShown]
    tokens: list[TokenShown]
    delegations: list[DelegationShown]


class Particulars(BaseModel):
    email: str | None = Field(default=None, max_length=320)
    accounts: dict[str, str] | None = Field(default=None, description="By connection; an empty one is taken away.")
    contact: str | None = Field(default=None, max_length=1000, description="mailto:..., https://...")


class NewPerson(Particulars):
    name: str = Field(max_length=100)


class Reason(BaseModel):
    reason: str = Field(default="", max_length=1000)


class Granting(BaseModel):
    holder: str = Field(max_length=110, description="A person, a group, or group:NAME of one that is empty yet.")
    rights: list[Right] = Field(min_length=1)
    pack: str = Field(default=EVERY, min_length=1, max_length=200)
    environment: str = Field(default=EVERY, min_length=1, max_length=200)


class NewToken(BaseModel):
    name: str = Field(default="", max_length=200, description="What it is for.")
    rights: list[Right] | None = Field(default=None, description="What it is limited to.")
    days: float = Field(default=365, gt=0, le=CENTURY)


class TokenMade(BaseModel):
    token: str = Field(description="Shown this once.")


class Delegating(BaseModel):
    giver: str
    taker: str
    until: AwareDatetime
    since: AwareDatetime | None = Field(default=None, description="Default: now.")
    reason: str = Field(min_length=1, max_length=1000)
