"""The notes people read on a ticket. Pure: from what is known to `Note`; the connector gives it the vendor's form."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from firstline.connector import Fact, Note
from firstline.executor import State
from firstline.guard import Hold
from firstline.guard.hold import moment
from firstline.remediation.note.output import excerpt
from firstline.remediation.plan import Plan, steps
from firstline.remediation.run.finding import Findings, Outcome
from firstline.remediation.run.rollback import left
from firstline.store.table import ApprovalRow
from firstline.visible import unstyled

NOTE_OUTPUT = 3_000  # characters of output in a note: head and tail; the log has the rest
LISTED = 10  # lines of a fact; of more, only how many there are

HEADLINES = {
    "proved": "mended, and proved",
    "diagnosed": "diagnosed",
    "failed": "did not mend it",
    "not_needed": "not needed: the fault is gone",
    "unknown": "outcome unknown: a person has to look",
    "stopped": "could not run",
    "refused": "refused",
    "expired": "nobody answered in time",
}


STAGES = {
    "waiting": "asked",
    "ready": "about to begin",
    "opened": "its change is open",
    "prepared": "at work",
    "acted": "at work",
}


SETTLED = {"done": "it was done", "not_done": "it was not done"}


@dataclass(frozen=True)
class Ending:
    """How a remediation ended. `change`, `log` and `url` say for people where these are."""

    outcome: str
    findings: Findings
    reason: str
    approved_by: str
    change: str
    log: str
    url: str


def headline(outcome: str, *, changed: bool, begun: bool = False) -> str:
    """An outcome in words. A runbook that only reads has not mended anything: it has diagnosed. `begun`: a step ran."""
    if outcome == "stopped" and begun:
        return "stopped half-way: a person has to look"
    return HEADLINES.get("diagnosed" if outcome == "proved" and not changed else outcome, outcome)


def progress(stage: str, *, held: bool) -> str:
    """How one goes that has not ended."""
    return "held" if held else STAGES.get(stage, stage)


def suggestion(key: str, plan: Plan, url: str) -> Note:
    return Note(
        key=key,
        headline=f"Firstline suggests: {plan.runbook.title}",
        facts=_facts({"Runbook": named(plan), "It would run": _listed(steps(plan)), "More": url}),
        body=plan.runbook.description,
    )


def question(key: str, plan: Plan, approval: ApprovalRow, url: str, answer: str, *, ran: bool = False) -> Note:
    """`answer` is the page on which people approve or refuse. `ran`: it runs as an emergency, approved afterwards."""
    told = {
        "Runbook": named(plan),
        "It runs" if ran else "It will run": _listed(steps(plan)),
        "Proved by": "; ".join(check.name for check in plan.runbook.after) or "its exit status",
        "Change": _policy(plan),
        "Asked": asked(plan),
        "Until": f"{approval.expires_at:%Y-%m-%d %H:%M} UTC",
        "Plan": approval.plan_digest[:12],
        "More": url,
        "Let it go or refuse it": answer,
    }
    title = plan.runbook.title
    return Note(
        key=key,
        headline=f"Firstline asks afterwards, it was an emergency: {title}"
        if ran
        else f"Firstline asks: may it {_inside(title)}?",
        facts=_facts(told),
        body=plan.runbook.description,
    )


def _inside(title: str) -> str:
    """A title within a sentence. `DNS` stays what it is."""
    return title if title[1:2].isupper() else f"{title[:1].lower()}{title[1:]}"


def asked(plan: Plan) -> str:
    """Who is asked, and how many of them have to let it go."""
    whom = ", ".join(plan.asks.by) or "whoever may approve"
    return f"{plan.asks.count} of {whom}" if plan.asks.count > 1 or plan.asks.by else whom


def start(key: str, plan: Plan, approved_by: str, url: str) -> Note:
    """Said when the work begins and does not end at once."""
    told = {
        "Runbook": named(plan),
        "Matched by": plan.mapping,
        "Approved by": _approval(plan, approved_by),
        "It runs": _listed(steps(plan)),
        "Change": _policy(plan),
        "More": url,
    }
    return Note(key=key, headline=f"Firstline is at work: {plan.runbook.title}", facts=_facts(told))


def held(key: str, plan: Plan, holds: Sequence[Hold], url: str) -> Note:
    """Said when it has been held for a while: why, until when, and what a person can do about it."""
    told = {"Runbook": named(plan), "Held by": _listed(map(_hold, holds)), "More": url}
    return Note(key=key, headline=f"Firstline waits: {plan.runbook.title}", facts=_facts(told))


def _hold(one: Hold) -> str:
    """A reason, until when where it does not say so itself, and what a person can do about it."""
    told = f" (until {moment(one.until)})" if one.until and moment(one.until) not in one.why else ""
    return f"{one.guard}: {one.why}{told}{f'. What to do: {one.mend}' if one.mend else ''}"


def drifted(key: str, plan: Plan, approved_by: str, why: str, url: str) -> Note:
    """Said when what was let go, or is asked in a change, is no longer what would run."""
    told = {"Runbook": named(plan), "Changed": why, "No longer counts": approved_by, "More": url}
    return Note(key=key, headline="Firstline ran nothing: the plan has changed, and begins anew", facts=_facts(told))


def outcome(key: str, plan: Plan, ending: Ending) -> Note:
    """The last word: what was found and done, by which runbook, on whose word, under which change, proved how."""
    findings = ending.findings
    begun = bool(findings.of("step"))
    said = headline(ending.outcome, changed=plan.runbook.change is not None, begun=begun)
    told = {
        "Runbook": named(plan),
        "Matched by": plan.mapping,
        "Found": _listed(_found(findings)),
        "Done": _listed(f"{_where(o)}: {_how(o)}" for o in findings.of("step", "rollback")),
        "Approved by": _approval(plan, ending.approved_by) if begun else ending.approved_by,
        "Change": ending.change or ("none was opened" if plan.runbook.change else "none: it only reads"),
        "Proved": _proof(plan, ending),
        "Why": ending.reason,
        **(_left_to_people(plan, ending) if begun and ending.outcome in ("unknown", "stopped") else {}),
        "Log": ending.log if findings.outcomes else "",
        "More": ending.url,
    }
    return Note(
        key=key,
        headline=f"Firstline: {plan.runbook.title}: {said}",
        facts=_facts(told),
        output=excerpt(printed(findings), NOTE_OUTPUT),
    )


def _left_to_people(plan: Plan, ending: Ending) -> dict[str, str]:
    """What nobody but a person can find out and decide."""
    unknown = [o.target for o in ending.findings.outcomes if o.state is State.UNKNOWN]
    look = f"Look on {', '.join(dict.fromkeys(unknown))} whether it still runs, and how it ended. " if unknown else ""
    return {
        "Not taken back": _listed(f"{each.name} on {each.target}: {each.does}" for each in left(plan, ending.findings)),
        "What to do": f"{look}The hub begins nothing more of it. Then say at {ending.url} how it ended: done, and its "
        "change is closed as successful, or not done, and it is closed as unsuccessful.",
    }


def settled(key: str, plan: Plan, said: str) -> Note:
    """A person has said how it ended."""
    return Note(key=key, headline=f"Firstline: {plan.runbook.title}: settled", body=said)


def customer(key: str, plan: Plan) -> Note:
    """What the caller reads when the fault is mended: nothing of how it was done."""
    sentence = plan.runbook.note.text or "The fault was mended, and it was checked that it is."
    return Note(key=key, headline=plan.runbook.title, body=sentence, public=True)


def printed(findings: Findings) -> str:
    """The output of what ran, without its colours, each under its name; the diagnosis first when there is one."""
    ran = (*findings.of("diagnose"), *findings.of("step", "rollback"))
    parts = [(_where(o), output) for o in ran if (output := unstyled(o.output).strip())]
    if len(parts) == 1:
        return parts[0][1]
    return "\n\n".join(f"── {where}\n{output}" for where, output in parts)


def closing(plan: Plan, ended: str, findings: Findings, reason: str, url: str) -> str:
    """The change's close notes and evidence."""
    lines = [
        f"{plan.runbook.title}: {HEADLINES[ended]}.",
        reason,
        f"Runbook {plan.named}, digest {plan.runbook.runbook_digest}.",
    ]
    lines += [f"{'ok' if o.ok else 'failed'}: {o.phase} {_where(o)} {o.detail}".rstrip() for o in findings.outcomes]
    return "\n".join([*(line for line in lines if line), excerpt(printed(findings), 2000), url]).strip()


def named(plan: Plan) -> str:
    """The runbook with its version and owner."""
    return f"{plan.named}, owned by {plan.runbook.owner}"


def _facts(told: dict[str, str]) -> tuple[Fact, ...]:
    return tuple(Fact(label=label, value=value) for label, value in told.items() if value)


def _listed(lines: Iterable[str]) -> str:
    every = list(lines)
    more = [f"and {len(every) - LISTED} more"] if len(every) > LISTED else []
    return "\n".join([*every[:LISTED], *more])


def _policy(plan: Plan) -> str:
    change = plan.runbook.change
    return f"{change.type}, {change.template}".rstrip(", ") if change else "none: it only reads"


def _approval(plan: Plan, by: str) -> str:
    """On whose word it runs."""
    if not by and plan.change_type == "emergency":
        return "nobody yet: it is an emergency, and its change is approved afterwards"
    return by or f"mapping in mode {plan.mode}"


def _found(findings: Findings) -> list[str]:
    """What was seen before anything was done, and what the diagnosis says in its first line."""
    before = [f"{_where(o)}: {_holds(o)}" for o in findings.of("before")]
    seen = [(o, unstyled(o.output).strip().partition("\n")[0][:200]) for o in findings.of("diagnose")]
    return before + [f"{_where(o)}: {line}" for o, line in seen if line]


def _holds(outcome: Outcome) -> str:
    verdict = "yes" if outcome.ok else "no"
    return f"{verdict} ({outcome.detail})" if outcome.detail else verdict


def _proof(plan: Plan, ending: Ending) -> str:
    """Whether the fix was proved, and by what; nothing where no fix was tried."""
    checks = ending.findings.of("after")
    if checks:
        return _listed(f"{_where(o)}: {_holds(o)}" for o in checks)
    if ending.outcome == "proved":
        return "by the exit status of its steps alone"
    return "no: its checks were not reached" if ending.findings.of("step") and plan.runbook.after else ""


def _how(outcome: Outcome) -> str:
    how = "done" if outcome.ok else "how it ended can't be told" if outcome.state is State.UNKNOWN else "failed"
    detail = f" ({outcome.detail})" if outcome.detail else ""
    return f"{how}{detail}{' [rollback]' if outcome.phase == 'rollback' else ''}"


def _where(outcome: Outcome) -> str:
    return f"{outcome.name} on {outcome.target}" if outcome.target else outcome.name
