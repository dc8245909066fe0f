"""A web server of this machine that serves what a test gives it, in pieces if asked."""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

Answer = Callable[[dict[str, str]], bytes]


class Web:
    """What is served.

    Attributes:
        pages: path -> content, or a function from the query's words to content.
        failing: path -> how many requests end with 503 before one is answered.
        torn: path -> how many answers break off after half of their bytes.
        asked: requests so far, by path; `ranges` those for a part.
    """

    def __init__(self) -> None:
        self.pages: dict[str, bytes | Answer] = {}
        self.failing: Counter[str] = Counter()
        self.torn: Counter[str] = Counter()
        self.asked: Counter[str] = Counter()
        self.queries: list[dict[str, str]] = []
        self.ranges: list[str] = []
        self.address = ""


@contextmanager
def web() -> Iterator[Web]:
    """Server that runs within the block."""
    served = Web()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            """Nothing is printed."""

        def do_HEAD(self) -> None:
            self._answer(body=False)

        def do_GET(self) -> None:
            self._answer(body=True)

        def _answer(self, body: bool) -> None:
            parts = urlsplit(self.path)
            if body:
                served.asked[parts.path] += 1
            if body and served.failing[parts.path] > 0:
                served.failing[parts.path] -= 1
                return self._send(503, b"later", body)
            page = served.pages.get(parts.path)
            if page is None:
                return self._send(404, b"no such page", body)
            if callable(page):
                query = {name: values[0] for name, values in parse_qs(parts.query).items()}
                served.queries.append(query)
                page = page(query)
            span = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
            if span is None:
                return self._send(200, page, body)
            served.ranges.append(span[0])
            first, last = int(span[1]), min(int(span[2] or len(page)), len(page) - 1)
            extra = {"Content-Range": f"bytes {first}-{last}/{len(page)}"}
            return self._send(206, page[first : last + 1], body, extra)

        def _send(
            self, status: int, content: bytes, body: bool, extra: dict[str, str] | None = None
        ) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.send_header("Accept-Ranges", "bytes")
            for name, value in (extra or {}).items():
                self.send_header(name, value)
            self.end_headers()
            path = urlsplit(self.path).path
            if body and served.torn[path] > 0:
                served.torn[path] -= 1
                self.wfile.write(content[: len(content) // 2])
                self.close_connection = True
            elif body:
                self.wfile.write(content)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    served.address = f"http://127.0.0.1:{server.server_port}"
    try:
        yield served
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
