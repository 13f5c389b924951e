"""What people have decided beside the files: pre-approved versions of runbooks, modes that were earned or lost."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import sqlalchemy as sa

from firstline.register.pin import pins
from firstline.remediation.autonomy import mode
from firstline.remediation.autonomy.mode import Key, Moved


@dataclass(frozen=True)
class Policy:
    """`pins`: the template by runbook (pack and id) and digest."""

    pins: Mapping[tuple[str, str], str] = field(default_factory=dict)
    modes: Mapping[Key, Moved] = field(default_factory=dict)


def read(connection: sa.Connection) -> Policy:
    return Policy(pins(connection), mode.read(connection))
