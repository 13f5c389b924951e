"""Mappings: which events get which runbook, with which inputs, in which mode; and why."""

from firstline.mapping.compile import CompiledMapping
from firstline.mapping.decision import ClauseVerdict, Decision, Trace
from firstline.mapping.explain import Explanation, explain
from firstline.mapping.load import Packs, load_packs
from firstline.mapping.match import Matcher
from firstline.mapping.model import MappingDeclaration, Mode

__all__ = [
    "ClauseVerdict",
    "CompiledMapping",
    "Decision",
    "Explanation",
    "MappingDeclaration",
    "Matcher",
    "Mode",
    "Packs",
    "Trace",
    "explain",
    "load_packs",
]
