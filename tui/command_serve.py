"""`serve`: the chat's screen in a browser."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys

import click

from knowledge.errors import UsageError
from tui.command_chat import ceiling, model_name, model_option, session_name, session_option
from tui.invocation import common_options, invocation
from tui.output import write_json, write_lines, write_note

PORT = 8411
TOKEN_VARIABLE = "LLM_ADVISOR_SERVE_TOKEN"
HELP = f"""Show the chat's screen in a browser.

Opens a port of this computer alone and prints the page's address; Ctrl+C ends it and saves every
conversation. Each tab holds a conversation of its own; with --session the first tab goes on with that one,
and others get copies of it. The page loads nothing from another host, and pages of other sites are refused.

Another --host lets other computers reach the page, and needs --allow-remote and a token: that of
{TOKEN_VARIABLE}, or one that is made up and printed. The token stands in the address of the first visit, and
in a cookie after it. The connection is not encrypted: put a server with TLS before it, or use an SSH tunnel
(`ssh -L {PORT}:127.0.0.1:{PORT} HOST`), which needs neither.

With a --model other than guided, the conversation goes to the server that its name says.
"""


def _token(given: str | None, needed: bool) -> str | None:
    """The token of the first visit; a new one where one is needed and none was given.

    Raises:
        UsageError: It is empty, or holds other signs than an address can.
    """
    token = given if given is not None else os.environ.get(TOKEN_VARIABLE)
    if token is None or (given is None and not token):
        if not needed:
            return None
        from tui.serve.gate import new_token

        return new_token()
    if not token or not token.isascii() or not token.isprintable() or set(token) & set(" &#%+?\"'\\"):
        raise UsageError(
            "A token has letters, digits and signs such as - and _, without spaces.",
            hint="Leave it away where other computers may reach the page: one is made up.",
        )
    return token


def _serve(  # the options of the command
    host: str,
    port: int,
    model: str | None,
    session: str | None,
    max_cost: float | None,
    allow_remote: bool,
    token: str | None,
    max_tabs: int,
) -> int:
    asked = invocation(click.get_current_context())
    name, chosen, most = session_name(session), model_name(model, asked.offline), ceiling(max_cost)
    from tui.serve.addresses import listen

    listening = listen(host.strip() or "127.0.0.1", port, allow_remote=allow_remote)
    with contextlib.closing(listening.socket):
        secret = _token(token, needed=not listening.loopback)
        from tui.serve.gate import Gate
        from tui.serve.server import Chat, PageServer

        server = PageServer(
            listening,
            Chat(chosen, name, most, asked.offline),
            Gate(listening.host, listening.port, loopback=listening.loopback, token=secret),
            most_tabs=max_tabs,
        )
        url = listening.url if secret is None else f"{listening.url}?token={secret}"

        def ready() -> None:
            if asked.as_json:
                write_json({"url": url, "host": listening.host, "port": listening.port, "token": secret})
            else:
                write_lines([f"The advisor is at {url}"])
                write_note("Ctrl+C ends it.")
            # What is written later (the last words of a tab's process) is for the log of whoever runs this.
            sys.stdout = sys.stderr

        printed = sys.stdout
        try:
            asyncio.run(server.run(listening, ready))
        except KeyboardInterrupt:
            return 0
        finally:
            sys.stdout = printed
    return 0


command = click.Command(
    "serve",
    callback=_serve,
    help=HELP,
    params=[
        click.Option(
            ["--host"], default="127.0.0.1", metavar="HOST", help="Where to listen; default 127.0.0.1."
        ),
        click.Option(
            ["--port"],
            type=click.IntRange(0, 65535),
            default=PORT,
            metavar="N",
            help=f"Port to listen on, default {PORT}; 0 picks a free one.",
        ),
        model_option(),
        session_option(),
        click.Option(
            ["--max-cost"],
            type=click.FloatRange(min=0),
            metavar="USD",
            help="Dollars that each tab may spend on an API model; it stops before.",
        ),
        click.Option(
            ["--allow-remote"], is_flag=True, help="Let other computers reach the page, with a token."
        ),
        click.Option(
            ["--token"],
            metavar="TOKEN",
            help=f"Token of the first visit. Other users here can read it; {TOKEN_VARIABLE} keeps it to you.",
        ),
        click.Option(
            ["--max-tabs"],
            type=click.IntRange(1, 100),
            default=8,
            metavar="N",
            help="Conversations at once, default 8; each is a process.",
        ),
        *common_options(),
    ],
)
