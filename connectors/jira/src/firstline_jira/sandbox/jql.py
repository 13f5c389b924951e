"""The part of JQL the sandbox understands: clauses joined by AND, then ORDER BY."""

import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, tzinfo

from firstline_jira.sandbox import markup
from firstline_jira.sandbox.record import PROJECT, Issue, Refused

Clause = Callable[[Issue], bool]

_CLAUSE = re.compile(
    r'\s*(\w+)\s*(!=|>=|<=|=|>|<|~|not in\b|in\b)\s*(\((?:[^)"]|"(?:\\.|[^"\\])*")*\)|"(?:\\.|[^"\\])*"|[^\s()]+)\s*',
    re.I,
)
_CATEGORY: dict[str, str] = {"new": "To Do", "indeterminate": "In Progress", "done": "Done"}
_NAMES: dict[str, Callable[[Issue], list[str]]] = {
    "project": lambda _: [PROJECT],
    "key": lambda issue: [issue.key, issue.id],
    "id": lambda issue: [issue.key, issue.id],
    "status": lambda issue: [issue.status.name, issue.status.id],
    "statuscategory": lambda issue: [issue.status.category, _CATEGORY[issue.status.category]],
    "issuetype": lambda issue: [issue.type.name, issue.type.id],
    "labels": lambda issue: list(issue.fields.get("labels") or []),
}
_ORDER: dict[str, Callable[[Issue], object]] = {
    "key": lambda issue: issue.number,
    "created": lambda issue: issue.created,
    "updated": lambda issue: issue.indexed,
}


def search(jql: str, issues: Iterable[Issue], zone: tzinfo = UTC) -> list[Issue]:
    """Times are read in the zone, of the account that asks. Raises `Refused` (400), as Jira does for a query it can't
    read or that bounds nothing."""
    where, order = re.split(r"(?i)\border by\b", jql, maxsplit=1)[0], _order_of(jql)
    clauses = list(_clauses(where, zone))
    if not clauses:
        raise Refused(400, "Unbounded JQL queries are not allowed here. Please add a search restriction to your query.")
    found = [issue for issue in issues if all(clause(issue) for clause in clauses)]
    for name, descending in reversed(order):
        found.sort(key=_ORDER[name], reverse=descending)  # type: ignore[arg-type]
    return found


def _order_of(jql: str) -> list[tuple[str, bool]]:
    parts = re.split(r"(?i)\border by\b", jql, maxsplit=1)
    wanted = [part.split() for part in parts[1].split(",")] if len(parts) > 1 else [["created", "desc"]]
    found = [(words[0].lower(), len(words) > 1 and words[1].lower() == "desc") for words in wanted if words]
    for name, _ in found:
        if name not in _ORDER:
            raise Refused(400, f"Not able to sort using field '{name}'.")
    return found


def _clauses(where: str, zone: tzinfo) -> Iterable[Clause]:
    rest = where.strip()
    while rest:
        match = _CLAUSE.match(rest)
        if not match:
            raise Refused(400, f"Error in the JQL Query: can't read near '{rest[:30]}'.")
        yield _clause(match[1].lower(), match[2].lower(), match[3], zone)
        rest = rest[match.end() :]
        if rest and not (joined := re.match(r"(?i)and\b", rest)):
            raise Refused(400, f"Error in the JQL Query: Expecting 'AND' but got '{rest[:20]}'.")
        rest = rest[joined.end() :] if rest and joined else rest


def _clause(name: str, operator: str, written: str, zone: tzinfo) -> Clause:
    values = [_unquoted(value) for value in _values(written)]
    if name in ("created", "updated"):
        return _compared(name, operator, values[0], zone)
    if name in ("text", "summary") and operator == "~":
        phrase = values[0].strip('"').casefold()
        return lambda issue: phrase in _words(issue).casefold()
    if name not in _NAMES:
        raise Refused(400, f"Field '{name}' does not exist or you do not have permission to view it.")
    wanted = {value.casefold() for value in values}
    negated = operator in ("!=", "not in")
    return lambda issue: bool(wanted & {found.casefold() for found in _NAMES[name](issue)}) != negated


def _values(written: str) -> list[str]:
    if not written.startswith("("):
        return [written]
    return re.findall(r'"(?:\\.|[^"\\])*"|[^\s,()]+', written[1:-1])


def _unquoted(value: str) -> str:
    return re.sub(r"\\(.)", r"\1", value[1:-1]) if value.startswith('"') else value


def _moment(name: str, value: str, zone: tzinfo) -> datetime:
    """To the minute: the documented forms have no seconds and no zone."""
    for form in ("%Y-%m-%d %H:%M", "%Y/%m/%d %H:%M", "%Y-%m-%d", "%Y/%m/%d"):
        try:
            return datetime.strptime(value, form).replace(tzinfo=zone)
        except ValueError:
            continue
    raise Refused(
        400,
        f"Date value '{value}' for field '{name}' is invalid. Valid formats include: 'yyyy/MM/dd HH:mm', "
        "'yyyy-MM-dd HH:mm', 'yyyy/MM/dd', 'yyyy-MM-dd'",
    )


def _compared(name: str, operator: str, value: str, zone: tzinfo) -> Clause:
    bound = _moment(name, value, zone)
    compare: dict[str, Callable[[datetime], bool]] = {
        ">=": lambda when: when >= bound,
        "<=": lambda when: when <= bound,
        ">": lambda when: when > bound,
        "<": lambda when: when < bound,
    }
    if operator not in compare:
        raise Refused(400, f"The operator '{operator}' is not supported by the '{name}' field.")
    return lambda issue: compare[operator](issue.indexed if name == "updated" else issue.created)


def _words(issue: Issue) -> str:
    return f"{issue.fields.get('summary', '')}\n{markup.text(issue.fields.get('description'))}"
