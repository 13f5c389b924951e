"""Standard change proposals: the template that would be approved once for every run of this version of a runbook."""

from typing import Any

from firstline.connector import Proposal
from firstline.errors import Rejected
from firstline.incident import Reference
from firstline_servicenow import query
from firstline_servicenow.draft import PLAN_LIMIT, TITLE_LIMIT
from firstline_servicenow.journal import LIMIT, harmless, shortened
from firstline_servicenow.lookup import Lookup
from firstline_servicenow.record import value
from firstline_servicenow.settings import ServiceNowSettings
from firstline_servicenow.state import confirm
from firstline_servicenow.table import Table
from firstline_servicenow.translate import reference

KIND = "std_change_proposal"
NEW_TEMPLATE = "1"
_FIELDS = ("sys_id", "number", "correlation_id", "template_name", "template_value", "description")


class Proposals:
    def __init__(self, connection: str, settings: ServiceNowSettings, table: Table, lookup: Lookup) -> None:
        self._connection = connection
        self._settings = settings
        self._table = table
        self._lookup = lookup

    async def propose(self, proposal: Proposal) -> Reference:
        row = await self._find(proposal.key) or await self._create(proposal)
        return reference(self._connection, KIND, query.sys_id(value(row, "sys_id")), row, self._settings.base_url)

    async def _find(self, key: str) -> dict[str, Any] | None:
        found = await self._table.find(KIND, query.where(("correlation_id", "=", key)), _FIELDS, 10)
        if found.hidden:
            raise Rejected(f"the proposal with correlation_id {key} is there, and the account may not read it")
        return next((row for row in found.rows if value(row, "correlation_id") == key), None)

    async def _create(self, proposal: Proposal) -> dict[str, Any]:
        ci, group = await self._lookup.ci(proposal.ci), await self._lookup.group(proposal.group)
        wanted = fields(proposal, ci.sys_id, group.sys_id) | self._settings.proposal_fields
        row = await self._table.create(KIND, wanted, _FIELDS)
        confirm(row, {name: wanted[name] for name in ("correlation_id", "template_name", "template_value")})
        return row


def fields(proposal: Proposal, ci: str, group: str) -> dict[str, str]:
    """What to make it of. Its evidence stands where who approves reads it, and whole in the work notes."""
    evidence = f"Evidence:\n{proposal.evidence}"
    told = "\n\n".join(part for part in (proposal.justification, proposal.description, evidence) if part)
    return {
        "proposal_type": NEW_TEMPLATE,
        "template_name": shortened(proposal.name, TITLE_LIMIT),
        "short_description": shortened(proposal.short_description, TITLE_LIMIT),
        "description": shortened(told, PLAN_LIMIT),
        "template_value": template(proposal, ci, group),
        "correlation_id": proposal.key,
        "correlation_display": "Firstline",
        "work_notes": shortened(harmless(evidence), LIMIT),
    }


def template(proposal: Proposal, ci: str, group: str) -> str:
    """The template's fields as the vendor keeps them: an encoded query, in which a caret of a value is doubled."""
    filled = {
        "short_description": shortened(proposal.short_description, TITLE_LIMIT),
        "description": proposal.description,
        "justification": proposal.justification,
        "implementation_plan": proposal.implementation_plan,
        "risk_impact_analysis": proposal.risk_and_impact,
        "backout_plan": proposal.backout_plan,
        "test_plan": proposal.test_plan,
        "cmdb_ci": ci,
        "assignment_group": group,
    }
    terms = [f"{name}={shortened(text, PLAN_LIMIT).replace('^', '^^')}" for name, text in filled.items() if text]
    return "^".join((*terms, "EQ"))
