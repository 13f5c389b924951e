"""Links to one question for one person: who has the link answers as that person. It is made when it is sent and kept
nowhere; what makes it good for one answer only is that each person answers a question once."""

from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote, unquote

from firstline.errors import Unauthorized
from firstline.seal import Seal

_PURPOSE = "answer"


@dataclass(frozen=True)
class Link:
    """`digest`: of the plan that was asked about."""

    approval_id: str
    digest: str
    person: str
    expires_at: datetime


def signed(seal: Seal, link: Link) -> str:
    """The last part of the link's address."""
    parts = _parts(link)
    return ".".join([*(quote(part, safe="").replace(".", "%2E") for part in parts), seal.of(_PURPOSE, *parts)])


def opened(seal: Seal, text: str, moment: datetime) -> Link:
    """Raises `Unauthorized` when the hub did not make it, or it has expired."""
    *parts, found = text.split(".")
    plain = [unquote(part) for part in parts]
    if len(plain) != 4 or not seal.holds(found, _PURPOSE, *plain):
        raise Unauthorized("this link is not of this hub, or it was altered on its way")
    approval_id, digest, person, expiry = plain
    link = Link(approval_id, digest, person, datetime.fromtimestamp(int(expiry), UTC))
    if link.expires_at <= moment:
        raise Unauthorized(f"this link expired at {link.expires_at:%Y-%m-%d %H:%M} UTC")
    return link


def _parts(link: Link) -> tuple[str, ...]:
    return link.approval_id, link.digest, link.person, str(int(link.expires_at.timestamp()))
