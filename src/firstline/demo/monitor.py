"""The monitor: probes the shop and pages PagerDuty when it is down, through Events API v2.

It pages once for each outage, after two failed probes, and never resolves: the demo shows that the hub does. Standard
library only: `python -I -S monitor.py SHOP_URL PAGERDUTY_URL ROUTING_KEY`.
"""

import argparse
import json
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass

EVERY = 0.3  # seconds between probes
PATIENCE = 1.0  # seconds a probe waits for an answer
FAILURES = 2  # failed probes in a row that make an outage

# Loopback is asked directly, whatever proxy the environment names.
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True)
class Fault:
    """What is wrong: `kind` makes the dedup key, `summary` the incident's title."""

    kind: str
    summary: str
    detail: str


def diagnose(status: int, body: str) -> Fault | None:
    """The fault that an answer tells, or None when the shop is well."""
    if status == 200:
        return None
    if status == 507:
        return Fault("disk", "shop: disk quota exceeded", body)
    return Fault("failing", f"shop: fails with {status}", body)


def probe(url: str) -> Fault | None:
    try:
        with _OPENER.open(url, timeout=PATIENCE) as answer:
            return diagnose(answer.status, answer.read(500).decode())
    except urllib.error.HTTPError as error:
        with error:
            return diagnose(error.code, error.read(500).decode())
    except OSError as error:
        return Fault("hung", "shop: does not answer", f"{type(error).__name__}: {error}")


def page(pagerduty: str, routing_key: str, fault: Fault, shop: str) -> None:
    """Trigger an alert (Events API v2: POST /v2/enqueue answers 202). Raises OSError when it is not accepted."""
    alert = {
        "routing_key": routing_key,
        "event_action": "trigger",
        "dedup_key": f"shop/{fault.kind}",
        "client": "demo monitor",
        "payload": {
            "summary": fault.summary,
            "source": "shop.demo",
            "severity": "critical",
            "component": "shop",
            "class": fault.kind,
            "custom_details": {"probe": shop, "failed_probes": FAILURES, "detail": fault.detail},
        },
    }
    request = urllib.request.Request(  # noqa: S310 - the sandbox's own http address
        f"{pagerduty}/v2/enqueue",
        data=json.dumps(alert).encode(),
        headers={"Content-Type": "application/json"},
    )
    _OPENER.open(request, timeout=5.0).close()


@dataclass
class Watch:
    """How often the shop failed in a row, and whether this outage was paged."""

    failures: int = 0
    paged: bool = False

    def due(self, fault: Fault | None) -> bool:
        """Take note of a probe; True when it is time to page."""
        if fault is None:
            self.failures, self.paged = 0, False
            return False
        self.failures += 1
        return self.failures >= FAILURES and not self.paged


def watch(shop: str, pagerduty: str, routing_key: str) -> None:
    state = Watch()
    while True:
        fault = probe(f"{shop}/health")
        if state.due(fault) and fault is not None:
            try:
                page(pagerduty, routing_key, fault, shop)
                state.paged = True
                sys.stderr.write(f"paged: {fault.summary}\n")
            except OSError as error:
                sys.stderr.write(f"not paged, next probe tries again: {error}\n")
        time.sleep(EVERY)


def main() -> None:
    parser = argparse.ArgumentParser(description="The demo's monitor.")
    parser.add_argument("shop", help="the shop's address")
    parser.add_argument("pagerduty", help="where alerts go")
    parser.add_argument("routing_key")
    options = parser.parse_args()
    watch(options.shop, options.pagerduty, options.routing_key)


if __name__ == "__main__":
    main()
