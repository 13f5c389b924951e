"""Who is who in the demo: who governs, who is asked, and what was pre-approved, by whom."""

from collections.abc import Mapping

import sqlalchemy as sa

from firstline.access import Right, make_token
from firstline.access.grant import grant
from firstline.access.group import join
from firstline.access.roll import add
from firstline.access.token import give_token
from firstline.register.pin import pin_all
from firstline.runbook import Runbook

GOVERNS = "nora.falk"
AUTHOR, APPROVER, SECOND, REQUESTER = "ola.lind", "irene.vogt", "sven.ek", "jonas.brandt"
GROUP, MEMBERS = "sre-core", (AUTHOR, APPROVER, SECOND, REQUESTER)
MANAGER, MANAGER_NAME = "petra.lang", "Petra Lang"  # approves changes in ServiceNow, and is nobody here


def enroll(connection: sa.Connection, runbooks: Mapping[tuple[str, str], Runbook]) -> dict[str, str]:
    """Put everybody on the roll, and pre-approve the runbooks that ask for a standard change. Gives each one's token.
    The hub makes the first person, who makes the others."""
    tokens = {GOVERNS: make_token(connection, GOVERNS, [Right.SEE, Right.GOVERN])}
    for person in MEMBERS:
        add(connection, person, by=GOVERNS, email=f"{person}@example.com")
        join(connection, GROUP, person, by=GOVERNS)
        tokens[person] = give_token(connection, person, by=GOVERNS, name="demo")
    grant(connection, f"group:{GROUP}", [Right.SEE, Right.APPROVE], by=GOVERNS)
    pin_all(connection, runbooks, GOVERNS)
    return tokens


def is_standard(runbook: Runbook) -> bool:
    change = runbook.declaration.change
    return change is not None and change.type == "standard"
