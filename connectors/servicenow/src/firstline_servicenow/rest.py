"""Answers of the instance's JSON interfaces other than the Table API, over httpx."""

from typing import Any

import httpx
import orjson

from firstline.errors import Rejected, Unavailable
from firstline.http import request


async def ask(http: httpx.AsyncClient, method: str, url: str, **options: Any) -> Any:
    """Send one request and return what the answer's `result` holds."""
    response = await request(http, method, url, **options)
    if "json" not in response.headers.get("Content-Type", ""):
        raise Unavailable(f"{method} {url} answered a page instead of JSON: is the instance hibernating?")
    try:
        answer = orjson.loads(response.content)
    except orjson.JSONDecodeError as error:
        raise Unavailable(f"{method} {url} answered broken JSON: {error}") from error
    if not isinstance(answer, dict) or "result" not in answer:
        raise Rejected(f"{method} {url} answered no result")
    return answer["result"]
