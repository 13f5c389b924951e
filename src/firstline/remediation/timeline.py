"""Lines of a remediation's timeline: what happened, when, by whom."""

from sqlalchemy import Connection

from firstline.store.database import insert
from firstline.store.table import TimelineRow


def tell(connection: Connection, remediation_id: str, act: str, text: str, actor: str = "firstline") -> None:
    """Add a line, in the transaction of what it tells."""
    insert(connection, TimelineRow(remediation_id=remediation_id, act=act, text=text[:2000], actor=actor))
