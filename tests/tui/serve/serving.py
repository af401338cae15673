"""A real `llm-advisor serve` for tests, and requests as no browser would send them."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

SECONDS = 90.0
KEY = "dGhlIHNhbXBsZSBub25jZQ=="


class Served:
    """The program, serving on a free port; `with` ends it as Ctrl+C does."""

    def __init__(self, state: Path, *options: str, **environment: str) -> None:
        self.state = state
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "tui.cli", "serve", "--json", "--port", "0", *options],
            env={**os.environ, "LLM_ADVISOR_HOME": str(state), **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        self.said: dict[str, Any] = json.loads(line or "{}")

    def __enter__(self) -> Served:
        assert self.said, self.process.communicate()[1]
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.interrupt()

    @property
    def url(self) -> str:
        return str(self.said["url"])

    @property
    def host(self) -> str:
        """What stands in `Host`."""
        return f"{self.said['host']}:{self.said['port']}"

    def interrupt(self) -> tuple[int, str, str]:
        """Ctrl+C: the exit status, and what was written after the first line."""
        self.process.send_signal(signal.SIGINT)
        out, err = self.process.communicate(timeout=SECONDS)
        return self.process.returncode, out, err

    def ask(self, path: str = "/", **headers: str) -> Answer:
        """One request; names of headers are written with `_` for `-`."""
        connection = http.client.HTTPConnection("127.0.0.1", self.said["port"], timeout=SECONDS)
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.putrequest("GET", path, skip_host="Host" in names)
        for name, value in names.items():
            connection.putheader(name, value)
        connection.endheaders()
        answer = connection.getresponse()
        body = b"" if answer.status == 101 else answer.read()
        found = Answer(answer.status, dict(answer.getheaders()), body.decode("utf-8", "replace"))
        connection.close()
        return found

    def ask_websocket(self, **headers: str) -> int:
        """The status of a websocket's handshake; 101 is a terminal."""
        upgrade = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec_WebSocket_Version": "13"}
        return self.ask("/ws", Sec_WebSocket_Key=KEY, **upgrade, **headers).status

    def children(self) -> list[int]:
        """Processes of the tabs that run."""
        listed = subprocess.run(
            ["ps", "-o", "pid=", "--ppid", str(self.process.pid)], capture_output=True, text=True, check=False
        )
        return [int(word) for word in listed.stdout.split()]


class Answer:
    """One answer."""

    def __init__(self, status: int, headers: dict[str, str], text: str) -> None:
        self.status, self.headers, self.text = status, headers, text


def until(true: Callable[[], object], what: str, seen: Callable[[], str] = str) -> None:
    """Waits for it; `seen` is what there was instead."""
    limit = time.monotonic() + SECONDS
    while not true():
        assert time.monotonic() < limit, f"{what}\n{seen()}"
        time.sleep(0.05)
