"""What runs print, as HTML: the two streams told apart, colours kept, and nothing in it that a browser would obey."""

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any

from markupsafe import Markup

from firstline.hub import Hub
from firstline.remediation.run.log import HUB, packed, read
from firstline.web.api.output import OutputChunk, chunks, path_of
from firstline.web.portal.ansi import Ansi, written

SHOWN = 16_384  # bytes of a log's beginning, and of its end, that stand in the page of a remediation
NEAR = 8 * 1_048_576  # bytes of a packed log, to whose end it is not far


class Painter:
    """Of one run: each stream's colours go on where they were."""

    def __init__(self) -> None:
        self._streams = {"stdout": Ansi(), "stderr": Ansi()}

    def html(self, parts: Iterable[OutputChunk]) -> Markup:
        return Markup("").join(self._chunk(part) for part in parts)

    def _chunk(self, part: OutputChunk) -> Markup:
        text = part.text.replace("\r\n", "\n")
        if part.stream == HUB:
            return Markup('<span class="gap">[{}]</span>').format(written(text.rstrip("\n")))
        html = self._streams[part.stream].html(text)
        return Markup('<span class="err">{}</span>').format(html) if part.stream == "stderr" else html


async def head_and_tail(hub: Hub, run: Mapping[str, Any]) -> Markup:
    """Head and tail of what a run that has ended printed; the database's excerpt where its log is not here."""
    return await asyncio.to_thread(_head_and_tail, hub, run)


def _head_and_tail(hub: Hub, run: Mapping[str, Any]) -> Markup:
    path, size, painter = path_of(hub, run), run["log_size"], Painter()
    head, after = read(path, 0, SHOWN)
    if not head:
        return painter.html([OutputChunk(stream="stdout", text=run["output"], offset=0, at=None)])
    html = painter.html(chunks(head))
    if after >= size:
        return html
    tail = read(path, max(after, size - SHOWN), SHOWN)[0] if size < NEAR or not packed(path).exists() else []
    between = (tail[0].offset if tail else size) - after
    gap = OutputChunk(stream=HUB, text=f"{between} bytes of the log are not shown here", offset=after, at=None)
    return html + painter.html([gap, *chunks(tail)])
