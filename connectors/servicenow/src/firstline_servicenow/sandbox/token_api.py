"""/oauth_token.do: a token for an OAuth application (OAuth API request parameters, client credentials grant)."""

from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import Response

from firstline_servicenow.sandbox.instance import Instance
from firstline_servicenow.sandbox.wire import answer

LIFETIME = 1799  # seconds


class TokenApi:
    def __init__(self, instance: Instance) -> None:
        self._instance = instance

    async def give(self, request: Request) -> Response:
        self._instance.requests["POST token"] += 1
        form = {name: values[-1] for name, values in parse_qs((await request.body()).decode()).items()}
        token = ""
        if form.get("grant_type") == "client_credentials":
            token = self._instance.token(form.get("client_id", ""), form.get("client_secret", ""))
        if not token:
            return answer({"error_description": "access_denied", "error": "server_error"}, 401)
        told = {"access_token": token, "scope": "useraccount", "token_type": "Bearer", "expires_in": LIFETIME}
        return answer(told)
