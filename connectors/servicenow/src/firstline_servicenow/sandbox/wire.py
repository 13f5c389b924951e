"""Requests and answers: JSON in and out, who asks, and the vendor's error bodies."""

import base64
import binascii
from collections.abc import Awaitable, Callable
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from firstline_servicenow.sandbox.fault import Fault
from firstline_servicenow.sandbox.instance import Instance
from firstline_servicenow.sandbox.rule import Limited

Endpoint = Callable[[Request, Instance, str], Awaitable[Response]]


def answer(content: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(orjson.dumps(content), status, headers, "application/json;charset=UTF-8")


def guarded(instance: Instance, kind: str, endpoint: Endpoint) -> Callable[[Request], Awaitable[Response]]:
    """Sign in, count, act, and turn a refusal into the vendor's body."""

    async def act(request: Request) -> Response:
        instance.requests[f"{request.method} {kind}"] += 1
        if instance.trouble.times > 0:
            return _troubled(instance)
        try:
            user = signed_in(request, instance)
            told = instance.rules.admit(user)
            response = await endpoint(request, instance, user)
        except Fault as fault:
            return answer(fault.body, fault.status, _headers(fault))
        response.headers.update(told)
        return response

    return act


def _headers(fault: Fault) -> dict[str, str]:
    if isinstance(fault, Limited):
        return fault.headers
    return {"WWW-Authenticate": 'BASIC realm="Service-now"'} if fault.status == 401 else {}


def _troubled(instance: Instance) -> Response:
    """As the vendor answers past a rate limit, or while it is down."""
    trouble = instance.trouble
    trouble.times -= 1
    limited = trouble.status == 429
    fault = Fault(trouble.status, "Rate limit exceeded" if limited else "Service unavailable")
    return answer(fault.body, fault.status, {"Retry-After": str(trouble.retry_after)})


def signed_in(request: Request, instance: Instance) -> str:
    """The user name: by basic authentication, an OAuth token, or an API key."""
    scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
    user = ""
    if scheme.lower() == "basic":
        user = _basic(credentials, instance)
    elif scheme.lower() == "bearer":
        user = instance.tokens.get(credentials, "")
    elif "x-sn-apikey" in request.headers:
        user = instance.api_keys.get(request.headers["x-sn-apikey"], "")
    if not user:
        raise Fault(401, "User Not Authenticated", "Required to provide Auth information")
    return user


def _basic(credentials: str, instance: Instance) -> str:
    try:
        user, _, password = base64.b64decode(credentials, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return ""
    return user if user and instance.accounts.get(user) == password else ""


async def fields(request: Request) -> dict[str, Any]:
    """The body's name-value pairs; an empty body is none."""
    body = await request.body()
    if not body:
        return {}
    try:
        read = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise Fault(400, "Exception while reading request", "The payload is not valid JSON.") from None
    if not isinstance(read, dict):
        raise Fault(400, "Exception while reading request", "The payload is not an object.")
    return read


def address(request: Request, instance: Instance) -> str:
    return instance.settings.public_url.rstrip("/") or str(request.base_url).rstrip("/")
