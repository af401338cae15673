"""Sums that a text works out: `30 x 8 = 240`, `4.3 + 1.0 + 0.1 = 5.4 GiB`, `936 GB/s / 4.9 GB = 191`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from knowledge.claims.amounts import number
from knowledge.claims.types import Claim, Hedge, Stated, Subject

_NUMBER = r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?"
_UNIT = (
    r"(?:\s?(?:[GMKT]i?B(?:/s)?|tokens?|tok/s|bits?|bytes?|USD|billion|million|hours?|days?|layers?|heads?"
    r"|W|kWh|%|[KMB](?![A-Za-z])))?"
)
_TERM = rf"\$?(?:{_NUMBER}){_UNIT}"
_SUM = re.compile(
    rf"(?<![\w.,/x\u00d7*+=-])(?<![-+*/x\u00d7=] )(?P<left>{_TERM}(?:\s?[-+*/x\u00d7\u00b7]\s?{_TERM})+)"
    r"\s?(?P<eq>=|\u2248|\u2192)\s?(?P<hedge>~|about |roughly )?"
    rf"(?P<right>\$?(?P<value>{_NUMBER})(?P<unit>{_UNIT}))(?![\w]|[.,]\d|\s?[-+*/x\u00d7]\s?\d)"
)
_TOKENS = re.compile(
    rf"(?P<tokens>{_NUMBER})\s?(?P<scale>million|billion|thousand|[KMB](?![A-Za-z]))?\s(?:\w+\s)?tokens\s"
    rf"(?:\w+\s){{0,4}}?(?:at|x|\u00d7|times|for)\s\$(?P<price>{_NUMBER})\s?(?:per|/|a|for a)\s?"
    r"(?P<per>million|1M|M|1K|K|1,000|1000|thousand)(?:\s\w*\s?tokens)?\s"
    r"(?:\w+\s){0,2}?(?:costs?|is|are|=|comes? to|makes?|totals?|gives?)\s"
    rf"(?P<hedge>about |around |roughly |~)?\$(?P<total>{_NUMBER})(?![\d,.]*\d)",
    re.IGNORECASE,
)
_PART = re.compile(rf"(?P<op>[-+*/x\u00d7\u00b7])?\s?\$?(?P<number>{_NUMBER})(?P<unit>{_UNIT})")
_BYTES = {"gb": 1e9, "mb": 1e6, "kb": 1e3, "gib": 2.0**30, "mib": 2.0**20, "kib": 2.0**10}
_SCALES = {"k": 1e3, "m": 1e6, "b": 1e9, "million": 1e6, "billion": 1e9, "%": 0.01}


def equations(text: str) -> Iterator[Claim]:
    """Sums with a stated result; units are kept only where all terms of a sum of terms share one."""
    for match in _SUM.finditer(text):
        computed = _value(match["left"])
        if computed is None:
            continue
        value, half = number(match["value"])
        unit = match["unit"].strip().lower()
        scale = _SCALES.get(unit, 1.0)
        if unit in _BYTES and re.search(r"\bbytes?\b", match["left"]):
            scale = _BYTES[unit]
        hedge: Hedge = "about" if match["hedge"] or match["eq"] != "=" else ""
        stated = Stated(value * scale, value * scale, half * scale, "count", hedge)
        yield Claim(
            "",
            "shipped",
            (),
            0,
            text,
            match["right"].strip(),
            Subject("sum", match["left"].strip(), (repr(computed),)),
            "arithmetic",
            stated,
        )


def token_costs(text: str) -> Iterator[Claim]:
    """`10 million tokens at $2.50 per million cost $25`: tokens times a price."""
    for match in _TOKENS.finditer(text):
        tokens = number(match["tokens"])[0] * _SCALES.get((match["scale"] or "").strip().lower(), 1.0)
        per = 1e3 if match["per"].lower() in ("1k", "k", "1,000", "thousand", "1000") else 1e6
        value, half = number(match["total"])
        computed = tokens / per * number(match["price"])[0]
        hedge: Hedge = "about" if match["hedge"] else ""
        yield Claim(
            "",
            "shipped",
            (),
            0,
            text,
            f"${match['total']}",
            Subject("sum", match[0][: match.start("total") - match.start() - 1].strip(), (repr(computed),)),
            "arithmetic",
            Stated(value, value, half, "usd", hedge),
        )


def _value(left: str) -> float | None:
    """What the terms come to, products first; None where units do not allow to tell."""
    parts = list(_PART.finditer(left))
    units = {m["unit"].strip().lower() for m in parts}
    ops = {m["op"] for m in parts[1:]}
    if "+" in ops or "-" in ops:
        bare = {"", *units} if len(units - {""}) <= 1 else units
        if len(units - {""}) > 1 and units != bare:
            return None
        if any(unit in _SCALES for unit in units) and len(units) > 1:
            return None
    total, term = 0.0, 0.0
    for index, part in enumerate(parts):
        value = number(part["number"])[0] * _SCALES.get(part["unit"].strip().lower(), 1.0)
        op = part["op"] if index else "+"
        if op in ("*", "x", "\u00d7", "\u00b7"):
            term *= value
        elif op == "/":
            if not value:
                return None
            term /= value
        else:
            total, term = total + term, -value if op == "-" else value
    return total + term
