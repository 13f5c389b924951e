"""Makes and keeps the webhook that brings events.

Four APIs: Cloud's admin webhooks (/rest/webhooks/1.0), those of Data Center from 10 on (/rest/jira-webhook/1.0) and
before (/rest/webhooks/1.0, which sign nothing), and Cloud's dynamic webhooks (/rest/api/3/webhook), the only ones that
OAuth may make: unsigned, and gone after 30 days (Atlassian, "Webhooks"; REST v3, "Webhooks")."""

import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from pydantic import SecretStr

from firstline.connector import Registration
from firstline.errors import Rejected
from firstline_jira.settings import JiraSettings
from firstline_jira.shape import moment
from firstline_jira.site import Site

ADMIN = "/rest/webhooks/1.0/webhook"
SERVER = "/rest/jira-webhook/1.0/webhooks"
SIGNS_FROM = 10  # Data Center's version from which on webhooks have secrets
SECTION = "issue-related-events-section"

ISSUES = ("jira:issue_created", "jira:issue_updated", "jira:issue_deleted")
COMMENTS = ("comment_created", "comment_updated", "comment_deleted")  # on Data Center, updates tell of comments

Tree = dict[str, Any]


class Registrations:
    def __init__(self, connection: str, settings: JiraSettings, site: Site) -> None:
        self._settings = settings
        self._site = site
        self._name = f"Firstline {connection}"

    async def connect(self, url: str) -> Registration:
        """Raises `Rejected` where what Jira would send could not be let in."""
        if self._settings.oauth:
            return await self._dynamic(url)
        if not granted(await self._site.permissions("", ["ADMINISTER"]), "ADMINISTER"):
            return self._by_hand(url)
        return await (self._admin(url) if self._site.edition.cloud else self._server(url))

    async def health(self) -> tuple[str, list[Tree]]:
        """What there is of ours, by name or kind: a word for people, and the webhooks as Jira shows them."""
        if self._settings.oauth:
            return "dynamic webhooks", await self._dynamic_ones()
        path = ADMIN if self._site.edition.cloud or await self._major() < SIGNS_FROM else SERVER
        found = await self._site.listed("GET", path)
        return "webhooks", [row for row in found if row.get("name") == self._name]

    def _by_hand(self, url: str) -> Registration:
        """The account is no administrator, which is well: it needs no such right for anything else."""
        secret, shown = self._secret(known=False)
        told = "the first of webhook_secrets" if secret and not shown else "the secret below, also for webhook_secrets"
        events = (*ISSUES, *COMMENTS) if self._site.edition.cloud else ISSUES
        steps = (
            f"The account may not make webhooks. An administrator of Jira makes it once: System, WebHooks, create one "
            f"named {self._name!r}.\nURL: {url}\nSecret: {told}\n"
            f"JQL: {self._jql() if self._settings.projects else 'none, or the projects meant'}\n"
            f"Events: {', '.join(events)}\nExclude body: off"
        )
        return Registration(state="manual", secret=shown, instructions=steps)

    # with an API token or a personal one, of an administrator

    async def _admin(self, url: str) -> Registration:
        found = _of(await self._site.listed("GET", ADMIN), url)
        secret, shown = self._secret(known=bool(found and found.get("isSigned")))
        wanted = self._wanted(url, (*ISSUES, *COMMENTS)) | {"enabled": True} | ({"secret": secret} if secret else {})
        if found is None:
            made = await self._site.tree("POST", ADMIN, json=wanted)
            return Registration(state="made", id=_tail(made), secret=shown)
        state = "unchanged" if _as_wanted(found, wanted, "isSigned") else "renewed"
        if state == "renewed" or secret:
            await self._site.request("PUT", f"{ADMIN}/{_tail(found)}", json=wanted)
        return Registration.model_validate({"state": state, "id": _tail(found), "secret": shown})

    async def _server(self, url: str) -> Registration:
        major = await self._major()
        if major < SIGNS_FROM:
            return await self._unsigned(url, major)
        found = _of(await self._site.listed("GET", SERVER), url)
        signed = bool(found and (found.get("configuration") or {}).get("SECRET"))
        secret, shown = self._secret(known=signed)
        wanted = self._wanted(url, ISSUES) | {"active": True, "scopeType": "global"}
        wanted["configuration"] = {"EXCLUDE_BODY": "false"} | ({"SECRET": secret} if secret else {})
        if found is None:
            made = await self._site.tree("POST", SERVER, json=wanted)
            return Registration(state="made", id=str(made.get("id") or ""), secret=shown)
        state = "unchanged" if signed and _as_wanted(found, wanted, "active") else "renewed"
        if state == "renewed" or secret:
            await self._site.request("PUT", f"{SERVER}/{found['id']}", json=wanted)
        return Registration.model_validate({"state": state, "id": str(found["id"]), "secret": shown})

    async def _unsigned(self, url: str, major: int) -> Registration:
        self._refuse_unsigned(f"Jira {major} signs no webhooks, 10 is the first that does")
        found = _of(await self._site.listed("GET", ADMIN), url)
        wanted = self._wanted(url, ISSUES) | {"enabled": True}
        if found is None:
            return Registration(state="made", id=_tail(await self._site.tree("POST", ADMIN, json=wanted)))
        if _as_wanted(found, wanted, "enabled"):
            return Registration(state="unchanged", id=_tail(found))
        await self._site.request("PUT", f"{ADMIN}/{_tail(found)}", json=wanted)
        return Registration(state="renewed", id=_tail(found))

    async def _major(self) -> int:
        info = await self._site.tree("GET", self._site.path("serverInfo"))
        numbers = info.get("versionNumbers")
        return int(numbers[0]) if isinstance(numbers, list) and numbers else 0

    def _wanted(self, url: str, events: Sequence[str]) -> Tree:
        filters = {SECTION: self._jql()} if self._settings.projects else {}
        return {"name": self._name, "url": url, "events": [*events], "filters": filters, "excludeBody": False}

    def _secret(self, *, known: bool) -> tuple[str, str]:
        """What is sent, and what of it a person has to be told: the configured one; without it a new one, unless Jira
        has one already, which it keeps when none is sent."""
        if self._settings.webhook_secrets:
            newest: SecretStr = self._settings.webhook_secrets[0]
            return newest.get_secret_value(), ""
        made = "" if known else secrets.token_urlsafe(32)
        return made, made

    # with OAuth

    async def _dynamic(self, url: str) -> Registration:
        self._refuse_unsigned("Jira does not sign the webhooks that OAuth may make")
        if not self._settings.projects:
            raise Rejected("a webhook made by OAuth needs a filter: say in `projects` whose issues are meant")
        wanted = {"events": [*ISSUES, *COMMENTS], "jqlFilter": self._jql()}
        ours = [row for row in await self._dynamic_ones() if row.get("url") == url]
        fitting = [row for row in ours if _fits(row, wanted)]
        superfluous = [row["id"] for row in ours if row not in fitting[:1]]
        if superfluous:
            await self._site.request("DELETE", self._site.path("webhook"), json={"webhookIds": superfluous})
        return await (self._refreshed(fitting[0]) if fitting else self._made(url, wanted))

    async def _made(self, url: str, wanted: Tree) -> Registration:
        answer = await self._site.tree("POST", self._site.path("webhook"), json={"url": url, "webhooks": [wanted]})
        results = answer.get("webhookRegistrationResult") or [{}]
        id = results[0].get("createdWebhookId")  # noqa: A001 - Jira's word
        if id is None:
            raise Rejected(
                f"Jira made no webhook: {'; '.join(map(str, results[0].get('errors') or ['no reason given']))}"
            )
        return (await self._refreshed({"id": id})).model_copy(update={"state": "made"})

    async def _refreshed(self, row: Tree) -> Registration:
        """Jira tells the end of a webhook's life when it is put off."""
        answer = await self._site.tree("PUT", self._site.path("webhook/refresh"), json={"webhookIds": [row["id"]]})
        return Registration(state="renewed", id=str(row["id"]), expires_at=expiry(answer))

    async def _dynamic_ones(self) -> list[Tree]:
        answer = await self._site.tree("GET", self._site.path("webhook"), params={"maxResults": 100})
        found = answer.get("values")
        return [row for row in found if isinstance(row, dict)] if isinstance(found, list) else []

    def _refuse_unsigned(self, why: str) -> None:
        if not self._settings.unsigned_hooks:
            raise Rejected(
                f"{why}, and webhooks without a signature are refused. Let polls bring the events (intake way = "
                "'poll'), or set unsigned_hooks: such webhooks tell nothing, and the next poll brings what happened"
            )

    def _jql(self) -> str:
        projects = ", ".join(self._settings.watched)
        return f"project in ({projects})"


def granted(permissions: Tree, name: str) -> bool:
    """By what `mypermissions` answers."""
    found = permissions.get(name)
    return isinstance(found, dict) and found.get("havePermission") is True


def expiry(row: Tree) -> datetime | None:
    """Milliseconds by the schema, a written time in the reference's examples."""
    value = row.get("expirationDate")
    if isinstance(value, int) and not isinstance(value, bool):
        return datetime.fromtimestamp(value / 1000, UTC)
    return moment(value, "expirationDate") if isinstance(value, str) else None


def _of(found: Sequence[Tree], url: str) -> Tree | None:
    return next((row for row in found if row.get("url") == url), None)


def _tail(row: Tree) -> str:
    """An admin webhook's id is the end of its address."""
    return str(row.get("self") or "").rstrip("/").rpartition("/")[2]


def _as_wanted(found: Tree, wanted: Tree, on: str) -> bool:
    """Whether it sends what is wanted. `on` must be true as well."""
    compared = [key for key in ("filters", "excludeBody", "enabled", "active") if key in wanted and key in found]
    alike = all(found[key] == wanted[key] for key in compared)
    return alike and found.get(on) is True and {*wanted["events"]} <= {*(found.get("events") or [])}


def _fits(row: Tree, wanted: Tree) -> bool:
    return row.get("jqlFilter") == wanted["jqlFilter"] and {*wanted["events"]} == {*(row.get("events") or [])}
