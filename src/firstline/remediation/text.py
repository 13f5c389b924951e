"""The notes people read on a ticket. Pure: from what is known to `Note`; the connector gives it the vendor's form."""

from firstline.connector import Fact, Note
from firstline.remediation.finding import Findings, Outcome
from firstline.remediation.plan import Plan, steps

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


def headline(outcome: str, *, changed: bool) -> str:
    """An outcome in words. A runbook that only reads has not mended anything: it has diagnosed."""
    return HEADLINES.get("diagnosed" if outcome == "proved" and not changed else outcome, outcome)


def suggestion(key: str, plan: Plan, url: str) -> Note:
    facts = (_runbook(plan), Fact(label="It would run", value="\n".join(steps(plan))), Fact(label="More", value=url))
    return Note(
        key=key, headline=f"Firstline suggests: {plan.runbook.title}", facts=facts, body=plan.runbook.description
    )


def question(key: str, plan: Plan, digest: str, url: str, answer: str) -> Note:
    """`answer` is the address that takes an approval."""
    change = plan.runbook.change
    facts = (
        _runbook(plan),
        Fact(label="It will run", value="\n".join(steps(plan))),
        Fact(label="Proved by", value="; ".join(check.name for check in plan.runbook.after) or "its exit status"),
        Fact(
            label="Change", value=f"{change.type}, {change.template}".rstrip(", ") if change else "none: it only reads"
        ),
        Fact(label="Plan", value=digest[:12]),
        Fact(label="More", value=url),
        Fact(label="Let it go with", value=f"POST {answer}"),
    )
    return Note(
        key=key,
        headline=f"Firstline asks: may it {_lower(plan.runbook.title)}?",
        facts=facts,
        body=plan.runbook.description,
    )


def outcome(
    key: str, plan: Plan, ended: str, findings: Findings, *, reason: str, by: str, change: str, url: str
) -> Note:
    """The last word: what was found and done, by which runbook, on whose word, under which change, proved how."""
    said = headline(ended, changed=plan.runbook.change is not None)
    proof = [f"{check.name}: {check.detail or 'holds'}" for check in findings.of("after") if check.ok]
    facts = [
        _runbook(plan),
        Fact(label="Matched by", value=plan.mapping),
        Fact(label="Approved by", value=by or f"mapping in mode {plan.mode}"),
        Fact(label="Change", value=change or ("none was opened" if plan.runbook.change else "none: it only reads")),
        Fact(label="Done", value=_did(findings)),
        Fact(label="Proof", value="; ".join(proof)),
        Fact(label="Why", value=reason),
        Fact(label="More", value=url),
    ]
    return Note(
        key=key,
        headline=f"Firstline: {plan.runbook.title}: {said}",
        facts=tuple(f for f in facts if f.value),
        output=printed(findings),
    )


def printed(findings: Findings) -> str:
    """The output of what ran, each under its name; the diagnosis first when there is one."""
    parts = [o for o in (*findings.of("diagnose"), *findings.of("step", "rollback")) if o.output.strip()]
    if len(parts) == 1:
        return parts[0].output.strip()
    return "\n\n".join(f"── {_where(part)}\n{part.output.strip()}" for part in parts)


def closing(plan: Plan, ended: str, findings: Findings, reason: str, url: str) -> str:
    """The change's close notes and evidence."""
    lines = [
        f"{plan.runbook.title}: {HEADLINES[ended]}.",
        reason,
        f"Runbook {plan.named}, digest {plan.runbook.runbook_digest}.",
    ]
    lines += [f"{'ok' if o.ok else 'failed'}: {o.phase} {_where(o)} {o.detail}".rstrip() for o in findings.outcomes]
    return "\n".join([*(line for line in lines if line), printed(findings)[-2000:], url]).strip()


def _did(findings: Findings) -> str:
    return "\n".join(f"{_where(o)}: {_how(o)}" for o in findings.of("step", "rollback"))


def _how(outcome: Outcome) -> str:
    how = "done" if outcome.ok else "failed"
    detail = f" ({outcome.detail})" if outcome.detail else ""
    return f"{how}{detail}{' [rollback]' if outcome.phase == 'rollback' else ''}"


def _where(outcome: Outcome) -> str:
    return f"{outcome.name} on {outcome.target}" if outcome.target else outcome.name


def _runbook(plan: Plan) -> Fact:
    return Fact(label="Runbook", value=f"{plan.named}, owned by {plan.runbook.owner}")


def _lower(title: str) -> str:
    return title[:1].lower() + title[1:]
