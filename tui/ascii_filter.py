"""Draws in ASCII what Textual and other libraries draw with signs of their own: boxes, bars, dots.

A last step before the terminal, so that no widget is forgotten. What people typed is left alone: letters of
any script pass.
"""

from __future__ import annotations

from functools import lru_cache

from rich.cells import cell_len
from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

NAMED = {
    **dict.fromkeys("─━┄┅┈┉╌╍═╴╶╸╺╼╾▁▂▔⎯", "-"),
    **dict.fromkeys("│┃┆┇┊┋╎╏║╵╷╹╻╽╿▌▐▏▎▍▕", "|"),
    **dict.fromkeys("█▇▆▅▄▃▀▉▊▋■▮", "#"),
    **dict.fromkeys("●•◦○∙⏺★✓✔", "*"),
    **dict.fromkeys("▶▸▹❯►›→", ">"),  # noqa: RUF001 (signs to draw with)
    **dict.fromkeys("◀◂‹←", "<"),  # noqa: RUF001
    **dict.fromkeys("▲△▴↑⭘", "^"),
    **dict.fromkeys("▼▽▾↓", "v"),
    **dict.fromkeys("…·", "."),
    **dict.fromkeys("✗✘", "x"),
}


@lru_cache(maxsize=4096)
def in_ascii(text: str) -> str:
    """Text of the same width without signs that only draw; letters and figures of all scripts stay."""
    return text if text.isascii() else "".join(_sign(char) for char in text)


def _sign(char: str) -> str:
    if char in NAMED:
        return NAMED[char]
    if "\u2500" <= char <= "\u257f":
        return "+"
    if "\u2580" <= char <= "\u259f" or "\u2800" <= char <= "\u28ff":
        return "#" if char not in "░▒▓" else {"░": ".", "▒": "+", "▓": "="}[char]
    if char >= "\U0001f300" or "\ue000" <= char <= "\uf8ff":
        return " " * cell_len(char)
    return char


class AsciiFilter(LineFilter):
    """Translates every line that is drawn."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """The segments in ASCII."""
        return [Segment(in_ascii(text), style, control) for text, style, control in segments]
