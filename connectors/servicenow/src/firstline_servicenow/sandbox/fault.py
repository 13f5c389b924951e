"""A refusal, with the vendor's body."""

from typing import Any


class Fault(Exception):
    """`status` is the HTTP status; `message` and `detail` go in the body as the vendor words them."""

    def __init__(self, status: int, message: str, detail: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.detail = detail

    @property
    def body(self) -> dict[str, Any]:
        return {"error": {"message": self.message, "detail": self.detail}, "status": "failure"}


def no_record() -> Fault:
    return Fault(404, "No Record found", "Record doesn't exist or ACL restricts the record retrieval")
