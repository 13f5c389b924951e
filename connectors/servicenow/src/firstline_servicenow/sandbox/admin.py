"""The stand-in's own doors, which no ServiceNow has: look at everything, start over. No sign-in: loopback."""

from dataclasses import asdict

from starlette.requests import Request
from starlette.responses import Response

from firstline_servicenow.sandbox.fault import Fault
from firstline_servicenow.sandbox.instance import Instance, Trouble
from firstline_servicenow.sandbox.wire import answer, fields


class Admin:
    def __init__(self, instance: Instance) -> None:
        self._instance = instance

    async def state(self, _: Request) -> Response:
        """All tables as lists of rows with raw values, oldest first, and what was asked of the APIs so far."""
        store, counts = self._instance.store, self._instance.requests
        tables = {table: list(store.rows(table).values()) for table in store.tables}
        return answer({"tables": tables, "requests": {"total": counts.total(), "by": dict(counts)}})

    async def reset(self, request: Request) -> Response:
        """Back to the seed, or to the one in the body: `{"seed": {...}}`."""
        try:
            self._instance.reset((await fields(request)).get("seed"))
        except (Fault, ValueError, TypeError, LookupError, AttributeError) as error:
            return answer(Fault(400, "Bad seed", str(error)).body, 400)
        return answer({"result": "reset"})

    async def trouble(self, request: Request) -> Response:
        """`{"status": 429, "times": 3, "retry_after": 1}`: so the next three API requests are answered."""
        try:
            told = await fields(request)
            self._instance.trouble = Trouble(**{name: int(value) for name, value in told.items()})
        except (Fault, TypeError, ValueError) as error:
            return answer(Fault(400, "Bad trouble", str(error)).body, 400)
        return answer({"result": asdict(self._instance.trouble)})

    async def rules(self, request: Request) -> Response:
        """GET shows what administrators set up; PUT changes it: all anew, `{}` for nothing."""
        if request.method == "PUT":
            try:
                self._instance.set_up(await fields(request))
            except (Fault, ValueError) as error:
                return answer(Fault(400, "Bad rules", str(error)).body, 400)
        return answer({"result": self._instance.rules.setup.model_dump()})

    async def expire(self, _: Request) -> Response:
        """No OAuth token that was given out is taken any more."""
        self._instance.tokens.clear()
        return answer({"result": "expired"})
