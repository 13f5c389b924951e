"""A load of signed webhooks over kept-alive connections, from this process: bounded in count, to loopback only."""

import asyncio
import hashlib
import hmac
import json
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

SECRET = b"bench-secret"
HOST = "127.0.0.1"


def webhook(number: int, title: str = "a question", service: str = "shop") -> bytes:
    """One whole HTTP request: PagerDuty says that an incident was triggered."""
    body = json.dumps({"event": _event(number, title, service)}).encode()
    signature = hmac.new(SECRET, body, hashlib.sha256).hexdigest()
    head = (
        f"POST /hooks/pagerduty HTTP/1.1\r\nHost: {HOST}\r\nContent-Type: application/json\r\n"
        f"X-PagerDuty-Signature: v1={signature}\r\nX-Webhook-Id: d-{number}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def _event(number: int, title: str, service: str) -> dict[str, Any]:
    link = {"self": "https://api.example.com/x", "html_url": "https://example.com/x"}
    return {
        "id": f"01BENCH{number:09d}",
        "event_type": "incident.triggered",
        "resource_type": "incident",
        "occurred_at": datetime.now(UTC).isoformat(),
        "agent": {"id": "PUSER01", "type": "user_reference", "summary": "Ada", **link},
        "client": None,
        "data": {
            "id": f"Q{number:09d}",
            "type": "incident",
            "number": number,
            "status": "triggered",
            "title": title,
            "service": {"id": "PSHOP01", "type": "service_reference", "summary": service, **link},
            "assignees": [{"id": "PUSER01", "type": "user_reference", "summary": "Ada", **link}],
            "escalation_policy": {"id": "PEP0001", "type": "escalation_policy_reference", "summary": "Default", **link},
            "teams": [],
            "priority": None,
            "urgency": "high",
            "conference_bridge": None,
            "resolve_reason": None,
            **link,
        },
    }


async def flood(port: int, requests: Sequence[bytes], connections: int = 32) -> float:
    """Send all as fast as they are answered; gives answers a second. Raises RuntimeError at one that is not 202."""
    left = iter(requests)
    begun = time.perf_counter()
    await asyncio.gather(*(_send(port, left) for _ in range(connections)))
    return len(requests) / (time.perf_counter() - begun)


async def paced(port: int, requests: Sequence[bytes], a_second: float) -> list[float]:
    """Send one after another at a steady pace; gives when each was sent, in epoch seconds."""
    reader, writer = await asyncio.open_connection(HOST, port)
    begun, sent = time.perf_counter(), []
    for number, request in enumerate(requests):
        await asyncio.sleep(max(0.0, begun + number / a_second - time.perf_counter()))
        sent.append(time.time())
        await _ask(reader, writer, request)
    writer.close()
    return sent


async def _send(port: int, requests: Any) -> None:
    reader, writer = await asyncio.open_connection(HOST, port)
    for request in requests:
        await _ask(reader, writer, request)
    writer.close()


async def _ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> None:
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
    await reader.readexactly(length)
    if b" 202 " not in head[:20]:
        raise RuntimeError(f"answered {head.splitlines()[0]!r}")
