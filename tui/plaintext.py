"""Makes runtime text safe to draw, and figures readable: GiB, tokens, tokens per second, dollars."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import TypeGuard

from tui.glyphs import ASCII, glyphs

GIB = 1 << 30
MAX_SHOWN = 200_000
"""Characters of one message that are drawn; more would stall the layout for seconds."""
# Escape sequences whole (CSI, OSC, two-byte), so that stripping does not leave their tails as text.
_SEQUENCES = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[@-Z\\-_]")
_CONTROLS = dict.fromkeys((*range(0x09), *range(0x0B, 0x20), *range(0x7F, 0xA0)))
# Bidirectional overrides can make a text read as something else than it is.
_CONTROLS |= dict.fromkeys((*range(0x202A, 0x202F), *range(0x2066, 0x206A)))

_TYPOGRAPHY = {
    0x2192: "->",
    0x2190: "<-",
    0x2026: "...",
    0x00B7: "-",
    0x2022: "-",
    0x2013: "-",
    0x2014: "-",
    0x00D7: "x",
    0x2264: "<=",
    0x2265: ">=",
    0x2248: "~",
    0x201C: '"',
    0x201D: '"',
    0x2018: "'",
    0x2019: "'",
    0x00A0: " ",
    0x202F: " ",
}
"""Signs that texts use, for a screen in ASCII; letters of any language stay."""


def clean(text: object, *, one_line: bool = False) -> str:
    """Text without control characters and escape sequences; surrogates become a replacement character.

    Args:
        text: Anything; shown as `str` has it.
        one_line: Turn line ends and tabs into single spaces.
    """
    raw = str(text).replace("\r\n", "\n").replace("\r", "\n")
    raw = _SEQUENCES.sub("", raw).translate(_CONTROLS).replace("\t", "    ")
    raw = raw.encode("utf-8", "replace").decode("utf-8")
    if glyphs() is ASCII:
        raw = raw.translate(_TYPOGRAPHY)
    if one_line:
        raw = " ".join(raw.split())
    if len(raw) > MAX_SHOWN:
        raw = raw[:MAX_SHOWN] + f"\n({len(raw) - MAX_SHOWN:,} more characters are not shown)"
    return raw


def shorten(text: object, length: int) -> str:
    """One line of at most `length` characters, with three dots where something was cut."""
    line = clean(text, one_line=True)
    return line if len(line) <= length else line[: max(1, length - 3)].rstrip() + "..."


def is_number(value: object) -> TypeGuard[int | float]:
    """Whether `value` is a number (booleans are not)."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def gib(value: object) -> str:
    """Bytes as GiB with one decimal; `unknown` where there is no number."""
    if not is_number(value):
        return "unknown"
    amount = float(value) / GIB
    return f"{amount:,.0f} GiB" if amount >= 1000 else f"{amount:.1f} GiB"


def tokens(value: object) -> str:
    """A number of tokens: `16k`, `1M` where it is a round number of either kind, with commas elsewhere."""
    if not is_number(value):
        return "unknown"
    count = int(value)
    for million in (1 << 20, 1_000_000):
        if count and count % million == 0:
            return f"{count // million:,}M"
    if count >= 1024 and count % 1024 == 0:
        return f"{count // 1024:,}k"
    if count >= 10_000 and count % 1000 == 0:
        return f"{count // 1000:,}k"
    return f"{count:,}"


def rough_tokens(count: int) -> str:
    """A number of tokens in few signs: `36.5k` where `tokens` has no round word for it."""
    return f"{count / 1024:.4g}k" if count >= 1024 and "," in tokens(count) else tokens(count)


def speed(value: object) -> str:
    """Tokens per second as `28-41 tok/s`, or `unknown`."""
    if isinstance(value, Mapping):
        low, high, mid = value.get("low"), value.get("high"), value.get("mid")
        if is_number(low) and is_number(high):
            first, last = _rate(low), _rate(high)
            return f"{first} tok/s" if first == last else f"{first}-{last} tok/s"
        return speed(mid)
    return f"{_rate(value)} tok/s" if is_number(value) else "unknown"


def seconds(value: object) -> str:
    """A time as `0.4-1.2 s`, from two minutes on in minutes, or `unknown`."""
    if not isinstance(value, Mapping) or not (is_number(value.get("low")) and is_number(value.get("high"))):
        return "unknown"
    low, high = float(value["low"]), float(value["high"])
    part, unit = (60.0, "min") if high >= 120 else (1.0, "s")
    first, last = _rate(low / part), _rate(high / part)
    return f"{first} {unit}" if first == last else f"{first}-{last} {unit}"


def _rate(value: float) -> str:
    return f"{value:.1f}" if value < 10 else f"{value:,.0f}"


def usd(value: object) -> str:
    """Dollars, with cents below 100."""
    if not is_number(value):
        return "unknown"
    amount = float(value)
    return f"${amount:,.2f}" if 0 < amount < 100 else f"${amount:,.0f}"


def words(name: str) -> str:
    """`tool_calling` as `tool calling`."""
    return clean(name, one_line=True).replace("_", " ")


def local_time(text: str) -> str:
    """An ISO time as the clock on the wall shows it, to the minute."""
    try:
        return f"{datetime.fromisoformat(text).astimezone():%Y-%m-%d %H:%M}"
    except ValueError:
        return clean(text, one_line=True)
