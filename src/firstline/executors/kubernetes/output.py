"""What a program wrote for the next step, as far as a cluster keeps it."""

from pydantic import JsonValue

from firstline.executors.outputs import parse

CUT = 4096  # bytes: a termination message is no longer (core/v1 Container.terminationMessagePath)


def outputs_of(message: str) -> tuple[dict[str, JsonValue], str]:
    """The outputs, and what is wrong with them."""
    if len(message.encode()) >= CUT:
        return {}, f"its outputs are longer than the {CUT} bytes that a cluster keeps"
    try:
        return parse(message), ""
    except ValueError as error:
        return {}, f"its outputs can't be used: {error}"
