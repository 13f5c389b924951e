"""The stand-in's door for the people of a change: approvers, who approve or refuse it, and its manager, who moves its
planned times. By the buttons of the page, or by JSON. No sign-in: loopback."""

from collections.abc import Callable, Mapping
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from firstline_servicenow.sandbox import approval
from firstline_servicenow.sandbox.fault import Fault
from firstline_servicenow.sandbox.instance import Instance
from firstline_servicenow.sandbox.store import Row
from firstline_servicenow.sandbox.wire import answer, fields

_TIMES = ("start_date", "end_date")


class Desk:
    def __init__(self, instance: Instance) -> None:
        self._instance = instance

    async def approve(self, request: Request) -> Response:
        """As the approver that was asked, or as `by`, with a `comment`."""
        return await self._act(request, lambda change, told: self._decide(change, told, "approved"))

    async def reject(self, request: Request) -> Response:
        return await self._act(request, lambda change, told: self._decide(change, told, "rejected"))

    async def plan(self, request: Request) -> Response:
        """`start_date` and `end_date`: YYYY-MM-DD HH:MM:SS in UTC; as administrator."""
        return await self._act(request, self._plan)

    async def _act(self, request: Request, act: Callable[[Row, Mapping[str, str]], None]) -> Response:
        form = request.headers.get("content-type", "").startswith("application/x-www")
        try:
            told = await (_form(request) if form else fields(request))
            change = self._change(request.path_params["number"])
            act(change, {name: str(value) for name, value in told.items()})
        except Fault as fault:
            return answer(fault.body, fault.status)
        if form:
            return RedirectResponse(f"/#{change['sys_id']}", status_code=303)
        shown = ("number", "state", "approval", *_TIMES)
        return answer({"result": {name: change[name] for name in shown}})

    def _change(self, number: str) -> Row:
        found = self._instance.store.first("change_request", "number", number)
        if found is None:
            raise Fault(404, "No Record found", f"there is no change {number}")
        return found

    def _decide(self, change: Row, told: Mapping[str, str], state: str) -> None:
        if change["approval"] != "requested":
            raise Fault(400, "Nothing to approve", f"{change['number']} is not waiting for approval")
        by = told.get("by") or self._asked(change)
        entry = approval.asked(self._instance.store, change, by)
        self._instance.decide(entry, {"state": state, "comments": told.get("comment", "")}, by)

    def _plan(self, change: Row, told: Mapping[str, str]) -> None:
        times = {name: told[name].replace("T", " ") for name in _TIMES if told.get(name)}
        self._instance.write("change_request", change, times, "admin")

    def _asked(self, change: Row) -> str:
        store = self._instance.store
        for entry in store.among(approval.TABLE, "sysapproval", change["sys_id"]):
            if entry["state"] == "requested":
                return approval.answerers(store, entry)[0]
        return ""


async def _form(request: Request) -> dict[str, str]:
    return {name: values[-1] for name, values in parse_qs((await request.body()).decode()).items()}
