"""Prometheus, and what speaks its HTTP API (https://prometheus.io/docs/prometheus/latest/querying/api/)."""

import asyncio
import math
from collections.abc import Mapping
from typing import Any

from firstline import http
from firstline.declaration import Json
from firstline.errors import Rejected, Unavailable
from firstline.query.source import Answer, placed

_ESCAPED = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}


class Prometheus:
    """Instant queries; `value` is that of the first series."""

    def __init__(self, url: str, token: str = "", basic: tuple[str, str] | None = None) -> None:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._http = http.client(url.rstrip("/"), headers=headers, auth=basic)

    async def ask(self, text: str, values: Mapping[str, str], timeout: float) -> Answer:
        query = placed(text, values, quoted)
        form = {"query": query, "timeout": f"{math.ceil(timeout * 1000)}ms"}
        try:
            async with asyncio.timeout(timeout):
                answer = await http.request(self._http, "POST", "/api/v1/query", data=form)
        except TimeoutError as error:
            raise Unavailable(f"no answer within {timeout:g} s") from error
        return answer_of(answer.json())

    async def aclose(self) -> None:
        await self._http.aclose()


def quoted(value: str) -> str:
    """A text as PromQL writes one: in double quotes, escaped as Go does."""
    return '"' + "".join(_ESCAPED.get(character, character) for character in value) + '"'


def answer_of(body: Any) -> Answer:
    """Of an answer's JSON. Raises `Rejected` for what is no vector, scalar or text, `Unavailable` for a part of an
    answer: "no series" may then only mean that the store which has them was down."""
    _whole(body)
    try:
        kind, result = body["data"]["resultType"], body["data"]["result"]
        if kind in ("scalar", "string"):
            return Answer(_number(result[1]) if kind == "scalar" else str(result[1]), 1)
        if kind == "vector":
            return Answer(_number(result[0]["value"][1]) if result else None, len(result))
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise Rejected(f"this is no answer of Prometheus: {str(body)[:200]}") from error
    raise Rejected(f"it gives a {kind}: ask for one value at a time, not for a range")


def _whole(body: Any) -> None:
    """A warning says that data could not be had (Thanos calls it a partial response), but for the remarks about the
    query itself, which begin with PromQL (Prometheus, util/annotations)."""
    told = body.get("warnings") if isinstance(body, dict) else None
    missing = [each for each in told or () if not str(each).startswith("PromQL ")]
    if missing:
        raise Unavailable(f"this is a part of the answer only: {str(missing[0])[:200]}")


def _number(text: str) -> Json:
    value = float(text)
    return value if math.isfinite(value) else None
