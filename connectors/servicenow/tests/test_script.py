"""The script we ship says what the stand-in says for it."""

import re
from pathlib import Path

import firstline_servicenow
from firstline_servicenow import kind, signature
from firstline_servicenow.sandbox.hook import script_fields

FOLDER = Path(firstline_servicenow.__file__).parent
ACTION = (FOLDER / "script_action.js").read_text()
RULE = (FOLDER / "business_rule.js").read_text()


def test_the_script_sends_the_fields_that_polls_ask_for() -> None:
    assert script_fields() == kind.FIELDS


def test_the_script_signs_in_the_headers_that_are_checked() -> None:
    headers = {name.lower() for name in re.findall(r"setRequestHeader\('([^']+)'", ACTION)}
    assert {signature.SIGNATURE, signature.DELIVERY} <= headers


def test_the_rule_and_the_action_use_one_event() -> None:
    queued = re.findall(r"eventQueue(?:Scheduled)?\('([^']+)'", RULE + ACTION)
    assert queued == ["firstline.saved", "firstline.saved"]


def test_the_scripts_are_plain_ascii_and_old_javascript() -> None:
    # Instances run ECMAScript 5 by default in the global scope.
    for script in (RULE, ACTION):
        assert script.isascii()
        assert not re.search(r"=>|`|\b(?:let|const|class)\b", re.sub(r"//.*", "", script))
