"""Text with `${{ CEL }}` inside."""

from pydantic import JsonValue as Json

from firstline.errors import Rejected
from firstline.expression import plain
from firstline.expression.expression import Bindings, Expression, ExpressionFault, Scope
from firstline.expression.token import CLOSING, OPENING, tokens

TEXT_LIMIT = 16_384  # characters of a template
RESULT_LIMIT = 65_536  # characters of what it gives

_OPEN = "${{"
_CLOSE = "}}"


class Template:
    """A text whose `${{ }}` are computed when it is used. What they give is never read as a template again.

    A text that is exactly one `${{ }}` gives that value with its type; any other gives text. To write `${{` itself:
    `${{ "${{" }}`.
    """

    def __init__(self, scope: Scope, text: str) -> None:
        if len(text) > TEXT_LIMIT:
            raise ExpressionFault(f"longer than {TEXT_LIMIT} characters", TEXT_LIMIT)
        self.source = text
        self._parts = tuple(_parse(scope, text))

    @property
    def literal(self) -> bool:
        """Whether it has no `${{ }}`."""
        return all(isinstance(part, str) for part in self._parts)

    @property
    def type(self) -> str:
        """What it gives, as far as that is known beforehand (as `Expression.type`)."""
        only = self._only()
        return only.type if only else "string"

    def evaluate(self, bindings: Bindings) -> Json:
        """The value. Raises `Rejected`."""
        only = self._only()
        return self._bounded(only.evaluate(bindings)) if only else self.text(bindings)

    def text(self, bindings: Bindings) -> str:
        """The value as text, whatever its type. Raises `Rejected` when a part is null, a list or a map."""
        whole = "".join(part if isinstance(part, str) else self._part(part, bindings) for part in self._parts)
        self._bounded(whole)
        return whole

    def _only(self) -> Expression | None:
        first = self._parts[0] if len(self._parts) == 1 else ""
        return first if isinstance(first, Expression) else None

    @staticmethod
    def _part(part: Expression, bindings: Bindings) -> str:
        try:
            return plain.text(part.evaluate(bindings))
        except Rejected as error:
            raise Rejected(f"{part.text}: {error}") from error

    @staticmethod
    def _bounded(value: Json) -> Json:
        if isinstance(value, str) and len(value) > RESULT_LIMIT:
            raise Rejected(f"the text is longer than {RESULT_LIMIT} characters")
        return value


def _parse(scope: Scope, text: str) -> list[str | Expression]:
    parts: list[str | Expression] = []
    at = 0
    while (opening := text.find(_OPEN, at)) >= 0:
        if opening > at:
            parts.append(text[at:opening])
        start = opening + len(_OPEN)
        end = _end(text, start)
        parts.append(_compile(scope, text[start:end], start))
        at = end + len(_CLOSE)
    if at < len(text) or not parts:
        parts.append(text[at:])
    return parts


def _compile(scope: Scope, source: str, start: int) -> Expression:
    indent = len(source) - len(source.lstrip())
    try:
        return scope.compile(source.strip())
    except ExpressionFault as error:
        raise ExpressionFault(error.reason, start + indent + error.offset) from error


def _end(text: str, start: int) -> int:
    """Where the expression's `}}` stands: outside of texts and of braces of its own."""
    depth = 0
    for token in tokens(text, start):
        if depth == 0 and text.startswith(_CLOSE, token.start):
            return token.start
        depth += (token.text in OPENING) - (token.text in CLOSING)
    raise ExpressionFault(f"{_OPEN} without its {_CLOSE}", start - len(_OPEN))
