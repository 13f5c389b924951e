"""The log of who did what, that nobody can edit unseen."""

from firstline.ledger.entry import entry, record

__all__ = ["entry", "record"]
