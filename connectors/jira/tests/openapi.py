"""Holds what goes over the wire against Atlassian's OpenAPI file."""

import gzip
import json
import re
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

ROOT = "urn:jira"


class OpenApi:
    def __init__(self, file: Path) -> None:
        document = _nullable(json.loads(gzip.decompress(file.read_bytes())))
        self._registry: Registry[Any] = Registry().with_resource(
            ROOT, Resource.from_contents(document, default_specification=DRAFT202012)
        )
        self._paths = sorted(
            ((_pattern(path), path, methods) for path, methods in document["paths"].items()),
            key=lambda row: row[1].count("{"),
        )

    def operation(self, method: str, path: str) -> tuple[str, dict[str, Any]]:
        """Where the operation stands in the document, and it."""
        for pattern, template, methods in self._paths:
            if pattern.fullmatch(path) and method.lower() in methods:
                return f"paths/{_pointer(template)}/{method.lower()}", methods[method.lower()]
        raise AssertionError(f"Atlassian documents no {method} {path}")

    def check_request(self, method: str, path: str, body: bytes) -> None:
        place, operation = self.operation(method, path)
        if "requestBody" in operation:
            self._check(json.loads(body), f"{place}/requestBody/content/application~1json/schema", f"{method} {path}")

    def check_answer(self, method: str, path: str, status: int, body: bytes) -> None:
        place, operation = self.operation(method, path)
        assert str(status) in operation["responses"], f"{method} {path} answers no {status}"
        what = f"{method} {path} {status}"
        if status >= 400:
            self._check(json.loads(body), "components/schemas/ErrorCollection", what)
        elif content := operation["responses"][str(status)].get("content"):
            if status == 204 or not content["application/json"].get("schema"):
                return
            self._check(json.loads(body), f"{place}/responses/{status}/content/application~1json/schema", what)

    def _check(self, value: Any, pointer: str, what: str) -> None:
        validator = Draft202012Validator({"$ref": f"{ROOT}#/{pointer}"}, registry=self._registry)
        errors = [f"{'/'.join(map(str, error.path))}: {error.message[:300]}" for error in validator.iter_errors(value)]
        assert not errors, f"{what}: {errors}"


def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\{[^}]+\}", "[^/]+", path))


def _pointer(path: str) -> str:
    return path.replace("~", "~0").replace("/", "~1").replace("{", "%7B").replace("}", "%7D")


def _nullable(node: Any) -> Any:
    """OpenAPI 3.0 writes `nullable` where JSON Schema has a type of its own."""
    if isinstance(node, list):
        return [_nullable(child) for child in node]
    if not isinstance(node, dict):
        return node
    found = {key: _nullable(value) for key, value in node.items()}
    if found.get("nullable") is True and isinstance(found.get("type"), str):
        found["type"] = [found["type"], "null"]
    return found


class Recorder:
    """An ASGI application in front of another; keeps each request to the platform API and its answer."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self.seen: list[tuple[str, str, bytes, int, bytes]] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        sent, answered, status = bytearray(), bytearray(), 0

        async def hear() -> Any:
            message = await receive()
            sent.extend(message.get("body", b""))
            return message

        async def say(message: Any) -> None:
            nonlocal status
            status = message.get("status", status)
            answered.extend(message.get("body", b""))
            await send(message)

        await self._app(scope, hear, say)
        self.seen.append((scope["method"], scope["path"], bytes(sent), status, bytes(answered)))
