"""The other system: declared calls, sent; what its answers mean before anybody reads them."""

from pydantic import JsonValue

from firstline.errors import FirstlineError, Rejected, Unavailable
from firstline.executors.polled.wire import Answer, Line, Lost, make
from firstline.executors.web_call.declaration import Call
from firstline.executors.web_call.request import Words, fill
from firstline.executors.web_call.settings import HttpSettings
from firstline.http import error_for, retry_after
from firstline.masking import Masker

_NOT_TAKEN = frozenset({423, 425, 429})  # refused for now, and not begun (RFC 4918, 8470, 6585)
_GATEWAY = frozenset({502, 503, 504})  # somebody between us and the system says so


class Gone(Rejected):
    """404 or 410: there is no such thing there."""


class System:
    def __init__(self, settings: HttpSettings) -> None:
        self.settings = settings
        self._secrets = settings.secrets()
        accept = {"Accept": "application/json, */*;q=0.5"}  # a log may be text
        headers = accept | {name: value.get_secret_value() for name, value in settings.headers.items()}
        if settings.token:
            headers["Authorization"] = f"Bearer {settings.token.get_secret_value()}"
        auth = (settings.user, settings.password.get_secret_value()) if settings.password else None
        self._line = Line(lambda: make(settings.url.rstrip("/"), headers, settings.ca, auth))

    async def aclose(self) -> None:
        await self._line.aclose()

    def masker(self, words: Words) -> Masker:
        """Takes out our secrets, and those that were filled in."""
        return Masker([*self._secrets, *(value for name, value in words.items() if name.startswith("secret:"))])

    async def begin(self, call: Call, words: Words, timeout: float) -> Answer:
        """Send what begins something, with the key. Raises `NotSent`; `Rejected` and `Unavailable` when it was surely
        refused; `Lost` when it may have been done. Any other answer is given."""
        request = fill(call, words)
        request.headers[self.settings.key_header] = words["key"]
        answer = await self._line.ask(
            request.method, request.path, limit=self.settings.answer_limit, timeout=timeout, **request.options()
        )
        what, quoted = f"{call.method} {call.path}", self.masker(words)(answer.text)
        if call.well(answer.status):
            return answer
        if answer.status in _GATEWAY or answer.status == 408:
            raise Lost(f"{what} answered {answer.status}: {' '.join(quoted.split())[:200]}")
        if answer.status in _NOT_TAKEN:
            raise Unavailable(f"{what} answered {answer.status}", retry_after=retry_after(answer.headers))
        if 400 <= answer.status < 500:
            raise Rejected(f"{error_for(answer.status, quoted, answer.headers, what)}{_mend(answer.status)}")
        return answer

    async def ask(self, call: Call, words: Words, limit: int = 0) -> Answer:
        """Send what may be sent time and again; an answer that is well. Raises `Gone`, and `Unavailable` for all else:
        a run that can't be asked now goes on."""
        request = fill(call, words)
        answer = await self._line.ask(
            request.method,
            request.path,
            limit=limit or self.settings.answer_limit,
            timeout=self.settings.request_timeout,
            **request.options(),
        )
        if call.well(answer.status):
            return answer
        quoted = self.masker(words)(answer.text)
        error: FirstlineError = error_for(answer.status, quoted, answer.headers, f"{call.method} {call.path}")
        if answer.status in (404, 410):
            raise Gone(str(error))
        raise error if isinstance(error, Unavailable) else Unavailable(f"{error}{_mend(answer.status)}")


def document(answer: Answer) -> JsonValue:
    """The answer's JSON. Raises LookupError where it is none."""
    try:
        content: JsonValue = answer.json()
    except ValueError as error:
        raise LookupError(f"the answer is no JSON that can be read: {error}") from None
    return content


def _mend(status: int) -> str:
    if status == 401:
        return "; the credentials in the settings are not accepted: have they expired?"
    return "; the account in the settings may not do this" if status == 403 else ""
