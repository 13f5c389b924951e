"""The hub's log: JSON lines, secrets masked, whoever wrote them."""

import logging
from typing import TextIO

import structlog
from structlog.stdlib import ProcessorFormatter
from structlog.typing import EventDict, Processor, WrappedLogger

from firstline.masking import Masker

# Libraries that give their logger a handler which masks nothing, unless it has one.
OWN_HANDLERS = ("dbos", "uvicorn", "uvicorn.error", "uvicorn.access")


def configure(mask: Masker, to: TextIO, level: int = logging.INFO) -> None:
    """Set up our own log, and those of the libraries: their traces show the same texts."""
    begin: list[Processor] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    end: list[Processor] = [
        structlog.processors.format_exc_info,
        masked(mask),
        structlog.processors.JSONRenderer(default=str),
    ]
    structlog.configure(
        processors=[*begin, *end],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(to),
    )
    handler = logging.StreamHandler(to)
    processors = [ProcessorFormatter.remove_processors_meta, *end]
    handler.setFormatter(ProcessorFormatter(foreign_pre_chain=begin, processors=processors))
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    for name in OWN_HANDLERS:
        library = logging.getLogger(name)
        library.handlers, library.propagate = [handler], False


def masked(mask: Masker) -> Processor:
    """Masks every text of a line: the event, its values however deep, and the trace of an exception."""

    def process(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
        return {key: mask.deep(_plain(value)) for key, value in event.items()}

    return process


def _plain(value: object) -> object:
    """What is no JSON is shown as text, and that is masked too."""
    if value is None or isinstance(value, str | int | float | bool):
        return value
    if isinstance(value, dict):
        return {str(key): _plain(each) for key, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, list | tuple | set | frozenset) else str(value)
