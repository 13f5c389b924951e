"""Counts requests against the limit, and tells of it in headers as Cloud and Data Center do."""

import time

from firstline_jira.sandbox.trouble import Troubles

NEAR = 5  # Cloud names what is left once a fifth or less is


class Limit:
    def __init__(self, troubles: Troubles, *, cloud: bool) -> None:
        self._troubles = troubles
        self._cloud = cloud
        self.clear()

    def clear(self) -> None:
        self._began = time.monotonic()
        self._used = 0

    def take(self) -> tuple[bool, dict[str, str]]:
        """Whether one more request may be, and the headers of its answer."""
        trouble = self._troubles.now
        if time.monotonic() - self._began >= trouble.per:
            self.clear()
        if trouble.requests is None:
            return True, {}
        self._used += 1
        left = trouble.requests - self._used
        wait = max(1, round(trouble.per - (time.monotonic() - self._began)))
        headers = self._headers(trouble.requests, trouble.per, max(0, left), wait)
        return left >= 0, headers | ({"Retry-After": str(wait)} if left < 0 else {})

    def _headers(self, limit: int, per: int, left: int, wait: int) -> dict[str, str]:
        if self._cloud:
            rest = f";r={left}" if left * NEAR <= limit else ""
            return {
                "RateLimit-Policy": f'"tenant-app-quota";q={limit};w={per}',
                "RateLimit": f'"tenant-app-quota"{rest};t={wait}',
            }
        return {
            "X-RateLimit-Limit": str(limit),
            "X-RateLimit-Remaining": str(left),
            "X-RateLimit-Interval-Seconds": str(per),
            "X-RateLimit-FillRate": str(limit),
        }
