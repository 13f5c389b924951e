"""The three vendors as the soak sees them: how an incident is raised there, and what of it is kept there in the end."""

import re
from abc import ABC, abstractmethod
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import httpx
from tests.soak.pack import COVERED

KEY = re.compile(r"\[firstline:([^\]]+)\]\s*$")
SECRET = "soak-secret"
ROUTING_KEY = "sandbox-routing-key".ljust(32, "0")

State = dict[str, Any]


@dataclass(frozen=True)
class Kept:
    """An incident as its vendor keeps it. `notes`: the key of each note of the hub's; `resolved`: how often it was
    moved there."""

    id: str
    title: str
    notes: tuple[str, ...]
    resolved: int

    @property
    def covered(self) -> bool:
        """Whether its runbook changes something, so that a change has to cover it."""
        return self.title.startswith(COVERED)


class Vendor(ABC):
    """`name` is the connector's, and the connection's. `settings` goes in firstline.toml, after the address. `trouble`:
    a seed with the vendor's own: what is new is seen late by those who ask."""

    name: ClassVar[str]
    settings: ClassVar[str]
    trouble: ClassVar[dict[str, Any]]
    changes: ClassVar[bool] = False  # keeps change requests in the soak

    @abstractmethod
    def raising(self, title: str) -> dict[str, Any]:
        """The request that raises an incident, as `httpx.Client.request` takes it; in nobody's name but a person's or
        a monitor's."""

    @abstractmethod
    def kept(self, state: State) -> Iterator[Kept]:
        """The incidents in what /sandbox/state shows."""

    def closed_changes(self, state: State) -> Counter[str]:
        """How each change ended, by its key at the vendor."""
        return Counter()

    def raise_incident(self, http: httpx.Client, title: str) -> None:
        """Until the vendor says that it has it. An answer that got lost makes one more incident, as with people."""
        while True:
            try:
                answer = http.request(**self.raising(title))
            except httpx.TransportError:
                continue
            if answer.is_success:
                return
            if answer.is_client_error and answer.status_code != 429:
                raise RuntimeError(f"{self.name} refused an incident: {answer.status_code} {answer.text[:500]}")


class ServiceNow(Vendor):
    name = "servicenow"
    settings = 'user = "firstline"\npassword = "firstline"'
    trouble: ClassVar = {"rules": {"late": {"rows": 1_000_000, "seconds": 20}}}
    changes = True

    def raising(self, title: str) -> dict[str, Any]:
        body = {"short_description": title, "urgency": "1", "impact": "2"}
        return {"method": "POST", "url": "/api/now/table/incident", "json": body, "auth": ("admin", "admin")}

    def kept(self, state: State) -> Iterator[Kept]:
        journal = defaultdict(list)
        for entry in state["tables"]["sys_journal_field"]:
            journal[entry["element_id"]].append(entry["value"])
        for row in state["tables"]["incident"]:
            notes = journal[row["sys_id"]]
            # Each save is counted; what is neither a note nor the link to the change is a change of state.
            saves = int(row["sys_mod_count"]) - len(notes) - bool(row["rfc"])
            yield Kept(row["sys_id"], row["short_description"], keys(notes), saves if row["state"] == "6" else 0)

    def closed_changes(self, state: State) -> Counter[str]:
        rows = state["tables"]["change_request"]
        return Counter(
            row["correlation_id"] for row in rows if (row["state"], row["close_code"]) == ("3", "successful")
        )


class Jira(Vendor):
    name = "jira"
    settings = 'user = "firstline@example.com"\napi_token = "sandbox-token"'
    trouble: ClassVar = {"trouble": {"index_delay": 2}}

    def raising(self, title: str) -> dict[str, Any]:
        body = {"serviceDeskId": "1", "requestTypeId": "1", "requestFieldValues": {"summary": title}}
        who = ("mara.keller@example.com", "sandbox-token")
        return {"method": "POST", "url": "/rest/servicedeskapi/request", "json": body, "auth": who}

    def kept(self, state: State) -> Iterator[Kept]:
        for issue in state["issues"]:
            fields = issue["fields"]
            done, now = fields["status"]["statusCategory"]["key"] == "done", fields["status"]["id"]
            moves = [item["to"] for row in issue["changelog"] for item in row["items"] if item["field"] == "status"]
            marks = [mark for comment in issue["comments"] for mark in comment["properties"]]
            notes = tuple(mark["value"]["key"] for mark in marks if mark["key"] == "firstline")
            yield Kept(issue["id"], fields["summary"], notes, moves.count(now) if done else 0)


class PagerDuty(Vendor):
    name = "pagerduty"
    settings = 'token = "a-rest-token"\nfrom_email = "firstline@example.com"\nown_user_id = "PFIRSTL"'
    trouble: ClassVar = {"trouble": {"late_seconds": 2}}

    def raising(self, title: str) -> dict[str, Any]:
        told = {"summary": title, "source": "monitor", "severity": "critical"}
        body = {"routing_key": ROUTING_KEY, "event_action": "trigger", "dedup_key": title, "payload": told}
        return {"method": "POST", "url": "/v2/enqueue", "json": body}

    def kept(self, state: State) -> Iterator[Kept]:
        for row in state["incidents"]:
            resolved = sum(entry["type"] == "resolve_log_entry" for entry in row["log_entries"])
            notes = keys([note["content"] for note in row["notes"]])
            yield Kept(row["id"], row["title"], notes, resolved)


VENDORS: dict[str, Vendor] = {vendor.name: vendor for vendor in (ServiceNow(), Jira(), PagerDuty())}


def keys(notes: list[str]) -> tuple[str, ...]:
    """The key in the last line of each note; a note without one is somebody else's."""
    return tuple(found[1] for note in notes if (found := KEY.search(note)))
