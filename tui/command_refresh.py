"""`models refresh`: shows what is newer, asks, and takes it."""

from __future__ import annotations

import sys

import click

from tools.commands.refresh import Refresh, RefreshQuery, drop, look, take
from tools.commands.requests import parse
from tui.invocation import common_options, invocation
from tui.output import write_json, write_lines
from tui.refresh_text import dropped_lines, ending_lines, refresh_lines, shortened

HELP = """Ask the network for newer facts, show what would change, and take it on a yes.

What is taken lies in the state folder beside the bundled facts, with its source, its day and what it
replaces; the bundled facts are never changed, and --drop brings them back. Without a terminal, and with
--json, nothing is taken unless --yes is given. A run that names no model asks the hub for 200 models, four at
a time: those asked longest ago, the most used first. The next run asks for the next 200.

NETWORK: huggingface.co (or HF_ENDPOINT, with the token in HF_TOKEN if there is one) for configurations,
licenses and parameter counts; raw.githubusercontent.com for LiteLLM's price map (or
LITELLM_MODEL_COST_MAP_URL) and for leaderboard files (the setting `boards` adds more). --offline refuses.
"""


def _refresh(models: tuple[str, ...], only: str | None, yes: bool, dropping: bool, why: bool) -> int:
    asked = invocation(click.get_current_context())
    query = parse(RefreshQuery, _given(models, only, yes, dropping))
    if query.drop:
        document = drop()
        write_json(document) if asked.as_json else write_lines(dropped_lines(document))
        return 0
    try:
        found = look(query, offline=asked.offline, progress=None if asked.as_json else _progress)
    finally:
        _progress_line("")
    if not asked.as_json:
        write_lines(refresh_lines(found.document, why))
    document = take(found) if _wanted(query, found, asked.as_json, why) else found.document
    if asked.as_json:
        write_json(document)
    else:
        write_lines(["", *lines] if (lines := list(ending_lines(document))) else [])
    return 0


def _given(models: tuple[str, ...], only: str | None, yes: bool, dropping: bool) -> dict[str, object]:
    values = {"models": ",".join(models), "only": only, "yes": yes, "drop": dropping}
    return {key: value for key, value in values.items() if value not in (None, False, "")}


def _wanted(query: RefreshQuery, found: Refresh, as_json: bool, why: bool) -> bool:
    """Whether it is to be taken. Days on which a source agreed with what is in use are no question."""
    if query.yes or not found.changed:
        return query.yes
    if as_json or not sys.stdin.isatty():
        return False
    if not found.document["count"]:
        return True
    if not why and shortened(found.document):
        words = ["yes", "no", "all"]
        answer = click.prompt(
            "Take these changes, or show all first?", "no", type=click.Choice(words), err=True
        )
        if answer != "all":
            return bool(answer == "yes")
        write_lines(refresh_lines(found.document, why=True))
    return click.confirm("Take these changes?", err=True)


def _progress(done: int, total: int) -> None:
    _progress_line(f"asked for {done} of {total} models")


def _progress_line(text: str) -> None:
    """One line that is written over, and empty in the end: a hub may be left before all are asked for."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r{text:40}\r")
        sys.stderr.flush()


command = click.Command(
    "refresh",
    callback=_refresh,
    help=HELP,
    params=[
        click.Option(
            ["--models"],
            multiple=True,
            metavar="NAME[,NAME]",
            help="Only these models: names, hub ids, Ollama tags or API models; may be given several times.",
        ),
        click.Option(["--only"], metavar="PART", help="Only one of hub, prices and scores."),
        click.Option(["--yes"], is_flag=True, help="Take what is found without asking."),
        click.Option(
            ["--drop", "dropping"],
            is_flag=True,
            help="Forget everything that was refreshed; nothing is asked for.",
        ),
        click.Option(["--why"], is_flag=True, help="Show every change and everything that was left aside."),
        *common_options(),
    ],
)
