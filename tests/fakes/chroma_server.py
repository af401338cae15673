"""A real Chroma server on loopback, and a server that answers everything with one thing."""

from __future__ import annotations

import contextlib
import http.server
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

START_SECONDS = 60.0


@contextlib.contextmanager
def chroma_server(folder: Path) -> Iterator[str]:
    """Runs `chroma run`; gives its address."""
    program = shutil.which("chroma", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    assert program is not None
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    command = [program, "run", "--path", str(folder), "--host", "127.0.0.1", "--port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            until = time.monotonic() + START_SECONDS
            while not _answers(address):
                assert process.poll() is None
                assert time.monotonic() < until
                time.sleep(0.05)
            yield address
        finally:
            process.kill()


def _answers(address: str) -> bool:
    try:
        urllib.request.build_opener(urllib.request.ProxyHandler({})).open(f"{address}/api/v2/heartbeat")
    except OSError:
        return False
    return True


@contextlib.contextmanager
def fake_server(
    status: int,
    body: bytes,
    kind: str = "application/json",
    delay: float = 0,
    seen: list[dict[str, str]] | None = None,
) -> Iterator[str]:
    """Answers every request alike and notes its headers in `seen`; gives its address."""

    class FakeHandler(http.server.BaseHTTPRequestHandler):
        def answer(self) -> None:
            time.sleep(delay)
            if seen is not None:
                seen.append(dict(self.headers))
            with contextlib.suppress(OSError):
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        do_GET = do_POST = do_PUT = do_DELETE = answer  # noqa: N815 - the names that the library calls

        def log_message(self, format: str, *args: object) -> None:
            """Says nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), FakeHandler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
