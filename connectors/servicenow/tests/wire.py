"""A server between the connector and the stand-in that breaks connections: the request arrives, the answer does not."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx


class Broken(ThreadingHTTPServer):
    """Passes requests on. After `cut` requests of `method` were passed on, their answers are withheld and the
    connection is closed."""

    daemon_threads = True

    def __init__(self, upstream: str, method: str, cut: int) -> None:
        super().__init__(("127.0.0.1", 0), _Passing)
        self.upstream = upstream
        self.method = method
        self.cut = cut
        self.passed: list[str] = []


class _Passing(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Broken

    def _pass(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        self.server.passed.append(self.command)
        headers = {name: self.headers[name] for name in ("Authorization", "Content-Type") if self.headers[name]}
        answer = httpx.request(
            self.command, self.server.upstream + self.path, content=body, headers=headers, trust_env=False
        )
        if self.command == self.server.method and self.server.cut > 0:
            self.server.cut -= 1
            self.close_connection = True
            return
        self.send_response(answer.status_code)
        for name in ("Content-Type", "X-Total-Count"):
            if name in answer.headers:
                self.send_header(name, answer.headers[name])
        self.send_header("Content-Length", str(len(answer.content)))
        self.end_headers()
        self.wfile.write(answer.content)

    do_GET = do_POST = do_PATCH = _pass  # noqa: N815

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Keep the test's output quiet."""


@contextmanager
def broken(upstream: str, method: str, cut: int = 1) -> Iterator[tuple[str, Broken]]:
    server = Broken(upstream, method, cut)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", server
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
