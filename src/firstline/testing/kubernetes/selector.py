"""Label and field selectors of lists and watches (kubernetes.io/docs/concepts/overview/working-with-objects/labels and
.../field-selectors)."""

import re
from collections.abc import Callable
from typing import Any

from firstline.testing.kubernetes.status import Refused

Body = dict[str, Any]
Fits = Callable[[Body], bool]

_REQUIREMENT = re.compile(r"(!?)([\w./-]+)\s*(?:(==|=|!=)\s*([\w.-]*)|(in|notin)\s*\(([^)]*)\))?")
# What may be selected by, beside name and namespace (AddFieldLabelConversionsFor… in pkg/apis/*/v1/conversion.go).
_FIELDS = {
    "pods": ("spec.nodeName", "spec.restartPolicy", "spec.serviceAccountName", "status.phase"),
    "jobs": ("status.successful",),
    "secrets": ("type",),
    "events": ("involvedObject.kind", "involvedObject.name", "involvedObject.namespace", "involvedObject.uid",
               "involvedObject.apiVersion", "involvedObject.resourceVersion", "involvedObject.fieldPath",
               "reason", "source", "reportingComponent", "type"),
}  # fmt: skip


def fits(kind: str, labels: str, fields: str) -> Fits:
    tests = [_label(each.strip()) for each in re.split(r",(?![^(]*\))", labels) if each.strip()]
    tests += [_field(kind, each) for each in fields.split(",") if each]
    return lambda body: all(test(body) for test in tests)


def _label(words: str) -> Fits:
    found = _REQUIREMENT.fullmatch(words)
    if not found:
        raise Refused(400, "BadRequest", f"unable to parse requirement: {words}")
    absent, key, compare, value, among, values = found.groups()
    wanted = {value} if compare else {each.strip() for each in (values or "").split(",")}

    def test(body: Body) -> bool:
        has = body["metadata"].get("labels", {}).get(key)
        if compare or among:
            return (has in wanted) is (compare != "!=" and among != "notin")
        return (has is None) is bool(absent)

    return test


def _field(kind: str, words: str) -> Fits:
    path, unequal, value = re.split(r"(!?)==?", words, maxsplit=1)
    if path not in ("metadata.name", "metadata.namespace", *_FIELDS.get(kind, ())):
        raise Refused(400, "BadRequest", f"field label not supported: {path}")

    def test(body: Body) -> bool:
        has: Any = body
        for name in path.split("."):
            has = has.get(name, {})
        return ((has or "") == value) is not bool(unequal)

    return test
