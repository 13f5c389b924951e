"""What the hub remembers: tables, sessions, identifiers. One SQLite file, or PostgreSQL when a URL says so."""

from firstline.store.database import Database
from firstline.store.identifier import new_id

__all__ = ["Database", "new_id"]
