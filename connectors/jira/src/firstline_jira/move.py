"""Moves a change through the workflow that its project has, and asks for its approval; reads back each step."""

from datetime import datetime
from typing import Any

from firstline.connector import ChangeState, Evidence, Fact, Note
from firstline.errors import Rejected
from firstline.incident import Reference
from firstline_jira.draft import stamp
from firstline_jira.issue import named
from firstline_jira.lifecycle import ASKING, ENDED, Lifecycle, is_past
from firstline_jira.marker import issue_id
from firstline_jira.note import Notes
from firstline_jira.rest import Rest
from firstline_jira.settings import ChangeSettings
from firstline_jira.standing import Look, Reader
from firstline_jira.state import Workflow

STEPS = 8  # statuses a move may pass

Tree = dict[str, Any]


class Mover:
    def __init__(
        self,
        settings: ChangeSettings,
        rest: Rest,
        notes: Notes,
        workflow: Workflow,
        lifecycle: Lifecycle,
        reader: Reader,
    ) -> None:
        self._settings = settings
        self._rest = rest
        self._notes = notes
        self._workflow = workflow
        self._lifecycle = lifecycle
        self._reader = reader

    async def request(self, reference: Reference, evidence: Evidence) -> None:
        """Ask for approval by the status that asks. A standard change that the workflow lets through needs nobody's."""
        look = await self._reader.read(reference)
        if look.is_asked:
            return
        self._refuse_ended(reference, look, "be asked about")
        offered = await self._rest.transitions(issue_id(reference))
        if look.state == "scheduled" or (look.kind == "standard" and self._is_let_through(offered, look)):
            return
        strict = look.kind == "emergency" or look.mark.get("risk") == "high"
        wanted = self._settings.asks.get(look.kind or "normal", "")
        chosen = self._lifecycle.asking(offered, strict, wanted)
        await self._tell(reference, "request", "Approval asked for", evidence)
        after = await self._take(reference, look, chosen, evidence)
        if not after.is_asked:
            raise Rejected(
                f"Jira accepted the transition {chosen.get('name')!r}, but nobody is asked to approve the change "
                f"{reference.label}, which is {after.status!r}: a post function or automation rule may have moved it"
            )

    def _is_let_through(self, offered: list[Tree], look: Look) -> bool:
        try:
            self._lifecycle.step(offered, look.state, "implement", None, look.kind)
        except Rejected:
            return False
        return True

    async def move(self, reference: Reference, to: ChangeState, evidence: Evidence) -> None:
        for step in range(STEPS):
            look = await self._reader.read(reference)
            if look.state == to or is_past(look.state, to):
                return
            self._refuse(reference, look, to)
            offered = await self._rest.transitions(issue_id(reference))
            chosen = self._lifecycle.step(offered, look.state, to, evidence.result, look.kind)
            if not step:
                await self._tell(reference, to, f"Change to {to}", evidence)
            await self._take(reference, look, chosen, evidence)
        raise Rejected(f"the change {reference.label} was moved {STEPS} times and is still not in {to}")

    def _refuse(self, reference: Reference, look: Look, to: ChangeState) -> None:
        """Raise `Rejected` where the way on is for people: an ended change, an approval that is asked for or has to be,
        a status nobody explained. What waits for approval may still be canceled; an emergency that nobody was asked
        about yet may begin, where the workflow lets it."""
        self._refuse_ended(reference, look, f"go to {to}")
        if to == "canceled" or to in ASKING:
            return
        if look.approval.state in ("not_required", "approved") or (look.kind == "emergency" and look.state == "new"):
            return
        by = ", ".join(look.approval.by) or "nobody is named"
        raise Rejected(
            f"the change {reference.label} is {look.status!r} and not approved ({look.approval.state}: {by}); "
            "that is for people, never for the hub's account"
        )

    def _refuse_ended(self, reference: Reference, look: Look, what: str) -> None:
        if look.state in ENDED:
            raise Rejected(f"the change {reference.label} is {look.status!r} already and can't {what}")
        if look.state is None:
            raise Rejected(
                f"the change {reference.label} is {look.status!r}; say in change.statuses what that stands for"
            )

    async def _take(self, reference: Reference, before: Look, chosen: Tree, evidence: Evidence) -> Look:
        """Where it leads, Jira's automation may lead on; that it stays where it was is a refusal."""
        await self._workflow.take(issue_id(reference), chosen, evidence.notes, _actual(evidence))
        after = await self._reader.read(reference)
        if after.status == before.status != named(chosen.get("to"), "transition.to"):
            raise Rejected(
                f"Jira accepted the transition {chosen.get('name')!r}, but the change {reference.label} is still "
                f"{after.status!r}: a post function or automation rule may have set it back; let the hub's account pass"
            )
        return after

    async def _tell(self, reference: Reference, key: str, headline: str, evidence: Evidence) -> None:
        """The evidence as an internal comment, one for each state; before the move, since a closed issue may be
        read-only."""
        named_facts = {"Result": evidence.result, "Work started": evidence.work_start, "Work ended": evidence.work_end}
        facts = tuple(Fact(label=name, value=_shown(value)) for name, value in named_facts.items() if value)
        if facts or evidence.notes:
            note = Note(key=f"change:{key}", headline=headline, facts=facts, body=evidence.notes)
            await self._notes.write(reference, note)


def _actual(evidence: Evidence) -> dict[str, str]:
    """Jira Service Management's own fields for when the work was done, where a transition's screen has them."""
    times = {"Actual start": evidence.work_start, "Actual end": evidence.work_end}
    return {name: stamp(when) for name, when in times.items() if when}


def _shown(value: Any) -> str:
    return value.isoformat(sep=" ", timespec="seconds") if isinstance(value, datetime) else str(value).replace("_", " ")
