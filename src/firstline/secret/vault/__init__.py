"""Secrets that a HashiCorp Vault keeps: `vault:PATH#KEY`."""

from firstline.secret.vault.engine import Read, Vault

__all__ = ["Read", "Vault"]
