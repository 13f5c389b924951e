"""Runbooks: what they declare, what is in their folder, and what they come to for one incident."""

from firstline.runbook.input import Input, validate
from firstline.runbook.load import digest_of, load
from firstline.runbook.model import RunbookDeclaration
from firstline.runbook.plan import Change, Check, Command, Http, Limits, PublicNote, ResolvedRunbook
from firstline.runbook.resolve import resolve
from firstline.runbook.runbook import Runbook

__all__ = [
    "Change",
    "Check",
    "Command",
    "Http",
    "Input",
    "Limits",
    "PublicNote",
    "ResolvedRunbook",
    "Runbook",
    "RunbookDeclaration",
    "digest_of",
    "load",
    "resolve",
    "validate",
]
