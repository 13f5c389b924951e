"""Our own encrypted store: `store:NAME`."""

from firstline.secret.store.envelope import Key, key, new_key
from firstline.secret.store.store import Store

__all__ = ["Key", "Store", "key", "new_key"]
