"""The API over HTTP (kubernetes.io/docs/reference/using-api/api-concepts)."""

import base64
import copy
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route, WebSocketRoute

from firstline.testing.kubernetes.controller import JobController
from firstline.testing.kubernetes.kubelet import Kubelet
from firstline.testing.kubernetes.shell import Shell
from firstline.testing.kubernetes.status import Refused
from firstline.testing.kubernetes.world import World, now

Body = dict[str, Any]

_GROUPS = {
    "pods": "/api/v1",
    "secrets": "/api/v1",
    "jobs": "/apis/batch/v1",
    "deployments": "/apis/apps/v1",
    "statefulsets": "/apis/apps/v1",
}
_INNER = ("node", "lacking", "made")  # of a status: what the stand-in notes for itself


def application(world: World) -> Starlette:
    controller, kubelet = JobController(world), Kubelet(world)
    api = Api(world, kubelet)
    routes: list[Any] = [
        Route("/version", api.version),
        Route("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", api.review, methods=["POST"]),
    ]
    for kind, group in _GROUPS.items():
        path = f"{group}/namespaces/{{namespace}}/{kind}"
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

    app = Starlette(routes=routes, lifespan=lifespan, exception_handlers={Refused: _refused})
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

    async def version(self, _: Request) -> Response:
        return JSONResponse({"major": "1", "minor": "32", "gitVersion": "v1.32.4", "platform": "linux/amd64"})

    async def review(self, request: Request) -> Response:
        self.admit("create", "selfsubjectaccessreviews", request)
        body = await request.json()
        asked = body["spec"]["resourceAttributes"]
        resource = "/".join(filter(None, (asked["resource"], asked.get("subresource"))))
        return JSONResponse(body | {"status": {"allowed": (asked["verb"], resource) not in self._world.denied}}, 201)

    async def list(self, kind: str, request: Request) -> Response:
        wanted = dict(pair.split("=", 1) for pair in request.query_params.get("labelSelector", "").split(",") if pair)
        found = self._world.all(kind, request.path_params["namespace"], wanted)
        begin = int(request.query_params.get("continue") or 0)
        end = begin + int(request.query_params.get("limit") or len(found) or 1)
        metadata = {"resourceVersion": "1"} | ({"continue": str(end)} if end < len(found) else {})
        return JSONResponse(
            {"kind": "List", "apiVersion": "v1", "metadata": metadata, "items": _shown(found[begin:end])}
        )

    async def create(self, kind: str, request: Request) -> Response:
        body = await _json(request)
        if kind == "secrets":
            for name, value in body.pop("stringData", {}).items():
                body.setdefault("data", {})[name] = base64.b64encode(value.encode()).decode()
        if kind == "pods":
            body["status"] = {"phase": "Pending", "conditions": []}
        return JSONResponse(_shown(self._world.create(kind, request.path_params["namespace"], body)), 201)

    async def get(self, kind: str, request: Request) -> Response:
        return JSONResponse(
            _shown(self._world.get(kind, request.path_params["namespace"], request.path_params["name"]))
        )

    async def patch(self, kind: str, request: Request) -> Response:
        if request.headers.get("Content-Type") != "application/merge-patch+json":
            raise Refused(415, "UnsupportedMediaType", "the body of the request was in an unknown format")
        place, name = request.path_params["namespace"], request.path_params["name"]
        return JSONResponse(_shown(self._world.merge(kind, place, name, await _json(request))))

    async def delete(self, kind: str, request: Request) -> Response:
        body = self._world.get(kind, request.path_params["namespace"], request.path_params["name"])
        if kind == "pods":
            body["metadata"].setdefault("deletionTimestamp", now())
            self._world.touch("pods", body)
        else:
            self._world.remove(kind, body)
            for pod in self._world.all("pods", request.path_params["namespace"]):
                if body["metadata"]["uid"] in [owner["uid"] for owner in pod["metadata"].get("ownerReferences", [])]:
                    pod["metadata"].setdefault("deletionTimestamp", now())
        return JSONResponse({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"})

    async def log(self, request: Request) -> Response:
        self.admit("get", "pods/log", request)
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
        return StreamingResponse(
            self._pieces(pod, int(request.query_params.get("limitBytes") or 2**62)), media_type="text/plain"
        )

    async def _pieces(self, pod: Body, limit: int) -> AsyncIterator[bytes]:
        file = self._kubelet.log(pod)
        if not file.exists():
            return
        with file.open("rb") as log:
            while limit > 0 and (piece := log.read(min(65_536, limit))):
                limit -= len(piece)
                yield piece


async def _json(request: Request) -> Body:
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
    return JSONResponse(error.body, error.code)
