"""The commands and their options as a table, so that completion imports none of them.

The table is written by `scripts/command_docs.py` from the commands themselves; a test holds the two together.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

from tui.completion.values import FILES, values

TABLE = Path(__file__).with_name("commands.json")
Row = dict[str, Any]
MOST = 400
"""Names offered at once."""


def row_of(command: click.Command, context: click.Context, short: str = "") -> Row:
    """A command, with those below it, as it stands in the table."""
    row: Row = {"help": short, "params": [_param_row(param) for param in command.get_params(context)]}
    if isinstance(command, click.Group):
        row["commands"] = {}
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below is not None
            inner = click.Context(below, info_name=name, parent=context)
            row["commands"][name] = row_of(below, inner, below.get_short_help_str(60))
    return row


def _param_row(param: click.Parameter) -> Row:
    if isinstance(param, click.Argument):
        return {"argument": param.name, "many": param.nargs == -1}
    assert isinstance(param, click.Option)
    metavar = param.metavar or ""
    choices = list(param.type.choices) if isinstance(param.type, click.Choice) else []
    if not choices and "|" in metavar and metavar.replace("|", "").isalnum():
        choices = metavar.split("|")
    return {
        "option": param.name,
        "opts": [*param.opts, *param.secondary_opts],
        "flag": param.is_flag,
        "many": param.multiple,
        "help": (param.help or "").split(". ")[0].rstrip("."),
        "choices": choices,
    }


def commands() -> click.Group:
    """The tree for completion: it has the words of the real one, and runs nothing."""
    row = json.loads(TABLE.read_text(encoding="utf-8"))
    root = _command("llm-advisor", row, "")
    assert isinstance(root, click.Group)
    return root


def _command(name: str, row: Row, path: str) -> click.Command:
    params = [_param(one, path) for one in row["params"]]
    if "commands" not in row:
        return click.Command(name, params=params, help=row["help"], add_help_option=False)
    below = {
        inner: _command(inner, found, f"{path} {inner}".strip()) for inner, found in row["commands"].items()
    }
    return click.Group(name, params=params, help=row["help"], commands=below, add_help_option=False)


def _param(row: Row, path: str) -> click.Parameter:
    name = row.get("argument") or row["option"]

    def complete(_: click.Context, __: click.Parameter, typed: str) -> list[CompletionItem[str]]:
        if (path, name) in FILES:
            return [CompletionItem(typed, type="file")]
        return named(row.get("choices") or values(path, name), typed)

    if "argument" in row:
        nargs = -1 if row["many"] else 1
        return click.Argument([name], required=False, nargs=nargs, shell_complete=complete)
    return click.Option(
        [*row["opts"], row["option"]],
        is_flag=row["flag"] or None,
        multiple=row["many"],
        help=row["help"],
        shell_complete=complete,
    )


def named(names: Any, typed: str) -> list[CompletionItem[str]]:  # noqa: ANN401 (any iterable of names)
    """Those of the names that begin with what was typed, in any case."""
    start = typed.lower()
    return [CompletionItem(name) for name in names if name.lower().startswith(start)][:MOST]
