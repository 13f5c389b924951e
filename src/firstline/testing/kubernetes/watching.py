"""A watch: what changes, as it does, a JSON object a line (kubernetes.io/docs/reference/using-api/api-concepts)."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

from starlette.requests import Request

from firstline.testing.kubernetes.selector import Fits
from firstline.testing.kubernetes.world import World

Body = dict[str, Any]
_LASTS = 60.0  # seconds, where nobody says how long


async def changes(
    world: World, kind: str, request: Request, fits: Fits, shown: Callable[[Any], Any]
) -> AsyncIterator[str]:
    """Those that are there and newer than `resourceVersion`, then what comes."""
    namespace, query = request.path_params["namespace"], request.query_params
    since = int(query.get("resourceVersion") or 0)
    told: asyncio.Queue[Body] = asyncio.Queue()
    seen = {body["metadata"]["uid"] for body in world.all(kind, namespace)}

    def listen(its: str, body: Body) -> None:
        if its == kind and body["metadata"]["namespace"] == namespace and fits(body):
            uid = body["metadata"]["uid"]
            there = (kind, namespace, body["metadata"]["name"]) in world.objects
            what = "DELETED" if not there else "MODIFIED" if uid in seen else "ADDED"
            seen.add(uid)
            told.put_nowait({"type": what, "object": shown(body)})

    world.changed.append(listen)
    try:
        for body in world.all(kind, namespace, fits):
            if int(body["metadata"]["resourceVersion"]) > since:
                yield json.dumps({"type": "ADDED", "object": shown(body)}) + "\n"
        async with asyncio.timeout(float(query.get("timeoutSeconds") or _LASTS)):
            while True:
                yield json.dumps(await told.get()) + "\n"
    except TimeoutError:
        return
    finally:
        world.changed.remove(listen)
