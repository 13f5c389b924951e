"""PagerDuty's refusals, with its own codes and words (PagerDuty, "Errors")."""

from typing import Any


class Refusal(Exception):
    """Answered instead of a result. `errors` are the details for people."""

    def __init__(self, status: int, code: int, message: str, *errors: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.errors = errors

    def body(self) -> dict[str, Any]:
        error: dict[str, Any] = {"message": self.message, "code": self.code}
        return {"error": error | ({"errors": list(self.errors)} if self.errors else {})}


def not_found() -> Refusal:
    return Refusal(404, 2100, "Not Found")


def invalid(*errors: str) -> Refusal:
    return Refusal(400, 2001, "Invalid Input Provided", *errors)


def unauthenticated() -> Refusal:
    return Refusal(401, 2006, "Authentication failed")


def forbidden() -> Refusal:
    return Refusal(403, 2010, "Access Denied")


def too_many() -> Refusal:
    return Refusal(429, 2020, "Rate Limit Exceeded")


def already_resolved() -> Refusal:
    return Refusal(400, 1001, "Incident Already Resolved", "Incident Already Resolved")


def already_acknowledged() -> Refusal:
    return Refusal(400, 1002, "Incident Already Acknowledged", "Incident Already Acknowledged")


def invalid_status() -> Refusal:
    return Refusal(400, 1003, "Invalid Status Provided", "Status must be one of triggered, acknowledged, resolved")


def cannot_escalate(why: str) -> Refusal:
    return Refusal(400, 1006, "Cannot Escalate", why)


def no_requester() -> Refusal:
    return Refusal(400, 1008, "Requester User Not Found", "Requester User Not Found")
