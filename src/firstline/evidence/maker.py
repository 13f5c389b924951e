"""Who makes a pack: a hub's settings, with its key where it may be read."""

from importlib.metadata import version

from firstline.errors import Misdeclared
from firstline.evidence.export import Maker
from firstline.ledger.checkpoint import Signer
from firstline.ledger.key import folder, signer
from firstline.masking import Masker
from firstline.settings import Settings
from firstline.store.table import now

VERSION = version("firstline")


def maker(settings: Settings, by: str, mask: Masker) -> Maker:
    """The key is never made here. Raises `Untrue` when the file of public keys can't be read."""
    verifiers = tuple(folder(settings).verifiers())
    return Maker(by, settings.url, VERSION, now(), verifiers, _signer(settings), mask)


def _signer(settings: Settings) -> Signer | None:
    """None where nobody has signed yet, or who exports may not read the key: the pack says that it is not signed."""
    if not settings.ledger.key and not folder(settings).key.exists():
        return None
    try:
        return signer(settings)
    except (Misdeclared, PermissionError):
        return None
