"""Secrets: what a reference in firstline.toml names, read when it is needed; our own encrypted store; and which runbook
may have which."""

from firstline.secret.look import look
from firstline.secret.reader import References
from firstline.secret.reference import anchored, is_reference
from firstline.secret.secrets import Secrets
from firstline.secret.settings import SecretSettings, VaultSettings

__all__ = ["References", "SecretSettings", "Secrets", "VaultSettings", "anchored", "is_reference", "look"]
