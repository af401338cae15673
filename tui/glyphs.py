"""Every sign that the screen draws, in Unicode and in ASCII.

ASCII is used with `LLM_ADVISOR_ASCII=1`, in a locale that is not UTF-8, and on a terminal called `dumb` or
`linux`.
"""

from __future__ import annotations

import locale
import os
from dataclasses import dataclass

ASCII_VARIABLE = "LLM_ADVISOR_ASCII"
SIMPLE_TERMINALS = ("dumb", "linux")


@dataclass(frozen=True, slots=True)
class Glyphs:
    """One set of signs; each means the same in both sets."""

    name: str
    user: str
    advisor: str
    question: str
    error: str
    notice: str
    best: str
    pointer: str
    cited: str
    """Before a line of a guide that is cited."""
    folded: str
    unfolded: str
    bullet: str
    up: str
    down: str
    arrow: str
    separator: str
    rule: str
    ellipsis: str
    spinner: tuple[str, ...]
    bar: tuple[str, str, str, str, str]
    """Weights, KV cache, compute, overhead, free."""
    border: str
    """Name of the border type for boxes."""


UNICODE = Glyphs(
    name="unicode",
    user="❯",  # noqa: RUF001 (a prompt sign)
    advisor="●",
    question="?",
    error="✗",
    notice="·",
    best="★",
    pointer="▸",
    cited="▶",
    folded="▸",
    unfolded="▾",
    bullet="•",
    up="↑",
    down="↓",
    arrow="→",
    separator="·",
    rule="─",
    ellipsis="…",
    spinner=("⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧"),
    bar=("█", "▓", "▒", "░", "·"),
    border="round",
)
ASCII = Glyphs(
    name="ascii",
    user=">",
    advisor="*",
    question="?",
    error="!",
    notice="-",
    best="*",
    pointer=">",
    cited=">",
    folded="+",
    unfolded="-",
    bullet="-",
    up="^",
    down="v",
    arrow="->",
    separator="|",
    rule="-",
    ellipsis="...",
    spinner=("|", "/", "-", "\\"),
    bar=("#", "=", "+", "-", "."),
    border="ascii",
)


def wants_ascii(environment: dict[str, str] | None = None, encoding: str | None = None) -> bool:
    """Whether this terminal gets the ASCII set.

    Args:
        environment: Variables to read; the process's own by default.
        encoding: The locale's encoding; asked from the locale by default.
    """
    variables = dict(os.environ) if environment is None else environment
    asked = variables.get(ASCII_VARIABLE, "").strip().lower()
    if asked:
        return asked not in {"0", "no", "false"}
    if variables.get("TERM", "") in SIMPLE_TERMINALS:
        return True
    name = locale.getpreferredencoding(False) if encoding is None else encoding
    return name.lower().replace("-", "") not in {"utf8", "utf16", "cp65001"}


_current = UNICODE


def glyphs() -> Glyphs:
    """The set in use."""
    return _current


def use(chosen: Glyphs) -> None:
    """Set the signs of this process; called once before the screen is drawn."""
    global _current
    _current = chosen
