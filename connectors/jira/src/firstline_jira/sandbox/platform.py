"""Jira's platform API, /rest/api/3, after Atlassian's OpenAPI file."""

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from firstline_jira.sandbox import jql, workflow
from firstline_jira.sandbox.action import Actions
from firstline_jira.sandbox.record import PROJECT, PROJECT_ID, Issue, Person, Refused
from firstline_jira.sandbox.render import Render

Tree = dict[str, Any]


class Platform:
    def __init__(self, actions: Actions, render: Render) -> None:
        self._actions = actions
        self._render = render

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
            Route("/issue/bulkfetch", self.bulk_fetch, methods=["POST"]),
            Route("/issueLink", self.link, methods=["POST"]),
            Route(issue, self.issue, methods=["GET"]),
            Route(issue, self.edit, methods=["PUT"]),
            Route(f"{issue}/comment", self.comments, methods=["GET"]),
            Route(f"{issue}/comment", self.add_comment, methods=["POST"]),
            Route(f"{issue}/comment/{{comment}}", self.comment, methods=["GET"]),
            Route(f"{issue}/comment/{{comment}}", self.edit_comment, methods=["PUT"]),
            Route("/comment/{comment}/properties", self.comment_properties),
            Route("/comment/{comment}/properties/{key}", self.comment_property),
            Route(f"{issue}/properties", self.properties),
            Route(f"{issue}/properties/{{key}}", self.property, methods=["GET", "PUT", "DELETE"]),
            Route(f"{issue}/transitions", self.transitions, methods=["GET"]),
            Route(f"{issue}/transitions", self.transition, methods=["POST"]),
            Route("/search/jql", self.search, methods=["POST"]),
            Route("/search", gone, methods=["GET", "POST"]),
        ]

    # set-up

    async def myself(self, request: Request) -> Response:
        return JSONResponse(self._render.person(who(request)))

    async def permissions(self, request: Request) -> Response:
        names = [name for name in request.query_params.get("permissions", "").split(",") if name]
        if not names:
            raise Refused(400, "The 'permissions' query parameter is required.")
        rows = {n: {"key": n, "name": n.title(), "type": "PROJECT", "havePermission": True} for n in names}
        return JSONResponse({"permissions": rows})

    async def priorities(self, _: Request) -> Response:
        return JSONResponse([self._render.priority(id) for id in workflow.PRIORITIES])  # noqa: A001

    async def statuses(self, _: Request) -> Response:
        return JSONResponse([self._render.status(status) for status in workflow.STATUSES.values()])

    async def fields(self, _: Request) -> Response:
        system = [{**field, "key": field["id"], "custom": False} for field in workflow.SYSTEM]
        return JSONResponse(system + [{**field, "key": field["id"], "custom": True} for field in workflow.CUSTOM])

    async def project(self, request: Request) -> Response:
        self._known_project(request.path_params["id"])
        types = [self._render.issue_type(kind) for kind in workflow.ISSUE_TYPES]
        return JSONResponse({**self._render.project(), "issueTypes": types})

    async def project_statuses(self, request: Request) -> Response:
        self._known_project(request.path_params["id"])
        return JSONResponse([self._render.issue_type_with_statuses(kind) for kind in workflow.ISSUE_TYPES])

    async def create_fields(self, request: Request) -> Response:
        self._known_project(request.path_params["project"])
        if workflow.issue_type(request.path_params["id"]) is None:
            raise Refused(404, "The issue type does not exist.")
        rows = [_create_field(field) for field in (*workflow.SYSTEM, *workflow.CUSTOM)]
        return JSONResponse({"startAt": 0, "maxResults": 200, "total": len(rows), "fields": rows})

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
        return JSONResponse(self._render.issue(self._issue(request), only=only, properties=properties))

    async def edit(self, request: Request) -> Response:
        self._actions.edit(who(request), self._issue(request), await body(request))
        return Response(status_code=204)

    async def bulk_fetch(self, request: Request) -> Response:
        wanted = await body(request)
        keys = wanted.get("issueIdsOrKeys")
        if not isinstance(keys, list) or not 0 < len(keys) <= 100:
            raise Refused(400, "Between 1 and 100 issue ids or keys are needed.")
        found, errors = [], []
        for key in keys:
            try:
                found.append(self._actions.records.find(str(key)))
            except Refused as refusal:
                errors.append({"id": str(key), "errorMessage": refusal.body["errorMessages"][0]})  # type: ignore[index]
        return JSONResponse({"issues": self._rows(found, wanted), "issueErrors": errors})

    async def search(self, request: Request) -> Response:
        wanted = await body(request)
        found = jql.search(str(wanted.get("jql") or ""), self._actions.records.indexed())
        start, size = int(wanted.get("nextPageToken") or 0), int(wanted.get("maxResults") or 50)
        page: Tree = {"issues": self._rows(found[start : start + size], wanted), "isLast": start + size >= len(found)}
        return JSONResponse(page | ({} if page["isLast"] else {"nextPageToken": str(start + size)}))

    def _rows(self, issues: list[Issue], wanted: Tree) -> list[Tree]:
        only = wanted.get("fields") or ["id"]
        return [self._render.issue(issue, only=only, properties=wanted.get("properties")) for issue in issues]

    async def link(self, request: Request) -> Response:
        wanted = await body(request)
        sides = [wanted.get(side) or {} for side in ("inwardIssue", "outwardIssue")]
        inward, outward = (self._actions.records.find(str(side.get("id") or side.get("key"))) for side in sides)
        kind = (wanted.get("type") or {}).get("name")
        if kind != "Relates":
            raise Refused(404, f"No issue link type with name '{kind}' found.")
        self._actions.link(kind, inward, outward)
        return Response(status_code=201)

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


async def gone(_: Request) -> Response:
    """The old search was removed in 2025 (Atlassian, changelog CHANGE-2046)."""
    raise Refused(410, "The requested API has been removed. Please migrate to the /rest/api/3/search/jql API.")


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


def _create_field(field: Tree) -> Tree:
    options = {"allowedValues": [{"id": id, "value": name} for id, name in workflow.CHANGE_TYPES.items()]}  # noqa: A001
    return {
        "fieldId": field["id"],
        "key": field["id"],
        "name": field["name"],
        "required": field["id"] in ("summary", "project", "issuetype"),
        "schema": field["schema"],
        "operations": ["set"],
        "hasDefaultValue": False,
    } | (options if field["id"] == workflow.CHANGE_TYPE else {})
