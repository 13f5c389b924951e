"""What `firstline doctor` says of an AWX."""

from firstline.errors import FirstlineError
from firstline.executors.awx.api import Api
from firstline.executors.awx.document import Count, Ping, User
from firstline.executors.awx.settings import AwxSettings
from firstline.finding import Finding


async def check(api: Api, settings: AwxSettings) -> list[Finding]:
    """First what everybody may see, `ping/`, then who we are, `me/`, and what we may launch."""
    subject = settings.url
    try:
        ping = await api.get(Ping, "ping")
    except FirstlineError as error:
        return [_bad(subject, str(error), f"is the url right, does AWX run there, and is {settings.path} its API?")]
    try:
        users, _ = await api.rows(User, "me")
        launchable = await api.get(Count, "job_templates", page_size=1, role_level="execute_role")
    except FirstlineError as error:
        return [_bad(subject, str(error), "has the token expired, or lacks it the scope write? Make a new one in AWX")]
    who = users[0].username if users else "nobody"
    found = [Finding(ok=True, subject=subject, message=f"AWX {ping.version}, signed in as {who}")]
    if not launchable.count:
        found.append(_bad(subject, f"{who} may execute no job template", "give it the role Execute on those to be run"))
    return found


def _bad(subject: str, message: str, mend: str) -> Finding:
    return Finding(ok=False, subject=subject, message=message, mend=mend)
