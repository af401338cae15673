"""Writes what follows from the commands' own help: docs/commands.md, the man page and the completion table.

python scripts/command_docs.py           writes them (make docs)
python scripts/command_docs.py --check   says which are out of date, and writes nothing
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click

from tui.cli import EPILOG, group
from tui.completion.table import TABLE, row_of

ROOT = Path(__file__).resolve().parent.parent
MARKDOWN = ROOT / "docs" / "commands.md"
MAN = ROOT / "docs" / "llm-advisor.1"
DONE = "Remake this page with `make docs`."
VARIABLES = (
    ("LLM_ADVISOR_HOME", "Folder of sessions, index, own guides, settings and logs."),
    ("LLM_ADVISOR_MODEL", "Who words the answers of a conversation."),
    ("LLM_ADVISOR_SERVE_TOKEN", "Token of `serve`, where other computers may reach it."),
    ("LLM_ADVISOR_ASCII", "1 draws the screen in ASCII."),
    ("NO_COLOR", "Leaves colors away."),
    ("OLLAMA_HOST", "Where Ollama answers, by default port 11434 of this machine."),
)


@dataclass(frozen=True, slots=True)
class Page:
    """One command as the documents show it."""

    path: str
    usage: str
    paragraphs: tuple[str, ...]
    """Of the help; those that keep their lines begin with `\\b`."""
    options: tuple[tuple[str, str], ...]
    commands: tuple[tuple[str, str], ...]


def pages() -> list[Page]:
    """Every command, the program itself first, in the order of its help."""
    return list(_walk(group(), None, "llm-advisor"))


def _walk(command: click.Command, above: click.Context | None, name: str) -> Iterator[Page]:
    ctx = click.Context(command, info_name=name, parent=above, help_option_names=["-h", "--help"])
    inner = [(one, command.get_command(ctx, one)) for one in _names(command, ctx)]
    table = getattr(command, "table", {})
    below = [
        (one, table[one][1] if one in table else found.get_short_help_str(200))
        for one, found in inner
        if found
    ]
    yield Page(
        ctx.command_path,
        " ".join([ctx.command_path, *command.collect_usage_pieces(ctx)]),
        tuple(re.split(r"\n\s*\n", (command.help or "").strip())),
        tuple(record for param in command.get_params(ctx) if (record := param.get_help_record(ctx))),
        tuple(below),
    )
    for one, found in inner:
        assert found is not None
        yield from _walk(found, ctx, one)


def _names(command: click.Command, ctx: click.Context) -> list[str]:
    return command.list_commands(ctx) if isinstance(command, click.Group) else []


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def markdown(found: list[Page]) -> str:
    """The reference of all commands."""
    lines = ["# Commands", "", f"Written from `--help`. {DONE}", "", EPILOG]
    for page in found:
        lines += ["", f"## `{page.path}`", "", "```text", page.usage, "```"]
        for paragraph in page.paragraphs:
            if paragraph.startswith("\b"):
                lines += ["", "```text", *paragraph.split("\n")[1:], "```"]
            else:
                lines += ["", " ".join(paragraph.split())]
        if page.commands:
            lines += ["", "| command | |", "| --- | --- |"]
            lines += [f"| `{name}` | {_cell(text)} |" for name, text in page.commands]
        if page.options:
            lines += ["", "| option | |", "| --- | --- |"]
            lines += [f"| `{_cell(names)}` | {_cell(text)} |" for names, text in page.options]
    return "\n".join(lines) + "\n"


def _roff(text: str) -> str:
    """A text for roff: its own signs escaped, and words in backquotes in bold."""
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq")
    text = re.sub(r"`([^`]*)`", r"\\fB\1\\fR", text)
    return "\\&" + text if text[:1] == "." else text


def man(found: list[Page]) -> str:
    """The manual page."""
    root = found[0]
    lines = ['.TH LLM\\-ADVISOR 1 "" "llm\\-advisor" "User Commands"', ".nh", ".ad l"]
    lines += [".SH NAME", "llm\\-advisor \\- find the language model to run, fine\\-tune, train or call"]
    lines += [".SH SYNOPSIS", f".B {_roff(root.path)}", _roff(root.usage.removeprefix(root.path).strip())]
    lines += [".SH DESCRIPTION", *_man_text(root), ".SH OPTIONS", *_man_list(root.options)]
    lines += [".SH COMMANDS"]
    for page in found[1:]:
        lines += [f".SS {_roff(page.usage.removeprefix('llm-advisor '))}", *_man_text(page)]
        lines += _man_list(page.commands or page.options)
    lines += [".SH ENVIRONMENT", *_man_list(VARIABLES)]
    lines += [".SH EXIT STATUS", _roff(EPILOG.removeprefix("Exit status: "))]
    return "\n".join(lines) + "\n"


def _man_text(page: Page) -> list[str]:
    lines: list[str] = []
    for paragraph in page.paragraphs:
        if paragraph.startswith("\b"):
            lines += [".PP", ".nf", *(_roff(line) for line in paragraph.split("\n")[1:]), ".fi"]
        else:
            lines += [".PP", _roff(" ".join(paragraph.split()))]
    return lines


def _man_list(rows: tuple[tuple[str, str], ...]) -> list[str]:
    return [
        line
        for name, text in rows
        for line in (".TP", f"\\fB{_roff(name)}\\fR", _roff(" ".join(text.split())))
    ]


def documents() -> dict[Path, str]:
    """What every file has to hold."""
    found, root = pages(), group()
    table = row_of(root, click.Context(root, info_name="llm-advisor"))
    return {
        MARKDOWN: markdown(found),
        MAN: man(found),
        TABLE: json.dumps(table, ensure_ascii=False, indent=1) + "\n",
    }


def stale() -> list[Path]:
    """Files that are not what the commands say."""
    return [
        path
        for path, text in documents().items()
        if not path.exists() or path.read_text(encoding="utf-8") != text
    ]


def main(words: list[str]) -> int:
    """Writes the files, or with `--check` names the stale ones; returns the exit status."""
    if "--check" in words:
        for path in (old := stale()):
            print(f"{path.relative_to(ROOT)} is out of date: make docs", file=sys.stderr)
        return 1 if old else 0
    for path, text in documents().items():
        path.write_text(text, encoding="utf-8", newline="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
