"""Reads the files that users write: YAML with the place of each value, checked against a model. Errors say
`file:line:column`."""

from firstline.declaration.canonical import canonical, digest
from firstline.declaration.document import Document
from firstline.declaration.duration import Duration
from firstline.declaration.error import Misdeclarations
from firstline.declaration.load import load
from firstline.declaration.model import Declaration, Json
from firstline.declaration.size import Size
from firstline.declaration.yaml import parse

__all__ = [
    "Declaration",
    "Document",
    "Duration",
    "Json",
    "Misdeclarations",
    "Size",
    "canonical",
    "digest",
    "load",
    "parse",
]
