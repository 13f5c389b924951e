"""A real web server that takes connections and, once it hangs, answers none."""

import sys
from pathlib import Path

import httpx
import pytest
from tests.acceptance.packs.conftest import Runit

from firstline.declaration import Json
from firstline.testing.patience import eventually

# It hangs as such programs do: a request waits for a lock that another thread never lets go of.
SHOP = """
import sys, threading
from http.server import BaseHTTPRequestHandler, HTTPServer
lock = threading.Lock()
class Shop(BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/deadlock":
            lock.acquire()
        with lock:
            self.send_response(500 if self.path == "/broken" else 200)
            self.end_headers()
    def log_message(self, *_): pass
HTTPServer(("127.0.0.1", int(sys.argv[1])), Shop).serve_forever()
"""


class Shop:
    def __init__(self, runit: Runit, port: int, folder: Path) -> None:
        program = folder / "shop.py"
        program.write_text(SHOP)
        self.url = f"http://127.0.0.1:{port}"
        self.unit = runit.start("shop", f"exec {sys.executable} {program} {port}")
        eventually(lambda: self.answers)

    @property
    def answers(self) -> bool:
        try:
            return httpx.get(self.url, timeout=5).status_code == 200
        except httpx.TransportError:
            return False

    def deadlock(self) -> None:
        with pytest.raises(httpx.ReadTimeout):
            httpx.get(f"{self.url}/deadlock", timeout=0.3)

    def inputs(self, path: str = "/") -> dict[str, Json]:
        where = {"host": "web-1", "url": self.url + path, "unit": str(self.unit), "supervisor": "runit"}
        return where | {"patience": 0.5, "young": 0}
