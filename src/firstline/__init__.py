"""Firstline: an integration hub between ITSM, monitoring and runbooks."""
