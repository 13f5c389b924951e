"""What a cluster holds: objects, by kind, namespace and name. All in one event loop."""

import asyncio
import copy
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from firstline.testing.kubernetes.discovery import GROUPS
from firstline.testing.kubernetes.status import Refused, not_found
from firstline.testing.kubernetes.validation import check_change, check_new

Body = dict[str, Any]
TOKEN = "a-token-of-the-stand-in"  # noqa: S105 - of a stand-in


class World:
    """`images` can be pulled; `denied` are pairs of verb and resource that the account may not; `refusals` meet the
    next request of such a pair, each one; `quota`: in which words pods of Jobs are refused; `forgetful`: no list can
    be gone on with; `bare` images have no shell; `cut` pods are on nodes that can't be reached."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.images = {"busybox:1.36"}
        self.denied: set[tuple[str, str]] = set()
        self.refusals: list[tuple[str, str, Refused]] = []
        self.quota = ""
        self.forgetful = False
        self.bare: set[str] = set()
        self.cut: set[str] = set()
        self.token = TOKEN
        self.protocols: tuple[str, ...] = ("v5.channel.k8s.io", "v4.channel.k8s.io")  # of exec
        self.objects: dict[tuple[str, str, str], Body] = {}
        self.changed: list[Callable[[str, Body], None]] = []
        self.tasks: set[asyncio.Task[None]] = set()
        self._version = 100

    @property
    def version(self) -> str:
        return str(self._version)

    def get(self, kind: str, namespace: str, name: str) -> Body:
        if (kind, namespace, name) not in self.objects:
            raise not_found(kind, name)
        return self.objects[kind, namespace, name]

    def all(self, kind: str, namespace: str, fits: Callable[[Body], bool] = lambda _: True) -> list[Body]:
        return [
            body
            for (its, place, _), body in sorted(self.objects.items())
            if its == kind and place == namespace and fits(body)
        ]

    def owned(self, kind: str, namespace: str, uid: str) -> list[Body]:
        return self.all(kind, namespace, lambda body: uid in _owners(body))

    def create(self, kind: str, namespace: str, body: Body) -> Body:
        check_new(kind, body)
        version, name = GROUPS[kind]
        body |= {"apiVersion": version, "kind": name}
        metadata = body["metadata"]
        key = (kind, namespace, metadata["name"])
        if key in self.objects:
            words = f'{kind} "{metadata["name"]}" already exists'
            raise Refused(409, "AlreadyExists", words, name=metadata["name"], kind=kind)
        metadata |= {"namespace": namespace, "uid": str(uuid4()), "creationTimestamp": now()}
        self.objects[key] = body
        self.touch(kind, body)
        return body

    def merge(self, kind: str, namespace: str, name: str, change: Body) -> Body:
        """RFC 7386. A resource version in the change must be the object's own."""
        body = self.get(kind, namespace, name)
        version = change.get("metadata", {}).get("resourceVersion")
        if version not in (None, body["metadata"]["resourceVersion"]):
            words = f'Operation cannot be fulfilled on {kind} "{name}": the object has been modified'
            raise Refused(409, "Conflict", words, name=name, kind=kind)
        merged = _merged(body, change)
        check_change(kind, body, merged)
        body.clear()
        body |= merged
        self.touch(kind, body)
        return body

    def remove(self, kind: str, body: Body) -> None:
        metadata = body["metadata"]
        if self.objects.pop((kind, metadata["namespace"], metadata["name"]), None) is None:
            return
        for other, owned in self._owned(metadata["uid"]):
            self.remove(other, owned)
        self.tell(kind, body)

    def touch(self, kind: str, body: Body) -> None:
        """It has changed."""
        self._version += 1
        body["metadata"]["resourceVersion"] = str(self._version)
        self.tell(kind, body)

    def tell(self, kind: str, body: Body) -> None:
        for listener in self.changed:
            listener(kind, body)

    def do(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    def _owned(self, uid: str) -> list[tuple[str, Body]]:
        """Deleted in its owner's wake; pods are ended first, by who runs them."""
        return [
            (kind, body) for (kind, _, _), body in list(self.objects.items()) if kind != "pods" and uid in _owners(body)
        ]


def _owners(body: Body) -> list[str]:
    return [owner["uid"] for owner in body["metadata"].get("ownerReferences", [])]


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _merged(body: Body, change: Any) -> Body:
    result = copy.deepcopy(body)
    for key, value in change.items():
        if value is None:
            result.pop(key, None)
        elif isinstance(value, dict):
            result[key] = _merged(result.get(key) or {}, value)
        else:
            result[key] = value
    return result
