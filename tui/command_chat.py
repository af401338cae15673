"""`chat`: the conversation, in one of its three faces."""

from __future__ import annotations

import asyncio
import re
import sys

import click

from agent.protocol import Session, SessionFactory
from knowledge.errors import UsageError
from tui.invocation import common_options, invocation
from tui.output import write_note

GUIDED = "guided"
SESSION_NAME = re.compile(r"[\w.\- ]{1,64}")
HELP = """Talk, and end with a recommendation.

MODEL is `guided` (built in: no model server, no network, no key), `ollama_chat/NAME` for a model of a running
Ollama, or any LiteLLM model. Only the last two go over the network, to the server that the model's name says;
everything is computed by the same tools with each of them. Where you have set an embedder behind an API (see
`llm-advisor guides index --help`), what is looked up in the guides is sent to it; --offline leaves that out.
"""


def factory(model: str, session: str | None, offline: bool, copy: bool = False) -> SessionFactory:
    """Opens the session once the face is there; what it needs is imported then."""

    async def open_it() -> Session:
        from agent.session import open_session

        return await open_session(model=model, session=session, offline=offline, copy=copy)

    return open_it


def session_name(name: str | None) -> str | None:
    """Checks a session's name.

    Raises:
        UsageError: It is empty, too long, or holds other signs than letters, digits, `.-_` and spaces.
    """
    if name is None:
        return None
    if not name.strip() or not SESSION_NAME.fullmatch(name.strip()):
        raise UsageError(
            "A session's name has 1 to 64 letters, digits, dots, dashes or spaces.",
            hint="For example --session work.",
        )
    return name.strip()


def model_name(model: str, offline: bool) -> str:
    """The model that words the answers.

    Raises:
        UsageError: It is empty, or would need the network although that is forbidden.
    """
    model = model.strip()
    if not model or re.search(r"[\x00-\x20\x7f-\x9f]", model):
        raise UsageError(
            "--model takes a name without spaces.", hint="guided, ollama_chat/NAME or a LiteLLM model."
        )
    if model == "auto":
        write_note("A model is not looked for yet: the built-in guided mode answers.")
        return GUIDED
    if offline and model != GUIDED:
        raise UsageError(
            f"--offline forbids the model server that `{model[:60]}` needs.",
            hint="Leave --offline away, or use --model guided.",
        )
    return model


def _chat(model: str, session: str | None, copy: bool, plain: bool) -> int:
    asked = invocation(click.get_current_context())
    name = session_name(session)
    chosen = model_name(model, asked.offline)
    if copy and name is None:
        raise UsageError("--copy copies a named conversation.", hint="Add --session NAME.")
    opens = factory(chosen, name, asked.offline, copy)
    if asked.as_json:
        from tui import jsonl

        return asyncio.run(jsonl.run(opens, sys.stdin.buffer))
    if plain:
        from tui.plain import run as run_plain

        return run_plain(opens)
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError(
            "The chat's screen needs a terminal.",
            hint="Use `llm-advisor chat --plain`, or `--json` from a program.",
        )
    from tui.app import run as run_screen

    return run_screen(opens, model=chosen, session_name=name)


command = click.Command(
    "chat",
    callback=_chat,
    help=HELP,
    params=[
        click.Option(
            ["--model"], default=GUIDED, metavar="MODEL", help="Who words the answers (default guided)."
        ),
        click.Option(
            ["--session"], metavar="NAME", help="Name of the conversation; goes on with it if it exists."
        ),
        click.Option(
            ["--copy"],
            is_flag=True,
            help="Go on in a copy of that conversation, also while it is open elsewhere.",
        ),
        click.Option(
            ["--plain"], is_flag=True, help="Lines of text without a screen; fit for screen readers."
        ),
        *common_options(),
    ],
)
