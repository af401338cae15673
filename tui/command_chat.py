"""`chat`: the conversation, in one of its three faces."""

from __future__ import annotations

import asyncio
import math
import os
import re
import sys

import click

from agent.protocol import Session, SessionFactory
from knowledge.errors import UsageError
from tui.invocation import common_options, invocation
from tui.output import write_note

GUIDED, AUTO = "guided", "auto"
SESSION_NAME = re.compile(r"[\w.\- ]{1,64}")
HELP = """Talk, and end with a recommendation.

MODEL is `guided` (built in: no model server, no network, no key; the default), `ollama_chat/NAME` for a model
of a running Ollama, any LiteLLM model, or `auto`: the best model of a running Ollama that fits this machine,
else guided. All but guided go over the network, to the server that the model's name says (`auto`: to Ollama);
everything is computed by the same tools with each of them. `model = "..."` in settings.toml or
LLM_ADVISOR_MODEL sets another default, and /model NAME switches in mid-conversation. A key is read from the
provider's variable (OPENAI_API_KEY) or the system keyring (`keyring set llm-advisor OPENAI_API_KEY`), and is
never written anywhere. Where you have set an embedder behind an API (see
`llm-advisor guides index --help`), what is looked up in the guides is sent to it; --offline leaves that out.
"""


def model_option() -> click.Option:
    """`--model`."""
    return click.Option(
        ["--model"],
        metavar="MODEL",
        help="Who words the answers: guided, auto, ollama_chat/NAME or a LiteLLM model.",
    )


def session_option() -> click.Option:
    """`--session`."""
    return click.Option(
        ["--session"], metavar="NAME", help="Name of the conversation; goes on with it if it exists."
    )


def factory(
    model: str | None,
    session: str | None,
    offline: bool,
    max_cost: float | None = None,
    copy: bool = False,
) -> SessionFactory:
    """Opens the session once the face is there; what it needs is imported then."""

    async def open_it() -> Session:
        from agent.session import open_session

        return await open_session(model=model, session=session, offline=offline, max_cost=max_cost, copy=copy)

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


def model_name(model: str | None, offline: bool) -> str | None:
    """The model that words the answers; None for the one of the settings.

    Raises:
        UsageError: It is empty, or would need the network although that is forbidden.
    """
    if model is None:
        return None
    model = model.strip()
    if not model or re.search(r"[\x00-\x20\x7f-\x9f]", model):
        raise UsageError(
            "--model takes a name without spaces.", hint="guided, auto, ollama_chat/NAME or a LiteLLM model."
        )
    if offline and model not in (GUIDED, AUTO):
        raise UsageError(
            f"--offline forbids the model server that `{model[:60]}` needs.",
            hint="Leave --offline away, or use --model guided.",
        )
    return model


def ceiling(max_cost: float | None) -> float | None:
    """The dollars that may be spent.

    Raises:
        UsageError: it is no number of dollars.
    """
    if max_cost is not None and not math.isfinite(max_cost):
        raise UsageError("--max-cost takes a number of dollars.", hint="For example --max-cost 0.50.")
    return max_cost


def _chat(model: str | None, session: str | None, max_cost: float | None, copy: bool, plain: bool) -> int:
    asked = invocation(click.get_current_context())
    name = session_name(session)
    chosen = model_name(model, asked.offline)
    if copy and name is None:
        raise UsageError("--copy copies a named conversation.", hint="Add --session NAME.")
    opens = factory(chosen, name, asked.offline, ceiling(max_cost), copy)
    if asked.as_json:
        from tui import jsonl

        return asyncio.run(jsonl.run(opens, sys.stdin.buffer))
    # Under a driver of Textual (`serve` sets one) the screen is not this process's terminal.
    in_terminal = not os.environ.get("TEXTUAL_DRIVER")
    if not plain and in_terminal and not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError(
            "The chat's screen needs a terminal.",
            hint="Use `llm-advisor chat --plain`, or `--json` from a program.",
        )
    if not plain and in_terminal and os.environ.get("TERM") == "dumb":
        write_note("This terminal (TERM=dumb) cannot move the cursor: the conversation is held in lines.")
        plain = True
    if plain:
        from tui.plain import run as run_plain

        return run_plain(opens)
    from tui.app import run as run_screen

    def another(session: str | None, copy: bool, model: str | None) -> SessionFactory:
        return factory(model or chosen, session, asked.offline, ceiling(max_cost), copy)

    return run_screen(opens, model=chosen or "", session_name=name, reopen=another, offline=asked.offline)


command = click.Command(
    "chat",
    callback=_chat,
    help=HELP,
    params=[
        model_option(),
        click.Option(
            ["--max-cost"],
            type=click.FloatRange(min=0),
            metavar="USD",
            help="Dollars that the conversation may spend on an API model; it stops before.",
        ),
        session_option(),
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
