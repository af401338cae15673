"""The help's Markdown as rows of one widget: headings, paragraphs, bullets, strong words and code.

As Markdown widgets its hundred items take a second of the screen's event loop.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from textual.content import Content

from tui.glyphs import glyphs
from tui.widgets.text import styled

_MARKED = re.compile(r"\*\*(.+?)\*\*|`([^`]+)`")
Row = tuple[Content, Content]


def help_rows(markdown: str) -> list[Row]:
    """A prefix and a text for each heading, paragraph and bullet; an empty row between what is apart."""
    rows: list[Row] = []
    for block in _blocks(markdown.splitlines()):
        if block.startswith("#"):
            rows.append((Content(""), styled((block.lstrip("# "), "bold $primary"))))
        elif block.startswith("- "):
            rows.append((styled((f"{glyphs().bullet} ", "$foreground-muted")), _marked(block[2:])))
        else:
            rows.append((Content(""), _marked(block)))
    return rows


def _blocks(lines: Iterable[str]) -> Iterator[str]:
    """Each with its lines joined; an empty one for an empty line."""
    block = ""
    for line in lines:
        begins = not line.strip() or line.startswith(("#", "- "))
        if begins and block:
            yield block
            block = ""
        if not line.strip():
            yield ""
        else:
            block = f"{block} {line.strip()}".strip()
    if block:
        yield block


def _marked(text: str) -> Content:
    parts: list[str | tuple[str, str]] = []
    end = 0
    for found in _MARKED.finditer(text):
        parts.append(text[end : found.start()])
        parts.append((found[1], "bold") if found[1] else (found[2], "$accent"))
        end = found.end()
    return styled(*(part for part in (*parts, text[end:]) if part))
