"""What `firstline doctor` says of a Rundeck server."""

from firstline.errors import FirstlineError
from firstline.executors.polled.foreign import read
from firstline.executors.rundeck.api import WHOSE, Api, Refusal, SystemInfo, refusal_of
from firstline.executors.rundeck.settings import RundeckSettings
from firstline.finding import Finding


async def check(api: Api, settings: RundeckSettings) -> list[Finding]:
    """Looks at what everybody with a token may see, then at what some may."""
    subject = settings.url
    try:
        answer = await api.send("GET", "/projects")
    except FirstlineError as error:
        return [_bad(subject, str(error), "is the url right, and does Rundeck run there?")]
    if refusal := refusal_of(answer):
        return [_refused(subject, refusal, settings)]
    try:
        projects = [str(project["name"]) for project in answer.json()]
    except (ValueError, KeyError, TypeError):
        return [_bad(subject, "what answers is no Rundeck", "is the url right, with the path below which Rundeck is?")]
    if not projects:
        return [_bad(subject, "the token is accepted, and sees no project", "give its user access to one")]
    seen = Finding(ok=True, subject=subject, message=f"the token is accepted; projects: {', '.join(projects)}")
    return [seen, *await _system(api, subject)]


async def _system(api: Api, subject: str) -> list[Finding]:
    """Version and mode; a token that may not see them is well all the same."""
    try:
        content, _ = await api.get("/system/info")
        system = read(SystemInfo, content, WHOSE).system
    except FirstlineError:
        return [Finding(ok=True, subject=subject, message="its version and mode are not for this token to see")]
    rundeck, mode = system.rundeck, system.executions.execution_mode
    words = f"Rundeck {rundeck.version}, API {rundeck.apiversion}"
    found = [Finding(ok=True, subject=subject, message=words)]
    if mode != "active":
        found.append(_bad(subject, f"its execution mode is {mode}: nothing can be run", "set it to active in Rundeck"))
    return found


def _refused(subject: str, refusal: Refusal, settings: RundeckSettings) -> Finding:
    words = f"{refusal.status} {refusal.code} {refusal.message}"
    if refusal.code == "api.error.api-version.unsupported":
        return _bad(subject, words, f"set api_version to one that this Rundeck has, not {settings.api_version}")
    if refusal.status in (401, 403):
        return _bad(subject, f"the token is not accepted: {words}", "has it expired? Make a new one in Rundeck")
    return _bad(subject, words, "is the url right?")


def _bad(subject: str, message: str, mend: str) -> Finding:
    return Finding(ok=False, subject=subject, message=message, mend=mend)
