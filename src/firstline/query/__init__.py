"""Asks databases and Prometheus one bounded question, for checks. Nothing is changed by it."""

from firstline.query.settings import QuerySettings, source
from firstline.query.source import Answer, Source

__all__ = ["Answer", "QuerySettings", "Source", "source"]
