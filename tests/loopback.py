"""A server of one file on the loopback address, that can be as bad as real ones are."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

from detcore.weights.catalogue import WeightsFile

CONTENT = bytes(range(256)) * 2000
"""What is published: half a megabyte."""
SHA256 = hashlib.sha256(CONTENT).hexdigest()
FILE = "/models/tiny-12345678.pth"


@dataclass
class Server:
    """``content`` is what it sends, answer after answer as the first of ``answers`` says, then well: a status such as
    404, ``cut`` in the middle, ``stall`` after a tenth, ``endless``, ``short`` (fewer bytes, and said so),
    ``elsewhere`` (a redirect to ``goal``). ``requests`` are the paths and headers that it was asked with."""

    content: bytes = CONTENT
    answers: list[str | int] = field(default_factory=list)
    ranges: bool = True
    pause: float = 0.0
    goal: str = ""
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    url: str = ""
    closing: threading.Event = field(default_factory=threading.Event)

    @property
    def starts(self) -> list[str | None]:
        """The range that each request asked for."""
        return [headers.get("Range") for _path, headers in self.requests]

    def file(self, **changes: Any) -> WeightsFile:
        """The card of what it publishes."""
        card: dict[str, Any] = {
            "name": "tiny-coco",
            "detector": "ssdlite320",
            "url": self.url + FILE,
            "size": len(CONTENT),
            "sha256": SHA256[:8],
            "licence": "BSD-3-Clause",
            "learnt": "COCO",
        }
        return WeightsFile(**{**card, **changes})


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_of: ClassVar[Server]

    def log_message(self, *_words: object) -> None:
        """Nothing is written."""

    def do_CONNECT(self) -> None:
        self.server_of.requests.append((self.path, dict(self.headers)))
        self.send_error(502)

    def do_GET(self) -> None:
        server = self.server_of
        server.requests.append((self.path, dict(self.headers)))
        how = server.answers.pop(0) if server.answers else "well"
        self.close_connection = True
        if isinstance(how, int):
            self.send_error(how)
        elif how == "elsewhere":
            self.send_response(302)
            self.send_header("Location", server.goal)
            self.send_header("Content-Length", "0")
            self.end_headers()
        else:
            self._send(how)

    def _send(self, how: str) -> None:
        server = self.server_of
        content = server.content[: len(server.content) // 2] if how == "short" else server.content
        asked = self.headers.get("Range", "")
        start = int(asked.removeprefix("bytes=").removesuffix("-")) if server.ranges and asked else 0
        if start >= len(content):
            self.send_error(416)
            return
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        if how != "endless":
            self.send_header("Content-Length", str(len(content) - start))
        # a name that must never be used
        self.send_header("Content-Disposition", 'attachment; filename="../../evil.pth"')
        self.end_headers()
        rest = content[start:]
        if how == "cut":
            self.wfile.write(rest[: len(rest) // 2])
            return
        if how == "stall":
            self.wfile.write(rest[: len(rest) // 10])
            self.wfile.flush()
            server.closing.wait(60)
            return
        try:
            while how == "endless":
                self.wfile.write(rest)
            for at in range(0, len(rest), 1 << 14):
                self.wfile.write(rest[at : at + (1 << 14)])
                time.sleep(server.pause)
        except ConnectionError:
            return  # the other side has heard enough


@contextmanager
def serving(**settings: Any) -> Generator[Server]:
    """A server, for as long as the block lasts."""
    server = Server(**settings)
    kind = type("Handler", (Handler,), {"server_of": server})
    with ThreadingHTTPServer(("127.0.0.1", 0), kind) as http:
        server.url = f"http://127.0.0.1:{http.server_port}"
        thread = threading.Thread(target=http.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield server
        finally:
            server.closing.set()
            http.shutdown()
            thread.join()
