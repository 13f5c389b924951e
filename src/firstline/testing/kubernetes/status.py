"""Errors as the API server writes them: a `Status` object (meta/v1)."""

from typing import Any


class Refused(Exception):
    """Answered instead of an object."""

    def __init__(self, code: int, reason: str, message: str, **details: Any) -> None:
        super().__init__(message)
        self.code = code
        wait = details.get("retryAfterSeconds")
        self.headers = {"Retry-After": str(wait)} if wait else {}
        self.body = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": message,
            "reason": reason,
            "details": details,
            "code": code,
        }


def not_found(kind: str, name: str) -> Refused:
    return Refused(404, "NotFound", f'{kind} "{name}" not found', name=name, kind=kind)


def invalid(kind: str, name: str, field: str, words: str) -> Refused:
    cause = {"reason": "FieldValueInvalid", "message": words, "field": field}
    return Refused(
        422, "Invalid", f'{kind} "{name}" is invalid: {field}: {words}', name=name, kind=kind, causes=[cause]
    )
