"""A small stateful stand-in of ServiceNow, built from its documents: for demonstrations, rehearsals and tests."""

from firstline_servicenow.sandbox.app import create_app

__all__ = ["create_app"]
