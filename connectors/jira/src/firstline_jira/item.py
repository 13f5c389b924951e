"""The configuration item that an issue names, in the custom field that the settings name. Pure.

A field has it as a text, as an option (`value`), as a named object (`name`, `label`), or as a list of those. Assets of
Data Center are shown as `web-3 (CMDB-12)` (general knowledge); those of Cloud by their ids alone (Atlassian, "Format
the payload to update Assets Custom Fields via REST API"): such a field names nothing here, and a copy of the name in a
text field does."""

import re
from typing import Any

_KEY = re.compile(r"\s*\([A-Z][A-Z0-9_]*-\d+\)$")


def name(value: Any) -> str:
    """The only one that the field's value names; empty where it names none or several."""
    values = value if isinstance(value, list) else [value]
    names = {found for each in values if (found := _name(each))}
    return names.pop() if len(names) == 1 else ""


def _name(value: Any) -> str:
    if isinstance(value, dict):
        value = next((value[key] for key in ("value", "name", "label") if value.get(key)), "")
    return _KEY.sub("", value).strip() if isinstance(value, str) else ""
