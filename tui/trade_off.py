"""What an option gives up and gains against the best one, in a few words made from the figures shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tui.plaintext import GIB, clean, is_number

BEST = "best for these needs"
SAME = 0.05
"""Shares of a difference below this are not worth a word: the figures themselves are less certain."""


def trade_off(entry: Mapping[str, Any], best: Mapping[str, Any]) -> str:
    """One line for a candidate of the contract's JSON; a `trade_off` that came along is taken as it is."""
    given = entry.get("trade_off")
    if isinstance(given, str) and given.strip():
        return clean(given, one_line=True)
    if entry is best:
        return BEST
    parts = [_speed(entry, best), _memory(entry, best), _quality(entry, best), _license(entry, best)]
    said = [part for part in parts if part]
    return f"against the best: {', '.join(said)}" if said else "about equal to the best"


def _number(entry: Mapping[str, Any], *path: str) -> float | None:
    value: object = entry
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else None
    return float(value) if is_number(value) else None


def _speed(entry: Mapping[str, Any], best: Mapping[str, Any]) -> str:
    mine, other = (_number(one, "speed", "tokens_per_second", "mid") for one in (entry, best))
    if not mine or not other or abs(mine / other - 1) < SAME:
        return ""
    if mine > other:
        return f"{mine / other:.1f}x the speed"
    return f"{(1 - mine / other) * 100:.0f} % slower"


def _memory(entry: Mapping[str, Any], best: Mapping[str, Any]) -> str:
    mine, other = (_number(one, "memory", "total_bytes") for one in (entry, best))
    if not mine or not other or abs(mine / other - 1) < SAME:
        return ""
    word = "more" if mine > other else "less"
    return f"{abs(mine - other) / GIB:.1f} GiB {word} memory"


def _quality(entry: Mapping[str, Any], best: Mapping[str, Any]) -> str:
    mine, other = (_number(one, "quality", "score") for one in (entry, best))
    if mine is None or not other or abs(mine / other - 1) < 0.01:
        return ""
    word = "higher" if mine > other else "lower"
    return f"quality {abs(mine / other - 1) * 100:.0f} % {word}"


def _license(entry: Mapping[str, Any], best: Mapping[str, Any]) -> str:
    order = {"yes": 2, "conditional": 1, "no": 0}  # nothing is said of an unknown one
    mine, other = (order.get(str((one.get("license") or {}).get("commercial_use"))) for one in (entry, best))
    if mine is None or other is None or mine == other:
        return ""
    return "freer license" if mine > other else "stricter license"
