"""Every sign that the screen draws, in Unicode and in ASCII.

ASCII is used with `LLM_ADVISOR_ASCII=1`, where it was chosen in the settings, in a locale that is not UTF-8
(C and POSIX by name), and on a terminal called `dumb` or `linux`.
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
    slider: tuple[str, str, str, str, str]
    """Up to the handle, the handle, what still fits, what fits no more, the mark of the last that fits."""
    interval: tuple[str, str, str, str, str, str]
    """Low end, span, estimated middle, high end; a measurement; what is wanted at the least."""
    gain: str
    loss: str
    """What adds to a score, and what takes away from it."""
    point: str
    front: str
    """A model in a picture, and one that no other beats."""
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
    slider=("━", "●", "─", "┄", "┃"),
    interval=("├", "─", "●", "┤", "◆", "┊"),
    gain="█",
    loss="▒",
    point="○",
    front="●",
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
    slider=("=", "O", "-", ".", "|"),
    interval=("|", "-", "o", "|", "#", ":"),
    gain="#",
    loss="-",
    point="o",
    front="#",
    border="ascii",
)


def asked_for() -> str:
    """The environment variable that says which signs to draw; empty where it does not."""
    return ASCII_VARIABLE if os.environ.get(ASCII_VARIABLE, "").strip() else ""


def wants_ascii(
    environment: dict[str, str] | None = None, encoding: str | None = None, chosen: str = "auto"
) -> bool:
    """Whether this terminal gets the ASCII set.

    Args:
        environment: Variables to read; the process's own by default.
        encoding: The locale's encoding; asked from the locale by default.
        chosen: `ascii` or `unicode` as set by the person; `auto` takes what the terminal can show.
    """
    variables = dict(os.environ) if environment is None else environment
    asked = variables.get(ASCII_VARIABLE, "").strip().lower()
    if asked:
        return asked not in {"0", "no", "false"}
    if chosen in ("ascii", "unicode"):
        return chosen == "ascii"
    if variables.get("TERM", "") in SIMPLE_TERMINALS:
        return True
    if encoding is None and _asks_for_posix(variables):
        return True
    name = locale.getpreferredencoding(False) if encoding is None else encoding
    return name.lower().replace("-", "") not in {"utf8", "utf16", "cp65001"}


def _asks_for_posix(variables: dict[str, str]) -> bool:
    """Whether a C or POSIX locale was asked for by name.

    Python then takes UTF-8 nevertheless, and says so in LC_CTYPE. Where nothing was set at all, as in a
    container, the terminal outside knows better.
    """
    kind = variables.get("LC_CTYPE", "")
    asked = variables.get("LC_ALL") or (kind if kind != "C.UTF-8" else "") or variables.get("LANG", "")
    return asked in ("C", "POSIX")


_current = UNICODE


def glyphs() -> Glyphs:
    """The set in use."""
    return _current


def use(chosen: Glyphs) -> None:
    """Set the signs of this process; called once before the screen is drawn."""
    global _current
    _current = chosen
