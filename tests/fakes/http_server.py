"""A web server on loopback that answers from a function, in a thread of its own."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self


@dataclass(frozen=True, slots=True)
class Asked:
    """One request."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    claimed: int | None = None
    """Length that the header states, where it is another: the connection is closed before."""
    pause: float = 0.0
    """Seconds between its bytes."""


class FakeServer:
    """Answers each request with what `answer` says of it, and keeps the requests."""

    def __init__(self, answer: Callable[[Asked], Reply]) -> None:
        self.asked: list[Asked] = []
        fake = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _reply(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                headers = {key.lower(): value for key, value in self.headers.items()}
                asked = Asked(self.command, self.path, headers, self.rfile.read(length))
                fake.asked.append(asked)
                reply = answer(asked)
                self.send_response(reply.status)
                for key, value in reply.headers.items():
                    self.send_header(key, value)
                size = len(reply.body) if reply.claimed is None else reply.claimed
                self.send_header("Content-Length", str(size))
                self.send_header("Connection", "close")
                self.end_headers()
                if self.command != "HEAD":
                    self._send(reply)

            def _send(self, reply: Reply) -> None:
                step = 1 if reply.pause else max(1, len(reply.body))
                with contextlib.suppress(OSError):  # whoever asked had enough
                    for start in range(0, len(reply.body), step):
                        self.wfile.write(reply.body[start : start + step])
                        time.sleep(reply.pause)

            do_GET = do_POST = do_HEAD = _reply  # noqa: N815 - the names that http.server looks for

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
