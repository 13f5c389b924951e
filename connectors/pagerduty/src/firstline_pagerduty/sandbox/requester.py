"""In whose name a write is made."""

from starlette.requests import Request

from firstline_pagerduty.sandbox import error
from firstline_pagerduty.sandbox.account import Account
from firstline_pagerduty.sandbox.entity import User


class Requesters:
    def __init__(self, account: Account) -> None:
        self._account = account

    def of(self, request: Request) -> User:
        """Who the `From` header names; PagerDuty asks for it on writes with an account's key."""
        email = request.headers.get("from", "").lower()
        if not email:
            raise error.invalid("From header is required")
        user = next((user for user in self._account.users.values() if user.email.lower() == email), None)
        if user is None:
            raise error.no_requester()
        return user
