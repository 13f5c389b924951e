"""The part of a Kubernetes API that tells of nodes, as its reference describes it: nodes, their leases, pods and
events, paged lists, bearer tokens, merge patches that name the version they change, and the node controller's verdict
on a kubelet that no longer renews its lease."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware, RequestResponseEndpoint
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

GRACE = timedelta(seconds=1)  # node-monitor-grace-period, which is 50 s by default
SILENT = "Kubelet stopped posting node status."


class Node:
    """Reports for itself, or by a kubelet that renews its lease."""

    def __init__(self, name: str, *, has_kubelet: bool = False) -> None:
        self.name = name
        self.renewed = self.changed = datetime.now(UTC)
        self.has_kubelet = has_kubelet
        self.was = "True"
        self.spec: dict[str, Any] = {}
        self.annotations: dict[str, Any] = {}
        self.version = 1
        self.restless = 0  # so many times the record changes just before it is patched
        self.pressure = "False"

    @property
    def ready(self) -> str:
        silent = self.has_kubelet and datetime.now(UTC) - self.renewed > GRACE
        now = "Unknown" if silent else "True"
        if now != self.was:
            self.was, self.changed = now, datetime.now(UTC)
        return now

    def shown(self) -> dict[str, Any]:
        reason = "KubeletReady" if self.ready == "True" else "NodeStatusUnknown"
        message = "kubelet is posting ready status" if self.ready == "True" else SILENT
        taints = [] if self.ready == "True" else [{"key": "node.kubernetes.io/unreachable", "effect": "NoExecute"}]
        conditions = [
            self._condition("DiskPressure", self.pressure, "KubeletHasNoDiskPressure", ""),
            self._condition("Ready", self.ready, reason, message),
        ]
        status = {"conditions": conditions, "nodeInfo": {"kubeletVersion": "v1.32.4"}}
        told = {"name": self.name, "resourceVersion": str(self.version), "annotations": self.annotations}
        return {"metadata": told, "spec": {"taints": taints, **self.spec}, "status": status}

    def patch(self, body: dict[str, Any]) -> bool:
        """A merge patch; False where it is of an older version."""
        self.version, self.restless = self.version + (self.restless > 0), max(0, self.restless - 1)
        if body["metadata"].pop("resourceVersion") != str(self.version):
            return False
        for place, changes in ((self.annotations, body["metadata"]["annotations"]), (self.spec, body["spec"])):
            place.update(changes)
            for name in [name for name, value in place.items() if value is None]:
                del place[name]
        self.version += 1
        return True

    def _condition(self, kind: str, status: str, reason: str, message: str) -> dict[str, str]:
        since = self.changed.strftime("%Y-%m-%dT%H:%M:%SZ")
        return {"type": kind, "status": status, "reason": reason, "message": message, "lastTransitionTime": since}


class Cluster:
    def __init__(self, token: str, *nodes: Node) -> None:
        self._token = token
        self.nodes = {node.name: node for node in nodes}
        self.unready = 1  # how often the last event came

    def app(self) -> Starlette:
        lease = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/{name}"
        routes = [
            Route("/api/v1/nodes", self._list),
            Route("/api/v1/nodes/{name}", self._node, methods=["GET", "PATCH"]),
            Route("/api/v1/pods", self._pods),
            Route("/api/v1/events", self._events),
            Route(lease, self._lease, methods=["GET", "PATCH"]),
        ]
        return Starlette(routes=routes, middleware=[Middleware(BaseHTTPMiddleware, dispatch=self._admit)])

    async def _admit(self, request: Request, go_on: RequestResponseEndpoint) -> Response:
        if request.headers.get("Authorization") != f"Bearer {self._token}":
            return JSONResponse({"kind": "Status", "status": "Failure", "message": "Unauthorized", "code": 401}, 401)
        return await go_on(request)

    async def _list(self, request: Request) -> JSONResponse:
        """One node a page: nobody who asks for all may stop at the first."""
        names = sorted(self.nodes)
        at = int(request.query_params.get("continue", "0"))
        more = {"continue": str(at + 1)} if at + 1 < len(names) else {}
        return JSONResponse({"items": [self.nodes[names[at]].shown()], "metadata": more})

    async def _node(self, request: Request) -> JSONResponse:
        name = request.path_params["name"]
        if name not in self.nodes:
            why = f'nodes "{name}" not found'
            return JSONResponse({"kind": "Status", "status": "Failure", "message": why, "code": 404}, 404)
        if request.method == "PATCH":
            assert request.headers["Content-Type"] == "application/merge-patch+json"
            if not self.nodes[name].patch(json.loads(await request.body())):
                why = f'Operation cannot be fulfilled on nodes "{name}": the object has been modified'
                return JSONResponse({"kind": "Status", "reason": "Conflict", "message": why, "code": 409}, 409)
        return JSONResponse(self.nodes[name].shown())

    async def _lease(self, request: Request) -> JSONResponse:
        node = self.nodes[request.path_params["name"]]
        if request.method == "PATCH":
            renewed = json.loads(await request.body())["spec"]["renewTime"]
            node.renewed = datetime.strptime(renewed, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
        return JSONResponse({"spec": {"renewTime": node.renewed.strftime("%Y-%m-%dT%H:%M:%S.%fZ")}})

    async def _pods(self, request: Request) -> JSONResponse:
        assert request.query_params["fieldSelector"].startswith("spec.nodeName=")
        pod = {"metadata": {"namespace": "shop", "name": "shop-7d4f"}, "status": {"phase": "Running"}}
        return JSONResponse({"items": [pod], "metadata": {}})

    async def _events(self, request: Request) -> JSONResponse:
        assert "involvedObject.kind=Node" in request.query_params["fieldSelector"]
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        event = {"firstTimestamp": now, "lastTimestamp": now, "count": self.unready}
        event |= {"reason": "NodeNotReady", "message": "Node is not ready"}
        return JSONResponse({"items": [event], "metadata": {}})
