"""The webhook subscription that brings events to us (PagerDuty REST API v2, "Webhooks")."""

from collections.abc import AsyncIterator
from typing import Any

from firstline.connector import Registration
from firstline.errors import Rejected, Unavailable
from firstline_pagerduty.rest import Rest
from firstline_pagerduty.settings import PagerDutySettings
from firstline_pagerduty.translate import ANNOTATED, ON_AN_INCIDENT

EVENTS = frozenset({*ON_AN_INCIDENT, ANNOTATED})
PAGE = 100
Subscription = dict[str, Any]


async def connect(rest: Rest, settings: PagerDutySettings, hook_url: str) -> Registration:
    """Find the subscription that sends there, mend what is amiss with it, or make one. A subscription does not expire.

    Not made twice: where an answer was lost, the next call finds it by its address. Then nobody has seen its secret,
    and PagerDuty shows it no more; `check` can't tell, the first webhook does."""
    found = await find(rest, hook_url)
    if found is None:
        return await _make(rest, settings, hook_url)
    amiss = wrong(found, settings)
    if amiss:
        await rest.put(f"/webhook_subscriptions/{found['id']}", {"webhook_subscription": amiss})
    if disabled := is_disabled(found):
        await rest.post(f"/webhook_subscriptions/{found['id']}/enable", {})
    if amiss or disabled:
        await _read_back(rest, settings, str(found["id"]))
    return Registration(state="renewed" if amiss or disabled else "unchanged", id=str(found["id"]))


async def find(rest: Rest, hook_url: str) -> Subscription | None:
    async for one in subscriptions(rest):
        if url(one) == hook_url:
            return one
    return None


async def subscriptions(rest: Rest) -> AsyncIterator[Subscription]:
    offset = 0
    while True:
        answer = await rest.get("/webhook_subscriptions", limit=PAGE, offset=offset)
        rows = answer.get("webhook_subscriptions") or ()
        for row in rows:
            yield row
        if not answer.get("more") or not rows:
            return
        offset += len(rows)


def wrong(found: Subscription, settings: PagerDutySettings) -> Subscription:
    """What has to be changed for it to bring what we need; it may bring more. Empty: nothing."""
    amiss: Subscription = {}
    if not found.get("active", True):
        amiss["active"] = True
    if missing := EVENTS - set(found.get("events") or ()):
        amiss["events"] = sorted(missing | set(found.get("events") or ()))
    wanted = _filter(settings)
    has = found.get("filter") or {}
    if (has.get("type"), has.get("id") or "") != (wanted["type"], wanted.get("id", "")):
        amiss["filter"] = wanted
    return amiss


def url(found: Subscription) -> str:
    return str(_method(found).get("url") or "")


def is_disabled(found: Subscription) -> bool:
    return bool(_method(found).get("temporarily_disabled"))


async def _make(rest: Rest, settings: PagerDutySettings, hook_url: str) -> Registration:
    asked = {
        "type": "webhook_subscription",
        "description": "Firstline",
        "delivery_method": {"type": "http_delivery_method", "url": hook_url},
        "events": sorted(EVENTS),
        "filter": _filter(settings),
    }
    answer = await rest.post("/webhook_subscriptions", {"webhook_subscription": asked})
    made = answer.get("webhook_subscription") or {}
    if not made.get("id"):
        raise Unavailable("PagerDuty's answer names no webhook subscription: whether it was made is looked for")
    secret = str(_method(made).get("secret") or "")
    instructions = (
        "Put this secret where the setting webhook_secrets finds it, and restart the hub: PagerDuty shows it only now."
    )
    return Registration(state="made", id=str(made["id"]), secret=secret, instructions=instructions)


async def _read_back(rest: Rest, settings: PagerDutySettings, identifier: str) -> None:
    found = (await rest.get(f"/webhook_subscriptions/{identifier}")).get("webhook_subscription") or {}
    if amiss := wrong(found, settings):
        raise Rejected(
            f"PagerDuty took the change of webhook subscription {identifier}, but kept its {', '.join(amiss)}"
        )
    if is_disabled(found):
        raise Rejected(f"PagerDuty keeps webhook subscription {identifier} disabled")


def _filter(settings: PagerDutySettings) -> dict[str, str]:
    kind, identifier = settings.scope
    return {"type": f"{kind}_reference"} | ({"id": identifier} if identifier else {})


def _method(subscription: Subscription) -> dict[str, Any]:
    method = subscription.get("delivery_method")
    return method if isinstance(method, dict) else {}
