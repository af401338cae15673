"""Who may open the page and its websocket.

A page of any site that is open in the same browser can send requests to this computer. Two headers, which no
page can forge, tell them apart: `Host` names the address that was asked for (a name that an attacker has led
to this computer is none of ours), and `Origin` the page that asks. Where other computers can reach the page,
a token is needed as well: in the address at the first visit, in a cookie after it.
"""

from __future__ import annotations

import asyncio
import hmac
import secrets
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from aiohttp import web

from tui.serve.addresses import bracketed

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
WRONG_TOKEN_SECONDS = 0.5
"""Wait before a wrong token is refused: guessing takes its time."""
LOOPBACK_NAMES = ("localhost", "127.0.0.1", "::1")
TOKEN = "token"


def new_token() -> str:
    """A token that nobody guesses."""
    return secrets.token_urlsafe(32)


class Gate:
    """Looks at every request before it reaches the page."""

    def __init__(self, host: str, port: int, *, loopback: bool, token: str | None) -> None:
        """Prepare.

        Args:
            host: The host that the port was opened for.
            port: The open port.
            loopback: Whether only names of this computer may stand in `Host`; other addresses have many
                names, and there the token, which a browser sends to its own site only, tells.
            token: What the first visit has to bring; None asks for none.
        """
        names = {f"{bracketed(name)}:{port}" for name in (*LOOPBACK_NAMES, host.lower())}
        if port == 80:
            names |= {bracketed(name) for name in (*LOOPBACK_NAMES, host.lower())}
        self._hosts = frozenset(names) if loopback else None
        self._token = token
        # The cookie is another secret: what a browser keeps on its disk ends with this server.
        self._pass = new_token()
        self.cookie = f"llm_advisor_{port}"

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Refuses what is not for us, with a sentence."""
        if self._hosts is not None and request.host.lower() not in self._hosts:
            raise web.HTTPForbidden(text="This address is not one of the advisor's.\n")
        if not _same_site(request):
            raise web.HTTPForbidden(text="Another site asked for this; it is refused.\n")
        if self._token is None or self._knows(request.cookies.get(self.cookie, "")):
            return await handler(request)
        return await self._first_visit(request)

    def _knows(self, given: str) -> bool:
        return hmac.compare_digest(given.encode(), self._pass.encode())

    async def _first_visit(self, request: web.Request) -> web.StreamResponse:
        """With the right token, the same page without it in the address, and the cookie."""
        assert self._token is not None
        given = request.query.get(TOKEN, "") if request.path == "/" else ""
        if not hmac.compare_digest(given.encode("utf-8", "replace"), self._token.encode()):
            if given:
                await asyncio.sleep(WRONG_TOKEN_SECONDS)
            raise web.HTTPForbidden(
                text="Open the address with the token that `llm-advisor serve` printed.\n"
            )
        answer = web.HTTPSeeOther("/")
        answer.set_cookie(
            self.cookie, self._pass, httponly=True, samesite="Lax", secure=request.secure, path="/"
        )
        raise answer


def _same_site(request: web.Request) -> bool:
    """Whether no other site's page asks; programs that are no browser send no origin."""
    origins = request.headers.getall("Origin", [])
    return all(_is_ours(origin, request.host) for origin in origins)


def _is_ours(origin: str, host: str) -> bool:
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and parts.netloc.lower() == host.lower()
