"""The same fault in another system, from the fields that the vendors' integrations write on an issue. Pure.

They write an address of the incident into a custom field, or a bare number, whose field the settings name. A value that
is neither is no link."""

import re
from collections.abc import Mapping
from typing import Any

from firstline.incident import Link

_PAGERDUTY = re.compile(r"https://[\w.-]+\.pagerduty\.com/incidents/([A-Z0-9]{6,32})(?![A-Za-z0-9])")
_SERVICENOW = re.compile(r"https://[\w.-]+\.service-now\.com/\S*?sys_id(?:=|%3[Dd])([0-9a-f]{32})(?![0-9a-f])")
_SYS_ID = re.compile(r"[0-9a-f]{32}")
_NUMBER = re.compile(r"[A-Z]{2,8}\d{4,12}")
_ID = re.compile(r"[A-Z0-9]{6,32}")


def links(fields: Mapping[str, Any], named: Mapping[str, str]) -> tuple[Link, ...]:
    """`named`: custom field → the system whose incident its value is."""
    found: dict[tuple[str, str, str], Link] = {}
    for key, value in fields.items():
        if key.startswith("customfield_") and isinstance(value, str):
            for link in (*_addressed(value), *_bare(value.strip(), named.get(key, ""))):
                found.setdefault((link.system, link.id, link.number), link)
    return tuple(found.values())


def remote(found: Mapping[str, Any]) -> tuple[Link, ...]:
    """Of one of an issue's remote links."""
    value = found.get("object")
    url = value.get("url") if isinstance(value, dict) else None
    return tuple(_addressed(url)) if isinstance(url, str) else ()


def _addressed(value: str) -> list[Link]:
    return [
        *(Link(system="pagerduty", id=id) for id in _PAGERDUTY.findall(value)),  # noqa: A001 - the vendor's word
        *(Link(system="servicenow", id=id) for id in _SERVICENOW.findall(value)),  # noqa: A001
    ]


def _bare(value: str, system: str) -> list[Link]:
    if system == "servicenow" and _SYS_ID.fullmatch(value):
        return [Link(system=system, id=value)]
    if system == "servicenow" and _NUMBER.fullmatch(value):
        return [Link(system=system, number=value)]
    if system == "pagerduty" and value.isdigit():
        return [Link(system=system, number=value)]
    return [Link(system=system, id=value)] if system == "pagerduty" and _ID.fullmatch(value) else []
