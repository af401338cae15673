"""The block structure of a Markdown file: sections under headings, each a row of blocks with their lines."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from markdown_it.token import Token

_KINDS = {
    "bullet_list_open": "list",
    "ordered_list_open": "list",
    "table_open": "table",
    "fence": "code",
    "code_block": "code",
}
_CUT_AT = {"list": "list_item_open", "table": "tr_open"}

_SEPARATOR_ROW = re.compile(r"^\s*\|?\s*:?-{2,}:?\s*(\|\s*:?-{2,}:?\s*)*\|?\s*$")
_LINK = re.compile(r"!?\[([^\]\n]*)\]\([^)\s]*\)")
_MARKS = re.compile(r"\*\*|__(?=\S)|(?<=\S)__|`+|^\s*#{1,6}\s+|[\u2500-\u259f]+", re.MULTILINE)
_BARS = re.compile(r"\s*\|\s*")
_SPACES = re.compile(r"[ \t]{2,}")


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph, list, table or code block; line numbers are 0-based and half-open."""

    kind: str
    first: int
    last: int
    cuts: tuple[tuple[int, int], ...] = ()
    """Lines of the rows below a table's header, of a list's items, or of code."""


@dataclass(slots=True)
class Section:
    """What stands between one heading and the next."""

    heading: tuple[str, ...]
    first_line: int | None
    """1-based line of the heading, or of the first one of several that follow each other directly."""
    blocks: list[Block] = field(default_factory=list)


def sections(lines: Sequence[str], start: int, title: str) -> Iterator[Section]:
    """The sections that hold anything, from line index `start` on; heading paths begin with `title`."""
    from markdown_it import MarkdownIt

    tokens = MarkdownIt("commonmark").enable("table").parse("\n".join(lines[start:]))
    path: list[tuple[int, str]] = []
    current = Section((title,), None)
    pending: int | None = None
    for index, token in enumerate(tokens):
        if token.level or token.map is None:
            continue
        if token.type == "heading_open":
            if current.blocks:
                yield current
            level = int(token.tag[1:])
            path = [step for step in path if step[0] < level]
            path.append((level, plain(tokens[index + 1].content).strip()))
            pending = start + token.map[0] + 1 if pending is None or current.blocks else pending
            current = Section(_heading_path(title, path), pending)
            continue
        block = _block(token, tokens, index, lines, start)
        if block is not None:
            current.blocks.append(block)
            pending = None
    if not current.blocks and pending is not None:
        # The file ends in a heading: its words are a passage of their own.
        current.blocks.append(Block("text", pending - 1, _trimmed(lines, pending - 1, len(lines))))
    if current.blocks:
        yield current


def plain(text: str) -> str:
    """`text` without what only draws: emphasis, link targets, table rules, boxes."""
    kept = (line for line in text.split("\n") if not _SEPARATOR_ROW.match(line))
    text = _MARKS.sub("", _LINK.sub(r"\1", "\n".join(kept)))
    rows = (_BARS.sub(" | ", line).strip(" |") for line in text.split("\n"))
    return "\n".join(_SPACES.sub(" ", row) for row in rows if row)


def _heading_path(title: str, path: Sequence[tuple[int, str]]) -> tuple[str, ...]:
    titles = tuple(text for _, text in path if text)
    # The guide's first heading usually is its title.
    return titles if titles[:1] == (title,) else (title, *titles)


def _block(
    token: Token, tokens: Sequence[Token], index: int, lines: Sequence[str], start: int
) -> Block | None:
    if token.map is None or token.type == "hr":
        return None
    first, last = token.map[0] + start, token.map[1] + start
    last = _trimmed(lines, first, last)
    kind = _KINDS.get(token.type, "text")
    if kind == "code":
        fenced = token.type == "fence"
        closing = (
            1 if fenced and lines[last - 1].strip().startswith(("```", "~~~")) and last - first > 1 else 0
        )
        inner = range(first + 1 if fenced else first, last - closing)
        return Block(kind, first, last, tuple((line, line + 1) for line in inner))
    if kind == "text":
        return Block(kind, first, last)
    return Block(kind, first, last, tuple(_cuts(kind, token, tokens[index + 1 :], lines, start)))


def _cuts(
    kind: str, opening: Token, rest: Sequence[Token], lines: Sequence[str], start: int
) -> Iterator[tuple[int, int]]:
    header_rows = 1 if kind == "table" else 0
    for token in rest:
        if token.nesting == -1 and token.level == opening.level:
            return
        row_level = opening.level + (2 if kind == "table" else 1)
        if token.type == _CUT_AT[kind] and token.level == row_level and token.map is not None:
            if header_rows:
                header_rows -= 1
                continue
            first, last = token.map[0] + start, token.map[1] + start
            yield first, _trimmed(lines, first, last)


def _trimmed(lines: Sequence[str], first: int, last: int) -> int:
    """`last` without the blank lines that Markdown counts to a block."""
    while last > first + 1 and not lines[last - 1].strip():
        last -= 1
    return last
