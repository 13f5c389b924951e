"""Pages for people: read-only, on the server rendered."""

from firstline.web.portal.pages.remediation import router

__all__ = ["router"]
