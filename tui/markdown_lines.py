"""A message's Markdown as plain lines: no marks, no box drawing, tables as one line a row."""

from __future__ import annotations

import re

from tui.output import wrapped
from tui.plaintext import clean

_RULE = re.compile(r"\s*\|?[\s:|-]*-{2,}[\s:|-]*\|?\s*")
_LINK = re.compile(r"\[([^\]\n]+)\]\(([^)\s]+)\)")
_STRONG = re.compile(r"(\*\*|__)(?=\S)(.+?)(?<=\S)\1")
_EMPHASIS = re.compile(r"(?<![\w*])\*(?=\S)([^*\n]+?)(?<=\S)\*(?![\w*])")
_ITEM = re.compile(r"(\s*)(?:[-*+]|(\d+)[.)])\s+(.*)")


def plain_lines(markdown: str) -> list[str]:
    """The text in wrapped lines; code keeps its lines."""
    lines: list[str] = []
    head: list[str] = []
    fenced = False
    for line in clean(markdown).split("\n"):
        if line.lstrip().startswith("```"):
            fenced = not fenced
        elif fenced:
            lines.append("    " + line)
        elif line.lstrip().startswith("|"):
            head, row = _row(line, head)
            lines += row
        else:
            head = []
            lines += _text(line)
    return lines


def inline(text: str) -> str:
    """A line without the marks for strong, emphasis, code and links."""
    text = _LINK.sub(lambda link: link[1] if link[1] == link[2] else f"{link[1]} ({link[2]})", text)
    text = _EMPHASIS.sub(r"\1", _STRONG.sub(r"\2", text))
    return re.sub(r"`([^`\n]+)`", r"\1", text)


def _row(line: str, head: list[str]) -> tuple[list[str], list[str]]:
    """The table's head as known after this line, and the line as text: `model: X; memory: 5 GiB`."""
    if _RULE.fullmatch(line):
        return head, []
    cells = [inline(cell.strip()) for cell in line.strip().strip("|").split("|")]
    if not head:
        return cells, []
    pairs = [f"{name}: {cell}" if name else cell for name, cell in zip(head, cells, strict=False) if cell]
    return head, wrapped("; ".join(pairs), indent="    ", first="  - ")


def _text(line: str) -> list[str]:
    if found := _ITEM.fullmatch(line):
        indent = found[1] + "  "
        mark = f"{found[2]}. " if found[2] else "- "
        return wrapped(inline(found[3]), indent=indent + " " * len(mark), first=indent + mark)
    return wrapped(inline(line.lstrip("#").strip() if line.startswith("#") else line.lstrip("> ")))
