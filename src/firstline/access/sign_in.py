"""Sign-ins in the ledger, the refused ones too: never the token, and never so many that they fill it."""

from datetime import datetime, timedelta

import sqlalchemy as sa

from firstline.access.person import PERSON_PREFIX, is_on
from firstline.access.token import ended, hashed
from firstline.ledger import record
from firstline.store.database import one_at_a_time
from firstline.store.table import LEDGER, TOKEN, now

REFUSED = "sign-in"  # the subject of those that are nobody's; `sign-in:ann` of those with a token that was hers
PERIOD = timedelta(minutes=10)
MOST = 10  # entries of one subject in a period


def signed_in(connection: sa.Connection, person: str, way: str) -> None:
    """`way`: where they came in, and from which address."""
    record(connection, PERSON_PREFIX + person, "signed in", f"{person} signed in: {way}", by=person)


def is_told(connection: sa.Connection, token: str, at: datetime | None = None) -> bool:
    """Whether a refusal of this token would be told now, or enough of the kind were lately. For who only reads."""
    return _room(connection, _why(connection, token, at or now())[0], at or now()) > 0


def refused(connection: sa.Connection, token: str, way: str, at: datetime | None = None) -> None:
    """Tell that a token was refused, and why, unless enough of the kind were told lately."""
    one_at_a_time(connection)
    subject, why = _why(connection, token, at or now())
    if (room := _room(connection, subject, at or now())) < 1:
        return
    last = f"; more of them within {PERIOD.seconds // 60} minutes are not told" if room == 1 else ""
    record(connection, subject, "sign-in refused", f"Refused at {way}: {why}{last}")


def _why(connection: sa.Connection, token: str, at: datetime) -> tuple[str, str]:
    """The subject, and the words."""
    row = connection.execute(sa.select(TOKEN).where(TOKEN.c.hash == hashed(token))).mappings().first()
    if row is None:
        return REFUSED, "the token is nobody's"
    off = "" if is_on(connection, row["person"]) else ", who is off"
    why = f"a token of {row['person']}{off} {ended(row, at)}".rstrip()
    return f"{REFUSED}:{row['person']}", f"{why} (token {row['id']})"


def _room(connection: sa.Connection, subject: str, at: datetime) -> int:
    """How many more may be told: an entry's id begins with the time it was made at, in milliseconds."""
    since = f"{int((at - PERIOD).timestamp() * 1000):012x}"
    lately = sa.select(LEDGER.c.id).where(LEDGER.c.subject == subject, LEDGER.c.id >= since).limit(MOST)
    return MOST - len(connection.execute(lately).all())
