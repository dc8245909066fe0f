"""Local HTTP server of a few files, with ranges, that can break, lie and refuse."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Served:
    """Files by path, and how the server behaves.

    Attributes:
        files: path -> content.
        break_after: bytes of an answer after which the connection is cut; None: never.
        ranges: whether ranges are understood.
        asked: (path, range asked for) of each request.
    """

    def __init__(self, files: dict[str, bytes]) -> None:
        self.files = files
        self.break_after: int | None = None
        self.ranges = True
        self.asked: list[tuple[str, str | None]] = []
        self.address = ""


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        served: Served = self.server.served
        asked = self.headers.get("Range")
        served.asked.append((self.path, asked))
        content = served.files.get(self.path)
        if content is None:
            self.send_error(404)
            return
        begin = int(asked.removeprefix("bytes=").rstrip("-")) if asked and served.ranges else 0
        if begin and begin >= len(content):
            self.send_error(416)
            return
        self.send_response(206 if begin else 200)
        if begin:
            end = len(content) - 1
            self.send_header("Content-Range", f"bytes {begin}-{end}/{len(content)}")
        rest = content[begin:]
        self.send_header("Content-Length", str(len(rest)))
        self.end_headers()
        self.wfile.write(rest[: served.break_after])
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def serving_files(files: dict[str, bytes]) -> Iterator[Served]:
    """A server of some files, as long as it is needed."""
    served = Served(files)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.served = served
    served.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield served
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
