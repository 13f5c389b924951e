"""The API over HTTP (kubernetes.io/docs/reference/using-api/api-concepts)."""

import asyncio
import base64
import copy
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route, WebSocketRoute

from firstline.testing.kubernetes import discovery
from firstline.testing.kubernetes.controller import JobController
from firstline.testing.kubernetes.discovery import GROUPS, path_of
from firstline.testing.kubernetes.kubelet import Kubelet
from firstline.testing.kubernetes.selector import fits
from firstline.testing.kubernetes.shell import Shell
from firstline.testing.kubernetes.status import Refused
from firstline.testing.kubernetes.watching import changes
from firstline.testing.kubernetes.world import World, now

Body = dict[str, Any]

MERGE = "application/merge-patch+json"  # RFC 7386; the other three kinds of patch are not taken
_JOB = {"parallelism": 1, "completions": 1, "backoffLimit": 6, "completionMode": "NonIndexed", "suspend": False,
        "manualSelector": False, "podReplacementPolicy": "TerminatingOrFailed"}  # fmt: skip  # unless it is said
_INNER = ("node", "lacking", "made")  # of a status: what the stand-in notes for itself


def application(world: World) -> Starlette:
    controller, kubelet = JobController(world), Kubelet(world)
    api = Api(world, kubelet)
    routes: list[Any] = [
        *discovery.routes(),
        Route("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", api.review, methods=["POST"]),
    ]
    for kind, (version, _) in GROUPS.items():
        path = f"{path_of(version)}/namespaces/{{namespace}}/{kind}"
        routes += [
            Route(path, api.of(kind, api.list), methods=["GET"]),
            Route(path, api.of(kind, api.create), methods=["POST"]),
            Route(f"{path}/{{name}}", api.of(kind, api.get), methods=["GET"]),
            Route(f"{path}/{{name}}", api.of(kind, api.patch), methods=["PATCH"]),
            Route(f"{path}/{{name}}", api.of(kind, api.delete), methods=["DELETE"]),
        ]
    routes.append(Route("/api/v1/namespaces/{namespace}/pods/{name}/log", api.log))
    routes.append(WebSocketRoute("/api/v1/namespaces/{namespace}/pods/{name}/exec", Shell(world, kubelet).serve))

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        for container in list(kubelet.containers.values()):
            await container.sweep()
        for task in world.tasks:
            task.cancel()

    app = Starlette(routes=routes, lifespan=lifespan, exception_handlers={Refused: _refused, HTTPException: _nowhere})
    app.state.controller = controller
    return app


class Api:
    def __init__(self, world: World, kubelet: Kubelet) -> None:
        self._world = world
        self._kubelet = kubelet

    def of(
        self, kind: str, work: Callable[[str, Request], Awaitable[Response]]
    ) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            verb = "list" if request.method == "GET" and "name" not in request.path_params else request.method.lower()
            self.admit({"post": "create"}.get(verb, verb), kind, request)
            return await work(kind, request)

        return answer

    def admit(self, verb: str, resource: str, request: Request) -> None:
        if request.headers.get("Authorization") != f"Bearer {self._world.token}":
            raise Refused(401, "Unauthorized", "Unauthorized")
        if (verb, resource) in self._world.denied:
            user = "system:serviceaccount:ops:firstline"
            words = f'{resource} is forbidden: User "{user}" cannot {verb} resource "{resource}" in API group ""'
            raise Refused(403, "Forbidden", words, kind=resource)
        for index, (its, where, refused) in enumerate(self._world.refusals):
            if (its, where) == (verb, resource):
                del self._world.refusals[index]
                raise refused

    async def review(self, request: Request) -> Response:
        self.admit("create", "selfsubjectaccessreviews", request)
        body = await _json(request)
        asked = body["spec"]["resourceAttributes"]
        resource = "/".join(filter(None, (asked["resource"], asked.get("subresource"))))
        return JSONResponse(body | {"status": {"allowed": (asked["verb"], resource) not in self._world.denied}}, 201)

    async def list(self, kind: str, request: Request) -> Response:
        query = request.query_params
        wanted = fits(kind, query.get("labelSelector", ""), query.get("fieldSelector", ""))
        if query.get("watch") in ("true", "1"):
            return StreamingResponse(
                changes(self._world, kind, request, wanted, _shown), media_type="application/json;stream=watch"
            )
        if query.get("continue") and self._world.forgetful:
            raise Refused(410, "Expired", "The provided continue parameter is too old to display a consistent list.")
        found = self._world.all(kind, request.path_params["namespace"], wanted)
        begin = int(query.get("continue") or 0)
        end = begin + int(query.get("limit") or len(found) or 1)
        metadata = {"resourceVersion": self._world.version} | ({"continue": str(end)} if end < len(found) else {})
        version, name = GROUPS[kind]
        return JSONResponse(
            {"kind": f"{name}List", "apiVersion": version, "metadata": metadata, "items": _shown(found[begin:end])}
        )

    async def create(self, kind: str, request: Request) -> Response:
        body = await _json(request)
        version, name = GROUPS[kind]
        if (body.get("apiVersion", version), body.get("kind", name)) != (version, name):
            words = f"the object provided is unrecognized: {body.get('apiVersion')} {body.get('kind')}, not {name}"
            raise Refused(400, "BadRequest", words)
        if kind == "secrets":
            for name, value in body.pop("stringData", {}).items():
                body.setdefault("data", {})[name] = base64.b64encode(value.encode()).decode()
        if kind == "pods":
            body["status"] = {"phase": "Pending", "conditions": []}
        if kind == "jobs":
            body["spec"] = _JOB | body["spec"]
        return JSONResponse(_shown(self._world.create(kind, request.path_params["namespace"], body)), 201)

    async def get(self, kind: str, request: Request) -> Response:
        return JSONResponse(
            _shown(self._world.get(kind, request.path_params["namespace"], request.path_params["name"]))
        )

    async def patch(self, kind: str, request: Request) -> Response:
        if request.headers.get("Content-Type") != MERGE:
            words = f"the body of the request was in an unknown format - accepted media types include: {MERGE}"
            raise Refused(415, "UnsupportedMediaType", words)
        place, name = request.path_params["namespace"], request.path_params["name"]
        return JSONResponse(_shown(self._world.merge(kind, place, name, await _json(request))))

    async def delete(self, kind: str, request: Request) -> Response:
        body = self._world.get(kind, request.path_params["namespace"], request.path_params["name"])
        if kind == "pods":
            body["metadata"].setdefault("deletionTimestamp", now())
            self._world.touch("pods", body)
            return JSONResponse(_shown(body))
        self._world.remove(kind, body)
        for pod in self._world.owned("pods", request.path_params["namespace"], body["metadata"]["uid"]):
            pod["metadata"].setdefault("deletionTimestamp", now())
            self._world.touch("pods", pod)
        return JSONResponse({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"})

    async def log(self, request: Request) -> Response:
        self.admit("get", "pods/log", request)
        if lacking := ", ".join({*request.query_params} - {"container", "limitBytes", "follow", "previous"}):
            raise Refused(400, "BadRequest", f"the stand-in can't give a log by {lacking}")
        if request.query_params.get("previous") == "true":
            raise Refused(
                400, "BadRequest", "previous terminated container not found: no container is begun twice here"
            )
        pod = self._world.get("pods", request.path_params["namespace"], request.path_params["name"])
        names = [container["name"] for container in pod["spec"]["containers"]]
        name = request.query_params.get("container", names[0])
        if name not in names:
            words = f"container {name} is not valid for pod {pod['metadata']['name']}"
            raise Refused(400, "BadRequest", words)
        state = (pod["status"].get("containerStatuses") or [{"state": {"waiting": {"reason": "Pending"}}}])[0]["state"]
        if "waiting" in state:
            reason = state["waiting"]["reason"]
            words = f'container "{name}" in pod "{pod["metadata"]["name"]}" is waiting to start: {reason}'
            raise Refused(400, "BadRequest", words)
        limit = int(request.query_params.get("limitBytes") or 2**62)
        follow = request.query_params.get("follow") == "true"
        return StreamingResponse(self._pieces(pod, limit, follow=follow), media_type="text/plain")

    async def _pieces(self, pod: Body, limit: int, *, follow: bool) -> AsyncIterator[bytes]:
        file = self._kubelet.log(pod)
        if file.exists():
            with file.open("rb") as log:
                while limit > 0:
                    goes_on = pod["metadata"]["uid"] in self._kubelet.containers
                    if piece := log.read(min(65_536, limit)):
                        limit -= len(piece)
                        yield piece
                    elif follow and goes_on:
                        await asyncio.sleep(0.02)
                    else:
                        return


async def _json(request: Request) -> Body:
    """JSON alone, of what the real one reads: no YAML, protobuf or CBOR."""
    said = request.headers.get("Content-Type", "application/json").partition(";")[0]
    if said not in ("application/json", MERGE):
        words = "the body of the request was in an unknown format - accepted media types include: application/json"
        raise Refused(415, "UnsupportedMediaType", words)
    try:
        body = await request.json()
    except ValueError as error:
        raise Refused(400, "BadRequest", f"the object provided is unrecognized: {error}") from error
    if not isinstance(body, dict):
        raise Refused(400, "BadRequest", "the object provided is unrecognized")
    return body


def _shown(body: Any) -> Any:
    if isinstance(body, list):
        return [_shown(each) for each in body]
    shown = copy.deepcopy(body)
    for name in _INNER:
        shown.get("status", {}).pop(name, None)
    return shown


async def _refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)
    return JSONResponse(error.body, error.code, error.headers)


async def _nowhere(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    reason = {404: "NotFound", 405: "MethodNotAllowed"}.get(error.status_code, "Unknown")
    words = "the server could not find the requested resource" if error.status_code == 404 else error.detail
    return JSONResponse(Refused(error.status_code, reason, words).body, error.status_code)
