"""The APIs by which webhooks are registered: Cloud's admin webhooks, Data Center's, and dynamic ones."""

import time
from typing import Any, Literal

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from firstline_jira.sandbox.hook import Hook, Hooks
from firstline_jira.sandbox.platform import body
from firstline_jira.sandbox.record import Refused
from firstline_jira.sandbox.trouble import Troubles

SECTION = "issue-related-events-section"
DAY = 86_400

Tree = dict[str, Any]
Kind = Literal["admin", "server"]


class Admin:
    """/rest/webhooks/1.0/webhook (`admin`) and, from Data Center 10 on, /rest/jira-webhook/1.0/webhooks (`server`)."""

    def __init__(self, hooks: Hooks, troubles: Troubles, base: str, kind: Kind) -> None:
        self._hooks = hooks
        self._troubles = troubles
        self._base = base
        self._kind = kind

    def routes(self) -> list[Route]:
        path = "/webhook" if self._kind == "admin" else "/webhooks"
        return [
            Route(path, self.every, methods=["GET"]),
            Route(path, self.create, methods=["POST"]),
            Route(f"{path}/{{id}}", self.one, methods=["GET"]),
            Route(f"{path}/{{id}}", self.edit, methods=["PUT"]),
            Route(f"{path}/{{id}}", self.delete, methods=["DELETE"]),
        ]

    async def every(self, _: Request) -> Response:
        self._admit()
        return JSONResponse([self._shown(hook) for hook in self._hooks.hooks if hook.kind == self._kind])

    async def one(self, request: Request) -> Response:
        return JSONResponse(self._shown(self._find(request)))

    async def create(self, request: Request) -> Response:
        self._admit()
        wanted = await body(request)
        if not wanted.get("name") or not str(wanted.get("url", "")).startswith("http"):
            raise Refused(400, "A webhook needs a name and a URL.")
        made = self._hooks.register(lambda id: Hook(id, self._kind, ""))  # noqa: A006 - Jira's word
        self._fill(made, wanted)
        return JSONResponse(self._shown(made), 201)

    async def edit(self, request: Request) -> Response:
        """A secret that is not sent stays."""
        found = self._find(request)
        self._fill(found, await body(request))
        return JSONResponse(self._shown(found))

    async def delete(self, request: Request) -> Response:
        self._hooks.hooks.remove(self._find(request))
        return Response(status_code=204)

    def _fill(self, hook: Hook, wanted: Tree) -> None:
        hook.name, hook.url = str(wanted.get("name", hook.name)), str(wanted.get("url", hook.url))
        hook.events = [*wanted.get("events", hook.events)]
        hook.filter = str((wanted.get("filters") or {}).get(SECTION) or "")
        hook.enabled = bool(wanted.get("enabled" if self._kind == "admin" else "active", True))
        # Data Center ignores a secret that does not stand in the configuration.
        source = wanted if self._kind == "admin" else wanted.get("configuration") or {}
        hook.secret = str(source.get("secret" if self._kind == "admin" else "SECRET") or hook.secret)

    def _shown(self, hook: Hook) -> Tree:
        common = {"name": hook.name, "url": hook.url, "events": hook.events}
        if self._kind == "server":
            secret = {"SECRET": "********"} if hook.secret else {}
            configuration = {"EXCLUDE_BODY": "false"} | secret
            return {**common, "id": int(hook.id), "active": hook.enabled, "configuration": configuration}
        return {
            **common,
            "filters": {SECTION: hook.filter} if hook.filter else {},
            "excludeBody": False,
            "enabled": hook.enabled,
            "isSigned": bool(hook.secret),
            "self": f"{self._base}/rest/webhooks/1.0/webhook/{hook.id}",
        }

    def _find(self, request: Request) -> Hook:
        self._admit()
        wanted = request.path_params["id"]
        for hook in self._hooks.hooks:
            if hook.id == wanted and hook.kind == self._kind:
                return hook
        raise Refused(404, "There is no webhook with this id.")

    def _admit(self) -> None:
        if "ADMINISTER" in self._troubles.now.denied:
            raise Refused(403, "You are not authorized to perform this operation. Administrator privileges are needed.")


class Dynamic:
    """/rest/api/3/webhook: of OAuth apps, unsigned, with an end."""

    def __init__(self, hooks: Hooks, troubles: Troubles) -> None:
        self._hooks = hooks
        self._troubles = troubles

    def routes(self) -> list[Route]:
        return [
            Route("/webhook", self.every, methods=["GET"]),
            Route("/webhook", self.create, methods=["POST"]),
            Route("/webhook", self.delete, methods=["DELETE"]),
            Route("/webhook/refresh", self.refresh, methods=["PUT"]),
        ]

    async def every(self, request: Request) -> Response:
        _admit_app(request)
        rows = [_shown(hook) for hook in self._mine()]
        return JSONResponse({"isLast": True, "startAt": 0, "maxResults": 100, "total": len(rows), "values": rows})

    async def create(self, request: Request) -> Response:
        _admit_app(request)
        wanted = await body(request)
        return JSONResponse({"webhookRegistrationResult": [self._made(wanted, row) for row in wanted["webhooks"]]})

    def _made(self, wanted: Tree, row: Tree) -> Tree:
        others = {hook.url for hook in self._mine()} - {wanted["url"]}
        if others:
            return {"errors": ["Only a single URL per app is allowed to be registered via REST API."]}
        if not row.get("jqlFilter"):
            return {"errors": ["JQL filter is required."]}
        made = self._hooks.register(
            lambda id: Hook(  # noqa: A006
                id, "dynamic", wanted["url"], events=row["events"], filter=row["jqlFilter"], expires_at=self._end()
            )
        )
        return {"createdWebhookId": int(made.id)}

    async def delete(self, request: Request) -> Response:
        _admit_app(request)
        ids = {str(id) for id in (await body(request)).get("webhookIds") or []}  # noqa: A001
        self._hooks.hooks = [hook for hook in self._hooks.hooks if hook.kind != "dynamic" or hook.id not in ids]
        return Response(status_code=202)

    async def refresh(self, request: Request) -> Response:
        _admit_app(request)
        ids = {str(id) for id in (await body(request)).get("webhookIds") or []}  # noqa: A001
        for hook in self._mine():
            if hook.id in ids:
                hook.expires_at = self._end()
        return JSONResponse({"expirationDate": round(self._end() * 1000)})

    def _mine(self) -> list[Hook]:
        return [hook for hook in self._hooks.hooks if hook.kind == "dynamic"]

    def _end(self) -> float:
        return time.time() + self._troubles.now.hook_days * DAY


def _shown(hook: Hook) -> Tree:
    ends = round((hook.expires_at or 0) * 1000)
    return {
        "id": int(hook.id),
        "url": hook.url,
        "events": hook.events,
        "jqlFilter": hook.filter,
        "expirationDate": ends,
    }


def _admit_app(request: Request) -> None:
    if not request.state.app:
        raise Refused(403, "Only Connect and OAuth 2.0 apps can use this operation.")
