"""The server of the page: textual-serve's, with our page, our gate and our tabs."""

from __future__ import annotations

import asyncio
import contextlib
import shlex
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from aiohttp import WSCloseCode, WSMsgType, web
from textual_serve.app_service import AppService
from textual_serve.server import Server

from tui.serve.addresses import Listening
from tui.serve.gate import Gate
from tui.serve.tab import Tab, size

HERE = Path(__file__).parent
MAX_MESSAGE = 4 << 20
"""Bytes of one message from the browser: a long paste is one."""
SHUTDOWN_SECONDS = 15.0
HEADERS = {
    # Nothing is loaded from another host, and no other site may show the page in a frame.
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self'; connect-src 'self' ws://{host} wss://{host}; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}


@dataclass(frozen=True, slots=True)
class Chat:
    """The chat that every tab starts."""

    model: str | None = None
    session: str | None = None
    max_cost: float | None = None
    offline: bool = False

    def argv(self, *, copy: bool = False) -> list[str]:
        """The command, for a process without a shell; `-P` keeps the working folder off its path."""
        words = [sys.executable, "-P", "-m", "tui.cli", "chat"]
        for option, value in (
            ("--model", self.model),
            ("--session", self.session),
            ("--max-cost", self.max_cost),
        ):
            if value is not None:
                words.append(f"{option}={value}")
        if copy and self.session is not None:
            words.append("--copy")
        return [*words, "--offline"] if self.offline else words


class PageServer(Server):
    """Serves the chat to browsers."""

    def __init__(self, listening: Listening, chat: Chat, gate: Gate, *, most_tabs: int) -> None:
        """Prepare.

        Args:
            listening: The open port.
            chat: What a tab starts.
            gate: Who may open the page.
            most_tabs: Conversations at once; each is a process.
        """
        super().__init__(
            shlex.join(chat.argv()), host=listening.host, port=listening.port, title="llm-advisor"
        )
        self._chat, self._gate, self._most = chat, gate, most_tabs
        self._tabs: dict[Tab, web.WebSocketResponse] = {}
        self._taken = 0
        """Tabs that are open or being opened."""
        self._named: Tab | None = None

    async def _make_app(self) -> web.Application:
        app = web.Application(middlewares=[self._gate.middleware], client_max_size=MAX_MESSAGE)
        app.add_routes(
            [
                web.get("/", self.handle_index),
                web.get("/ws", self.handle_websocket),
                web.get("/download/{key}", self.handle_download),
                web.static("/static", self.statics_path),
                web.static("/page", HERE / "static"),
            ]
        )
        app.on_response_prepare.append(_add_headers)
        app.on_shutdown.append(self.on_shutdown)
        return app

    async def handle_index(self, request: web.Request) -> web.StreamResponse:
        """The page, or why there is none now."""
        if self._taken >= self._most:
            raise web.HTTPServiceUnavailable(text=self._full())
        return web.FileResponse(HERE / "page.html")

    def _full(self) -> str:
        return f"There are {self._most} conversations open already. Close one, and load this page again.\n"

    async def handle_websocket(self, request: web.Request) -> web.WebSocketResponse:
        """A tab, from the first frame to its end."""
        if self._taken >= self._most:
            raise web.HTTPServiceUnavailable(text=self._full())
        self._taken += 1
        try:
            websocket = web.WebSocketResponse(heartbeat=15, max_msg_size=MAX_MESSAGE)
            await websocket.prepare(request)
            await self._hold(await self._new_tab(websocket), websocket, request)
        finally:
            self._taken -= 1
        return websocket

    async def _hold(self, tab: Tab, websocket: web.WebSocketResponse, request: web.Request) -> None:
        try:
            await tab.start(*size(request.query))
            await self._process_messages(websocket, tab)
        finally:
            await tab.stop()
            self._tabs.pop(tab, None)
            if self._named is tab:
                self._named = None

    async def _new_tab(self, websocket: web.WebSocketResponse) -> Tab:
        """The named conversation goes to one tab at a time; the others get a copy of it."""
        if self._named is not None and self._named.closing:
            # The same tab, loaded again: its conversation is still being saved.
            await self._named.gone.wait()
        copy = self._named is not None and not self._named.gone.is_set()
        tab = Tab(self._chat.argv(copy=copy), websocket, self.download_manager)
        self._tabs[tab] = websocket
        if not copy:
            self._named = tab
        return tab

    async def _process_messages(self, websocket: web.WebSocketResponse, app_service: AppService) -> None:
        assert isinstance(app_service, Tab)
        async for message in websocket:
            if message.type != WSMsgType.TEXT:
                continue
            try:
                order, *values = message.json()
            except (ValueError, TypeError, RecursionError):
                continue
            value = values[0] if values else None
            if order == "ping" and isinstance(value, str):
                await websocket.send_json(["pong", value[:100]])
            elif isinstance(order, str):
                await app_service.obey(order, value)

    async def on_shutdown(self, app: web.Application) -> None:
        """Tell every browser; each tab then saves its conversation."""
        for websocket in list(self._tabs.values()):
            await websocket.close(code=WSCloseCode.GOING_AWAY, message=b"the server ends")
        await asyncio.gather(*(tab.gone.wait() for tab in list(self._tabs)))

    async def run(self, listening: Listening, ready: Callable[[], None]) -> None:
        """Serve until Ctrl+C or a request to end, then end every tab.

        Args:
            listening: The open port.
            ready: Called once browsers are answered.
        """
        ended = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            # Windows has none of them: there Ctrl+C cancels this task.
            with contextlib.suppress(NotImplementedError):
                loop.add_signal_handler(number, ended.set)
        runner = web.AppRunner(
            await self._make_app(), access_log=None, shutdown_timeout=SHUTDOWN_SECONDS, handle_signals=False
        )
        await runner.setup()
        try:
            await web.SockSite(runner, listening.socket).start()
            ready()
            await ended.wait()
        finally:
            await runner.cleanup()


async def _add_headers(request: web.Request, response: web.StreamResponse) -> None:
    for name, value in HEADERS.items():
        response.headers[name] = value.replace("{host}", request.host)
    if "Server" in response.headers:
        del response.headers["Server"]
