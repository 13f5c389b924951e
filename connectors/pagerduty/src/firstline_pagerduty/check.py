"""Whether a connection can work: address, key, the user in whose name we write, the webhook subscriptions."""

from firstline.connector import Finding
from firstline.errors import FirstlineError, Unauthorized
from firstline_pagerduty.rest import Rest
from firstline_pagerduty.settings import PagerDutySettings


async def check(rest: Rest, settings: PagerDutySettings) -> list[Finding]:
    try:
        users = (await rest.get("/users", query=settings.from_email, limit=100)).get("users") or ()
    except Unauthorized as error:
        return [_ill("key", error, "Set `token` to a REST API key of this account (Integrations, API Access Keys).")]
    except FirstlineError as error:
        return [_ill("address", error, f"Look whether {settings.base_url} can be reached from here.")]
    findings = [Finding(ok=True, subject="key", message=f"{settings.base_url} knows the key")]
    mine = next((user for user in users if user.get("email", "").lower() == settings.from_email.lower()), None)
    findings.append(_author(mine and str(mine.get("id")), settings))
    findings.append(await _subscriptions(rest))
    return findings


def _author(user_id: str | None, settings: PagerDutySettings) -> Finding:
    if user_id is None:
        return Finding(
            ok=False,
            subject="user",
            message=f"no user has the e-mail address {settings.from_email}: PagerDuty will refuse what we write",
            mend="Set `from_email` to a user's address, best one that only Firstline uses.",
        )
    if settings.own_user_id and settings.own_user_id != user_id:
        return Finding(
            ok=False,
            subject="user",
            message=f"{settings.from_email} is user {user_id}, but own_user_id says {settings.own_user_id}",
            mend=f"Set `own_user_id` to {user_id}, so that our own writes are known as such.",
        )
    hint = "" if settings.own_user_id else f"; set own_user_id to {user_id}, so that our own writes are known as such"
    return Finding(ok=True, subject="user", message=f"{settings.from_email} is user {user_id}{hint}")


async def _subscriptions(rest: Rest) -> Finding:
    try:
        answer = await rest.get("/webhook_subscriptions", limit=100)
    except FirstlineError as error:
        return _ill("webhooks", error, "Let the key read webhook subscriptions, or look at them in PagerDuty.")
    methods = [one.get("delivery_method") or {} for one in answer.get("webhook_subscriptions") or ()]
    disabled = [str(method.get("url")) for method in methods if method.get("temporarily_disabled")]
    if disabled:
        return Finding(
            ok=False,
            subject="webhooks",
            message=f"PagerDuty has stopped sending to {', '.join(disabled)}, because deliveries were refused",
            mend="Enable the subscription (Integrations, Generic Webhooks (v3)) once the hub answers 2xx again.",
        )
    return Finding(ok=True, subject="webhooks", message=f"{len(methods)} webhook subscriptions, none disabled")


def _ill(subject: str, error: FirstlineError, mend: str) -> Finding:
    return Finding(ok=False, subject=subject, message=str(error), mend=mend)
