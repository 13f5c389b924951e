"""Jira's platform API, after Atlassian's OpenAPI file of REST v3; on Data Center the same in the shape of v2."""

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from firstline_jira.sandbox import workflow
from firstline_jira.sandbox.action import Actions
from firstline_jira.sandbox.model import CHANGE, Model
from firstline_jira.sandbox.record import PROJECT, PROJECT_ID, STAFF, Issue, Person, Refused
from firstline_jira.sandbox.render import Render
from firstline_jira.sandbox.trouble import Troubles

Tree = dict[str, Any]


class Platform:
    def __init__(self, actions: Actions, render: Render, troubles: Troubles, model: Model) -> None:
        self._model = model
        self._actions = actions
        self._render = render
        self._troubles = troubles

    def routes(self) -> list[Route]:
        issue = "/issue/{id}"
        return [
            Route("/myself", self.myself),
            Route("/mypermissions", self.permissions),
            Route("/priority", self.priorities),
            Route("/status", self.statuses),
            Route("/field", self.fields),
            Route("/project/{id}", self.project),
            Route("/project/{id}/statuses", self.project_statuses),
            Route("/issue/createmeta/{project}/issuetypes/{id}", self.create_fields),
            Route("/issue", self.create, methods=["POST"]),
            Route("/issueLink", self.link, methods=["POST"]),
            Route("/issueLinkType", self.link_types),
            Route(issue, self.issue, methods=["GET"]),
            Route(issue, self.edit, methods=["PUT"]),
            Route(f"{issue}/comment", self.comments, methods=["GET"]),
            Route(f"{issue}/comment", self.add_comment, methods=["POST"]),
            Route(f"{issue}/comment/{{comment}}", self.comment, methods=["GET"]),
            Route(f"{issue}/comment/{{comment}}", self.edit_comment, methods=["PUT"]),
            Route(f"{issue}/comment/{{comment}}", self.delete_comment, methods=["DELETE"]),
            Route("/comment/{comment}/properties", self.comment_properties),
            Route("/comment/{comment}/properties/{key}", self.comment_property),
            Route(f"{issue}/properties", self.properties),
            Route(f"{issue}/properties/{{key}}", self.property, methods=["GET", "PUT", "DELETE"]),
            Route(f"{issue}/transitions", self.transitions, methods=["GET"]),
            Route(f"{issue}/transitions", self.transition, methods=["POST"]),
            Route(f"{issue}/editmeta", self.edit_fields),
            Route(f"{issue}/changelog", self.changelog),
            Route(f"{issue}/assignee", self.assign, methods=["PUT"]),
            Route(f"{issue}/remotelink", self.web_links, methods=["GET"]),
            Route(f"{issue}/remotelink", self.add_web_link, methods=["POST"]),
            Route("/user/assignable/search", self.assignable),
            Route("/serverInfo", self.server),
        ]

    # set-up

    async def myself(self, request: Request) -> Response:
        return JSONResponse(self._render.person(who(request)))

    async def permissions(self, request: Request) -> Response:
        names = [name for name in request.query_params.get("permissions", "").split(",") if name]
        if not names:
            raise Refused(400, "The 'permissions' query parameter is required.")
        denied = self._troubles.now.denied
        rows = {n: {"key": n, "name": n.title(), "type": "PROJECT", "havePermission": n not in denied} for n in names}
        return JSONResponse({"permissions": rows})

    async def priorities(self, _: Request) -> Response:
        return JSONResponse([self._render.priority(id) for id in workflow.PRIORITIES])  # noqa: A001

    async def statuses(self, _: Request) -> Response:
        return JSONResponse([self._render.status(status) for status in self._model.statuses.values()])

    async def fields(self, _: Request) -> Response:
        system = [{**field, "key": field["id"], "custom": False} for field in workflow.SYSTEM]
        custom = (*workflow.CUSTOM, workflow.AGREEMENT)
        return JSONResponse(system + [{**field, "key": field["id"], "custom": True} for field in custom])

    async def server(self, _: Request) -> Response:
        base = {"baseUrl": self._render.base, "serverTitle": "Jira sandbox", "serverTimeZone": "Etc/UTC"}
        if self._render.cloud:
            return JSONResponse(
                {**base, "version": "1001.0.0", "versionNumbers": [1001, 0, 0], "deploymentType": "Cloud"}
            )
        return JSONResponse({**base, "version": "10.3.0", "versionNumbers": [10, 3, 0], "deploymentType": "Server"})

    async def project(self, request: Request) -> Response:
        self._known_project(request.path_params["id"])
        types = [self._render.issue_type(kind) for kind in self._model.types]
        return JSONResponse({**self._render.project(), "issueTypes": types})

    async def project_statuses(self, request: Request) -> Response:
        self._known_project(request.path_params["id"])
        return JSONResponse([self._render.issue_type_with_statuses(kind) for kind in self._model.types])

    async def create_fields(self, request: Request) -> Response:
        self._known_project(request.path_params["project"])
        if self._model.type(request.path_params["id"]) is None:
            raise Refused(404, "The issue type does not exist.")
        mandatory = self._troubles.now.mandatory if request.path_params["id"] == CHANGE else ()
        rows = [_create_field(field, mandatory) for field in (*workflow.SYSTEM, *workflow.CUSTOM)]
        key = "fields" if self._render.cloud else "values"
        return JSONResponse({"startAt": 0, "maxResults": 200, "total": len(rows), key: rows})

    def _known_project(self, id: str) -> None:  # noqa: A002 - Jira's word
        if id not in (PROJECT, PROJECT_ID):
            raise Refused(404, f"No project could be found with key '{id}'.")

    # issues

    def _issue(self, request: Request) -> Issue:
        return self._actions.records.find(request.path_params["id"])

    async def create(self, request: Request) -> Response:
        made = self._actions.create(who(request), await body(request))
        return JSONResponse({"id": made.id, "key": made.key, "self": self._render.url(f"issue/{made.id}")}, 201)

    async def issue(self, request: Request) -> Response:
        only, properties = (_listed(request.query_params.getlist(name)) for name in ("fields", "properties"))
        issue = self._issue(request)
        found = self._render.issue(issue, only=only, properties=properties)
        if "changelog" in request.query_params.get("expand", ""):
            rows = [self._render.history(history) for history in issue.histories]
            found["changelog"] = {"startAt": 0, "maxResults": len(rows), "total": len(rows), "histories": rows}
        return JSONResponse(found)

    async def edit(self, request: Request) -> Response:
        self._actions.edit(who(request), self._issue(request), await body(request))
        return Response(status_code=204)

    async def edit_fields(self, request: Request) -> Response:
        self._issue(request)
        ids = [field["id"] for field in (*workflow.SYSTEM, *workflow.CUSTOM) if field["id"] not in _FIXED]
        return JSONResponse({"fields": {id: workflow.field(id) for id in ids}})  # noqa: A001

    async def changelog(self, request: Request) -> Response:
        """The oldest first. Data Center has no such address."""
        if not self._render.cloud:
            raise Refused(404, "There is nothing at this address.")
        rows = self._issue(request).histories
        start, size = (
            int(request.query_params.get("startAt", 0)),
            min(100, int(request.query_params.get("maxResults", 100))),
        )
        page = [self._render.history(history) for history in rows[start : start + size]]
        last = start + size >= len(rows)
        return JSONResponse({"startAt": start, "maxResults": size, "total": len(rows), "isLast": last, "values": page})

    async def assignable(self, request: Request) -> Response:
        self._actions.records.find(request.query_params.get("issueKey", ""))
        asked = request.query_params.get("query" if self._render.cloud else "username", "").casefold()
        found = [person for person in STAFF if asked in (person.account_id, "") or _begins(person, asked)]
        return JSONResponse([self._render.person(person) for person in found])

    async def assign(self, request: Request) -> Response:
        wanted = (await body(request)).get("accountId" if self._render.cloud else "name")
        key = "account_id" if self._render.cloud else "login"
        found = next((person for person in STAFF if getattr(person, key) == wanted), None)
        if wanted and found is None:
            raise Refused(400, assignee="User does not exist or cannot be assigned issues.")
        self._actions.assign(who(request), self._issue(request), found)
        return Response(status_code=204)

    async def web_links(self, request: Request) -> Response:
        links = enumerate(self._issue(request).web_links, 10_000)
        return JSONResponse([{"id": id, "object": {"url": url, "title": url}} for id, url in links])  # noqa: A001

    async def add_web_link(self, request: Request) -> Response:
        issue, wanted = self._issue(request), await body(request)
        issue.web_links.append(str(wanted["object"]["url"]))
        id = 9_999 + len(issue.web_links)  # noqa: A001
        return JSONResponse({"id": id, "self": self._render.url(f"issue/{issue.id}/remotelink/{id}")}, 201)

    async def link(self, request: Request) -> Response:
        wanted = await body(request)
        sides = [wanted.get(side) or {} for side in ("inwardIssue", "outwardIssue")]
        inward, outward = (self._actions.records.find(str(side.get("id") or side.get("key"))) for side in sides)
        kind = (wanted.get("type") or {}).get("name")
        if kind not in workflow.LINKS:
            raise Refused(404, f"No issue link type with name '{kind}' found.")
        self._actions.link(kind, inward, outward)
        return Response(status_code=201)

    async def link_types(self, _: Request) -> Response:
        return JSONResponse({"issueLinkTypes": [self._render.link_type(name) for name in workflow.LINKS]})

    # comments

    async def comments(self, request: Request) -> Response:
        query = request.query_params
        rows = self._issue(request).comments
        rows = rows[::-1] if query.get("orderBy", "").startswith("-") else rows
        start, size = int(query.get("startAt", 0)), min(100, int(query.get("maxResults", 100)))
        with_properties = "properties" in query.get("expand", "")
        page = [self._render.comment(row, properties=with_properties) for row in rows[start : start + size]]
        return JSONResponse({"startAt": start, "maxResults": size, "total": len(rows), "comments": page})

    async def add_comment(self, request: Request) -> Response:
        issue, wanted = self._issue(request), await body(request)
        made = self._actions.comment(who(request), issue, wanted.get("body"), wanted.get("properties"))
        return JSONResponse(self._render.comment(made), 201)

    async def comment(self, request: Request) -> Response:
        found = self._actions.find_comment(self._issue(request), request.path_params["comment"])
        return JSONResponse(self._render.comment(found))

    async def edit_comment(self, request: Request) -> Response:
        issue, wanted = self._issue(request), await body(request)
        id = request.path_params["comment"]  # noqa: A001
        return JSONResponse(
            self._render.comment(self._actions.edit_comment(issue, id, wanted.get("body"), wanted.get("properties")))
        )

    async def delete_comment(self, request: Request) -> Response:
        self._actions.delete_comment(self._issue(request), request.path_params["comment"])
        return Response(status_code=204)

    # properties

    async def comment_properties(self, request: Request) -> Response:
        return self._keys(f"comment/{request.path_params['comment']}", self._of_comment(request))

    async def comment_property(self, request: Request) -> Response:
        return _property(self._of_comment(request), request.path_params["key"])

    def _of_comment(self, request: Request) -> Tree:
        wanted = request.path_params["comment"]
        for issue in self._actions.records.issues.values():
            for comment in issue.comments:
                if comment.id == wanted:
                    return comment.properties
        raise Refused(404, f"Can not find a comment for the id: {wanted}.")

    async def properties(self, request: Request) -> Response:
        issue = self._issue(request)
        return self._keys(f"issue/{issue.id}", issue.properties)

    async def property(self, request: Request) -> Response:
        properties, key = self._issue(request).properties, request.path_params["key"]
        if request.method == "GET":
            return _property(properties, key)
        if request.method == "DELETE":
            properties.pop(key, None)
            return Response(status_code=204)
        status = 200 if key in properties else 201
        properties[key] = await request.json()
        return JSONResponse({}, status)

    def _keys(self, owner: str, properties: Tree) -> Response:
        rows = [{"key": key, "self": self._render.url(f"{owner}/properties/{key}")} for key in properties]
        return JSONResponse({"keys": rows})

    # transitions

    async def transitions(self, request: Request) -> Response:
        with_fields = "transitions.fields" in request.query_params.get("expand", "")
        offered = self._actions.offered(self._issue(request))
        rows = [self._render.transition(transition, fields=with_fields) for transition in offered]
        return JSONResponse({"expand": "transitions", "transitions": rows})

    async def transition(self, request: Request) -> Response:
        self._actions.transition(who(request), self._issue(request), await body(request))
        return Response(status_code=204)


def who(request: Request) -> Person:
    person: Person = request.state.person
    return person


async def body(request: Request) -> Tree:
    try:
        found = await request.json()
    except ValueError as error:
        raise Refused(400, "There was an error parsing JSON. Check that your request body is valid.") from error
    if not isinstance(found, dict):
        raise Refused(400, "Request body is not an object.")
    return found


def _property(properties: Tree, key: str) -> Response:
    if key not in properties:
        raise Refused(404, f"The property with key '{key}' does not exist.")
    return JSONResponse({"key": key, "value": properties[key]})


def _listed(values: list[str]) -> list[str] | None:
    return [name for value in values for name in value.split(",") if name] or None


_FIXED = ("project", "issuetype", "reporter", workflow.REQUEST_TYPE)


def _begins(person: Person, asked: str) -> bool:
    """As Jira looks: what a name or an address begins with."""
    words = (person.email, person.login, *person.name.split(), person.name)
    return any(word.casefold().startswith(asked) for word in words)


def _create_field(field: Tree, mandatory: tuple[str, ...]) -> Tree:
    shown = workflow.field(field["id"])
    required = field["id"] in ("summary", "project", "issuetype", *mandatory)
    return shown | {"fieldId": field["id"], "required": required, "hasDefaultValue": False}
