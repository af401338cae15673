"""Amounts in words: memory, time, money; an estimate stands with its interval."""

from __future__ import annotations

from collections.abc import Mapping

GIB = 1 << 30
_SPANS = (("days", 86_400.0 * 2, 86_400.0), ("hours", 5_400.0, 3_600.0), ("minutes", 90.0, 60.0))


def gib(count: float) -> str:
    """Bytes as GiB, below a tenth of one as MB."""
    return f"{count / 1e6:,.0f} MB" if 0 < count < GIB / 10 else f"{count / GIB:.1f} GiB"


def time_of(seconds: float) -> str:
    """Seconds in the unit that suits."""
    for unit, least, scale in _SPANS:
        if seconds >= least:
            value = seconds / scale
            return f"{value:,.0f} {unit}" if value >= 10 else f"{value:.1f} {unit}"
    return f"{seconds:.0f} seconds" if seconds >= 10 else f"{seconds:.2g} seconds"


def interval(seconds: Mapping[str, float]) -> str:
    """About how long, with the ends."""
    low, high = time_of(seconds["low"]), time_of(seconds["high"])
    return f"about {time_of(seconds['mid'])} ({low} to {high}, estimate)"


def hours(interval_hours: Mapping[str, float]) -> str:
    """The same from hours."""
    return interval({key: value * 3600 for key, value in interval_hours.items()})


def dollars(span: Mapping[str, float] | None) -> str:
    """US dollars; an estimate with its ends."""
    if span is None:
        return "unknown"
    if span["low"] == span["high"]:
        return _usd(span["mid"])
    return f"about {_usd(span['mid'])} ({_usd(span['low'])} to {_usd(span['high'])})"


def _usd(value: float) -> str:
    return f"${value:,.0f}" if value >= 100 else f"${value:,.2f}" if value >= 0.01 else f"${value:.4f}"


def sentence(text: str) -> str:
    """A capital first and a full stop last."""
    text = text.strip()
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "?", "!", ".)")) else ".")
