"""What the command line writes: JSON lines, aligned tables, wrapped text, errors; never markup.

Colors (bold and dim only) appear on a terminal, never under `NO_COLOR`, and never carry meaning alone.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import IO, Any

from tui.plaintext import clean

GIB = 1 << 30
MIN_WIDTH, MAX_WIDTH = 40, 100
MIN_COLUMN = 12


def size(count: float | None) -> str:
    """Bytes as GiB with two decimals; `unknown` for None."""
    return "unknown" if count is None else f"{count / GIB:,.2f} GiB"


def known(value: object, unit: str = "") -> str:
    """A value with its unit; `unknown` for None."""
    if value is None:
        return "unknown"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}{unit}"
    return f"{value}{unit}"


def width() -> int:
    """Columns to fill, between 40 and 100; 80 where there is no terminal."""
    return max(MIN_WIDTH, min(MAX_WIDTH, shutil.get_terminal_size((80, 24)).columns))


def rows_stay_whole() -> bool:
    """Whether a table's row is one line however long: where `| grep` and other programs read it."""
    return "COLUMNS" not in os.environ and not sys.stdout.isatty()


def cells(text: str) -> int:
    """Terminal cells that a text takes (wide East Asian characters and emoji take two)."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def _pieces(text: str, size: int) -> list[str]:
    """A cell's text in lines of at most `size` cells; wide characters count as two."""
    lines = textwrap.wrap(text, size) or [""]
    if text.isascii():
        return lines
    from rich.cells import chop_cells

    return [piece for line in lines for piece in (chop_cells(line, size) if cells(line) > size else [line])]


def bold(text: str, stream: IO[str] | None = None) -> str:
    """The text in bold on a terminal that may be colored; else as it is."""
    out = stream or sys.stdout
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb" or not out.isatty():
        return text
    return f"\x1b[1m{text}\x1b[0m"


def wrapped(text: object, indent: str = "", first: str | None = None) -> list[str]:
    """The text in lines of at most `width()` cells; later lines start with `indent`."""
    lines: list[str] = []
    for paragraph in clean(text).split("\n"):
        lines += textwrap.wrap(
            paragraph,
            width(),
            initial_indent=indent if first is None or lines else first,
            subsequent_indent=indent,
            break_long_words=False,
            break_on_hyphens=False,
        ) or [""]
    return lines


def bullets(texts: Iterable[object]) -> list[str]:
    """One wrapped bullet a text."""
    return [line for text in texts for line in wrapped(text, indent="    ", first="  - ")]


def section(title: str, lines: Iterable[str]) -> list[str]:
    """A title and its lines after an empty line; nothing where there are no lines."""
    body = list(lines)
    return ["", bold(title), *body] if body else []


def _pad(text: str, size: int, right: bool) -> str:
    fill = " " * (size - cells(text))
    return fill + text if right else text + fill


def table(
    rows: Sequence[Sequence[object]],
    head: Sequence[str] = (),
    right: Iterable[int] = (),
    whole: Iterable[int] = (),
) -> list[str]:
    """Aligned columns, two spaces apart; where they do not fit a terminal, the widest ones are wrapped.

    Args:
        rows: Cells of each row.
        head: Column titles.
        right: Indices of columns that are aligned to the right (numbers).
        whole: Indices of columns that are never wrapped (names that a person copies).
    """
    grid = [[clean(cell).replace("\n", " ") for cell in row] for row in rows]
    titles = [clean(title) for title in head]
    if not grid:
        return []
    sizes = [max(map(cells, column)) for column in zip(*([titles] if titles else []), *grid, strict=True)]
    if not rows_stay_whole():
        _squeeze(sizes, set(whole))
    to_right = set(right)
    lines = [line for row in ([titles] if titles else []) for line in _row(row, sizes, to_right)]
    lines = [bold(line) for line in lines]
    return lines + [line for row in grid for line in _row(row, sizes, to_right)]


def _squeeze(sizes: list[int], whole: set[int]) -> None:
    """Narrows the widest columns until the table fits, but none below 12 cells."""
    over = sum(sizes) + 2 * len(sizes) - width()
    columns = [column for column in range(len(sizes)) if column not in whole]
    while over > 0 and columns and sizes[widest := max(columns, key=sizes.__getitem__)] > MIN_COLUMN:
        sizes[widest] -= 1
        over -= 1


def _row(row: Sequence[str], sizes: Sequence[int], right: set[int]) -> list[str]:
    parts = [_pieces(cell, size) for cell, size in zip(row, sizes, strict=True)]
    lines = []
    for at in range(max(map(len, parts))):
        line = [
            _pad(part[at] if at < len(part) else "", size, column in right)
            for column, (part, size) in enumerate(zip(parts, sizes, strict=True))
        ]
        lines.append(("  " + "  ".join(line)).rstrip())
    return lines


def dumps(document: Mapping[str, Any], *, pretty: bool = False) -> str:
    """A JSON document on one line (unless `pretty`); what UTF-8 cannot hold becomes `?`."""
    text = json.dumps(document, ensure_ascii=False, allow_nan=False, indent=2 if pretty else None)
    return text.encode("utf-8", "replace").decode("utf-8")


def write_json(document: Mapping[str, Any], *, line: bool = False) -> None:
    """Writes one JSON document to stdout, flushed; indented only for a person at a terminal."""
    sys.stdout.write(dumps(document, pretty=not line and sys.stdout.isatty()) + "\n")
    sys.stdout.flush()


def write_lines(lines: Iterable[str], stream: IO[str] | None = None) -> None:
    """Writes lines of text, flushed."""
    out = stream or sys.stdout
    out.writelines(line + "\n" for line in lines)
    out.flush()


def write_note(text: str) -> None:
    """Writes a line for the person to stderr."""
    write_lines(wrapped(text), sys.stderr)


def write_error(error: Mapping[str, str]) -> None:
    """Writes an error object as a sentence and a hint to stderr."""
    lines = wrapped(error["message"], indent="  ", first="Error: ")
    if error.get("hint"):
        lines += wrapped(error["hint"], indent="  ", first="Hint: ")
    write_lines(lines, sys.stderr)


def use_utf8() -> None:
    """Makes the standard streams UTF-8 with bare `\\n`, whatever locale and platform say."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="replace", newline="\n")
    if hasattr(sys.stdin, "reconfigure"):
        sys.stdin.reconfigure(encoding="utf-8", errors="replace")
