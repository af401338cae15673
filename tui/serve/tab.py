"""One tab of a browser: a process of its own with the chat, between its screen and the websocket."""

from __future__ import annotations

import asyncio
import contextlib
import os
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from aiohttp import web
from textual_serve.app_service import AppService
from textual_serve.download_manager import DownloadManager

from tui.serve import driver

GRACE_SECONDS = 10.0
"""What a chat gets to save its conversation; it takes a fraction of a second unless a computation runs."""
COLUMNS, ROWS = (20, 500), (5, 300)
"""Sizes of a screen, at least and at most: a larger one would take the memory of the computer."""
KEPT_FROM_CHILDREN = ("LLM_ADVISOR_SERVE_TOKEN",)


def within(value: object, limits: tuple[int, int], default: int) -> int:
    """A whole number between the limits."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return default
    try:
        return max(limits[0], min(limits[1], int(value)))
    except (ValueError, OverflowError):
        return default


class Tab(AppService):
    """The process of a tab. It is started without a shell."""

    def __init__(
        self, argv: Sequence[str], websocket: web.WebSocketResponse, downloads: DownloadManager
    ) -> None:
        """Prepare; `start` starts it.

        Args:
            argv: The command.
            websocket: The browser's end.
            downloads: Where files for the browser are announced.
        """

        async def close() -> None:
            await websocket.close()

        super().__init__(
            argv[0],
            write_bytes=websocket.send_bytes,
            write_str=websocket.send_str,
            close=close,
            download_manager=downloads,
        )
        self._argv = argv
        self.closing = False
        """Whether the browser has left and the chat is being saved."""
        self.gone = asyncio.Event()
        """Set when the process has ended."""

    def _build_environment(self, width: int = 80, height: int = 24) -> dict[str, str]:
        """That of the server; the screen is the browser's, whatever terminal the server was started in."""
        environment = super()._build_environment(width, height)
        for name in KEPT_FROM_CHILDREN:
            environment.pop(name, None)
        return {
            **environment,
            "TEXTUAL_DRIVER": driver.NAME,
            "TERM": "xterm-256color",
            "PYTHONUTF8": "1",
        }

    async def _open_app_process(self, width: int = 80, height: int = 24) -> Process:
        self._process = process = await asyncio.create_subprocess_exec(
            *self._argv,
            stdin=PIPE,
            stdout=PIPE,
            stderr=PIPE,
            env=self._build_environment(width, height),
            start_new_session=os.name == "posix",  # Ctrl+C is the server's, which then saves every tab.
        )
        assert process.stdin is not None
        self._stdin = process.stdin
        return process

    async def run(self) -> None:
        """Hand the screen on until the process ends, and close the websocket then."""
        try:
            await super().run()
        finally:
            with contextlib.suppress(OSError, RuntimeError):
                await self.remote_close()

    async def on_data(self, payload: bytes) -> None:
        """Hand a piece of the screen on; after the browser has left it is read all the same."""
        with contextlib.suppress(OSError, RuntimeError):
            await super().on_data(payload)

    async def on_meta(self, data: bytes) -> None:
        """Hand an announcement on."""
        with contextlib.suppress(OSError, RuntimeError):
            await super().on_meta(data)

    async def obey(self, order: str, value: object) -> None:
        """What the browser sent: keys, a size, the focus. What is none of them is ignored."""
        if order == "stdin" and isinstance(value, str):
            await self.send_bytes(value.encode("utf-8", "replace"))
        elif order == "resize" and isinstance(value, Mapping):
            await self.set_terminal_size(*size(value))
        elif order == "focus":
            await self.focus()
        elif order == "blur":
            await self.blur()

    async def stop(self) -> None:
        """Let the chat save its conversation and leave; a chat that does not is ended."""
        task, process = self._task, self._process
        self._task, self.closing = None, True
        try:
            if task is not None and process is not None:
                await self._download_manager.cancel_app_downloads(app_service_id=self.app_service_id)
                await self.send_meta({"type": "quit"})
                with contextlib.suppress(OSError, RuntimeError):
                    self.stdin.close()
                await _ended(process)
                await asyncio.wait([task], timeout=GRACE_SECONDS)
                task.cancel()
        finally:
            self.gone.set()


def size(given: Mapping[str, Any]) -> tuple[int, int]:
    """Columns and rows that a browser asked for, within the limits."""
    return within(given.get("width"), COLUMNS, 80), within(given.get("height"), ROWS, 24)


async def _ended(process: Process) -> None:
    steps: tuple[Callable[[], None] | None, ...] = (None, process.terminate, process.kill)
    for step in steps:
        if step is not None:
            with contextlib.suppress(ProcessLookupError):
                step()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), GRACE_SECONDS)
            return
