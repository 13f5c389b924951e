"""The shop: a small web application that the demo breaks and the hub mends.

It lives in one folder:

==================== ==================================================================================================
`shop.json`          its settings, read anew for each request: `{"port": 8085, "quota_kib": 512, "greeting": "..."}`
`shop.pid`           the process that serves
`logs/access.log`    one line a request, rotated to `access.log.<n>`; the folder may hold `quota_kib` and no more
`cache/`             what it remembers between requests; made at start when it is missing
`shop.out`           what it printed, its last words included
==================== ==================================================================================================

`GET /` is its page, `GET /health` says 200 `ok`, 507 when its quota is used up, 500 when its settings can't be read.
Standard library only, so that a restart is quick: `python -I -S app.py FOLDER [--detach]`.
"""

import argparse
import errno
import json
import os
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

ROTATE_AT = 64 * 1024  # bytes of one log file
PAGE = "<!doctype html><title>Shop</title><h1>Shop</h1><p>{greeting}</p><p>{visits} requests were served.</p>"


class Misconfigured(Exception):
    """The settings can't be read; the message says where."""


class Shop:
    """The application behind the HTTP server: settings, log with a quota, cache."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder / "logs" / "access.log"
        self.visits = folder / "cache" / "visits"
        self.log.parent.mkdir(exist_ok=True)
        self.visits.parent.mkdir(exist_ok=True)

    def settings(self) -> dict[str, Any]:
        path = self.folder / "shop.json"
        try:
            settings: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise Misconfigured(f"{path} can't be read: {error}") from error
        return settings

    def write_log(self, line: str) -> None:
        """Append a line; raises OSError (ENOSPC) when the folder has reached its quota."""
        quota = int(self.settings()["quota_kib"])
        used = sum(file.stat().st_size for file in self.log.parent.iterdir()) // 1024
        if used >= quota:
            raise OSError(errno.ENOSPC, f"no space left in {self.log.parent}: {used} of {quota} KiB used")
        if self.log.exists() and self.log.stat().st_size > ROTATE_AT:
            last = max((int(file.suffix[1:]) for file in self.log.parent.glob("access.log.*")), default=0)
            self.log.rename(self.log.with_name(f"access.log.{last + 1}"))
        with self.log.open("a", encoding="utf-8") as file:
            file.write(line + "\n")

    def page(self) -> str:
        visits = int(self.visits.read_text(encoding="ascii")) + 1 if self.visits.exists() else 1
        self.visits.write_text(str(visits), encoding="ascii")
        return PAGE.format(greeting=self.settings()["greeting"], visits=visits)

    def answer(self, path: str) -> tuple[int, str]:
        """The status and the body for a path."""
        try:
            self.write_log(f"GET {path}")
            if path == "/health":
                return 200, "ok"
            return (200, self.page()) if path == "/" else (404, "no such page")
        except Misconfigured as error:
            return 500, str(error)
        except OSError as error:
            return 507, str(error.strerror)


class Request(BaseHTTPRequestHandler):
    shop: Shop

    def do_GET(self) -> None:
        status, text = self.shop.answer(self.path)
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the signature of http.server
        """The access log is the shop's own."""


class Server(ThreadingHTTPServer):
    daemon_threads = True


def serve(folder: Path) -> None:
    shop = Shop(folder)
    port = int(shop.settings()["port"])
    server = Server(("127.0.0.1", port), type("ShopRequest", (Request,), {"shop": shop}))
    pid = folder / "shop.pid"
    pid.write_text(str(os.getpid()), encoding="ascii")
    server.serve_forever()


def detach(folder: Path) -> int:
    """Start the shop in a session of its own and return its process id; what it prints goes to `shop.out`."""
    with (folder / "shop.out").open("ab") as out:
        process = subprocess.Popen(  # noqa: S603 - this file, with this interpreter
            [sys.executable, "-I", "-S", __file__, str(folder)],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,
        )
    return process.pid


def main() -> None:
    parser = argparse.ArgumentParser(description="The demo's shop.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--detach", action="store_true", help="go on in the background and print the process id")
    options = parser.parse_args()
    if options.detach:
        sys.stdout.write(f"{detach(options.folder)}\n")
        return
    try:
        serve(options.folder)
    except Misconfigured as error:
        sys.exit(f"the shop does not start: {error}")


if __name__ == "__main__":
    main()
