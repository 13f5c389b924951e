"""What there is to be asked for: the discovery API, by which kubectl and others find their way
(kubernetes.io/docs/concepts/overview/kubernetes-api)."""

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

Body = dict[str, Any]

VERSION = {
    "major": "1", "minor": "36", "gitVersion": "v1.36.0", "platform": "linux/amd64", "compiler": "gc",
    "gitCommit": "0" * 40, "gitTreeState": "clean", "buildDate": "2026-04-22T00:00:00Z", "goVersion": "go1.26.0",
}  # fmt: skip
GROUPS = {
    "pods": ("v1", "Pod"),
    "secrets": ("v1", "Secret"),
    "events": ("v1", "Event"),
    "jobs": ("batch/v1", "Job"),
    "deployments": ("apps/v1", "Deployment"),
    "statefulsets": ("apps/v1", "StatefulSet"),
}
_VERBS = ["create", "delete", "get", "list", "patch", "watch"]


def path_of(version: str) -> str:
    return f"/apis/{version}" if "/" in version else f"/api/{version}"


def routes() -> list[Route]:
    versions = sorted({version for version, _ in GROUPS.values()})
    answers: dict[str, Body] = {
        "/version": VERSION,
        "/version/": VERSION,
        "/api": {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []},
        "/apis": {
            "kind": "APIGroupList",
            "apiVersion": "v1",
            "groups": [_group(each) for each in versions if "/" in each],
        },
        **{path_of(version): _resources(version) for version in versions},
        "/openapi/v3": {"paths": {path_of(each)[1:]: {"serverRelativeURL": _described(each)} for each in versions}},
        **{_described(version): _description(version) for version in versions},
    }
    return [Route(path, _teller(answer)) for path, answer in answers.items()]


def _group(version: str) -> Body:
    told = {"groupVersion": version, "version": version.partition("/")[2]}
    return {"name": version.partition("/")[0], "versions": [told], "preferredVersion": told}


def _resources(version: str) -> Body:
    resources = [
        {"name": name, "singularName": kind.lower(), "namespaced": True, "kind": kind, "verbs": _VERBS}
        for name, (its, kind) in GROUPS.items()
        if its == version
    ]
    if version == "v1":
        resources.append({"name": "pods/log", "singularName": "", "namespaced": True, "kind": "Pod", "verbs": ["get"]})
        told = {"name": "pods/exec", "singularName": "", "namespaced": True, "kind": "PodExecOptions"}
        resources.append({**told, "verbs": ["create", "get"]})
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": version, "resources": resources}


def _described(version: str) -> str:
    return f"/openapi/v3{path_of(version)}"


def _description(version: str) -> Body:
    """As much as says that fields are looked at here, so that a client leaves it to us (fieldValidation)."""
    group, _, its = version.rpartition("/")
    parameters = [{"name": name, "in": "query", "schema": {"type": "string"}} for name in ("fieldValidation", "dryRun")]
    paths = {}
    for name, (where, kind) in GROUPS.items():
        if where == version:
            told = {"group": group, "version": its, "kind": kind}
            operation = {"parameters": parameters, "responses": {}, "x-kubernetes-group-version-kind": told}
            paths[f"{path_of(version)}/namespaces/{{namespace}}/{name}/{{name}}"] = {"patch": operation}
    return {"openapi": "3.0.0", "info": {"title": "Kubernetes", "version": VERSION["gitVersion"]}, "paths": paths}


def _teller(answer: Body) -> Any:
    async def tell(_: Request) -> Response:
        return JSONResponse(answer)

    return tell
