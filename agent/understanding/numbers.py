"""Finds the quantities of a message: value, unit, period, direction and comparison, with their places."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Literal

from agent.understanding.data import load
from agent.understanding.text import Text

Comparator = Literal["ge", "le", "about", "exact"]
_DIGITS = (
    r"(?<![\w.,/])(?P<sign>(?<!\w)-)?(?P<digits>\d{1,3}(?:[,.']\d{3})+(?![\d])|\d{1,3}(?: \d{3})+(?!\d)"
    r"|\d{1,15}(?:[.,]\d{1,6})?)"
)
_GAP_WORD = re.compile(r"[\s\-]+([^\W\d_]+(?:-[^\W\d_]+)*)")
_MAX_QUANTITIES = 200
_ARTICLES = ("a", "an", "ein", "eine", "einen", "einer", "one", "eins", "few")


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number with what it counts; `low` equals `value` unless a range was given."""

    value: float
    low: float
    unit: str
    """A unit of `data/numbers.json`, or `` where none is named."""
    start: int
    end: int
    scale: str = ""
    """The letter or word after the digits (`k`, `m`, `thousand`)."""
    per: str = ""
    """The period it is counted over (`second` to `year`), or ``."""
    direction: str = ""
    """`in` or `out` for tokens that say so."""
    comparator: Comparator = "exact"
    each: bool = False
    """Counted for each of something named before."""


@dataclass(frozen=True, slots=True)
class _Grammar:
    number: re.Pattern[str]
    words: dict[str, float]
    scales: dict[str, float]
    units: tuple[tuple[str, re.Pattern[str]], ...]
    signs: dict[str, str]
    byte_units: dict[str, float]
    not_between: frozenset[str]
    comparators: tuple[tuple[Comparator, re.Pattern[str]], ...]
    per: re.Pattern[str]
    periods: dict[str, str]
    adverbs: dict[str, str]
    ahead: tuple[tuple[re.Pattern[str], str], ...]
    """Periods said before what is counted (`every day 500 mails`)."""
    every: re.Pattern[str]
    link: re.Pattern[str]
    rates: dict[str, str]
    directions: tuple[tuple[str, re.Pattern[str], re.Pattern[str]], ...]


@cache
def _grammar() -> _Grammar:
    data = load("numbers")
    words: dict[str, float] = _words(data)
    scales: dict[str, float] = data["scales"]
    periods = {alias: name for name, pattern in data["periods"].items() for alias in pattern.split("|")}
    return _Grammar(
        number=_number_pattern(data, words),
        words=words,
        scales=scales,
        units=tuple((u["unit"], re.compile(rf"(?:{u['pattern']})(?!\w)")) for u in data["units"]),
        signs=data["currency_signs"],
        byte_units=data["byte_units"],
        not_between=frozenset(data["not_between"]),
        comparators=tuple(
            (kind, re.compile(rf"(?:(?<=\W)|^)(?:{pattern})\s*(?:of |the |a )?$"))
            for kind, pattern in data["comparators"]
        ),
        per=_per_pattern(data, periods),
        periods=periods,
        adverbs=data["adverbs"],
        ahead=tuple(
            (re.compile(rf"\b(?:{said}) (?:[^\W\d]+ ){{0,3}}$"), period)
            for said, period in data["ahead"].items()
        ),
        every=re.compile(rf"\b{data['every']['before']}"),
        rates=data["every"]["units"],
        link=re.compile(rf"\s?(?:{data['range_links']})\s?"),
        directions=tuple(
            (
                name,
                re.compile(rf"\s*(?:tokens? )?(?:{p})\b(?!-| (?:the|my|our|a|production|\w+-house)\b)"),
                re.compile(rf"\b(?:{p})(?: tokens?)?[:\s]*$"),
            )
            for name, p in data["directions"].items()
        ),
    )


def _longest_first(names: Iterable[str]) -> str:
    return "|".join(sorted(map(re.escape, names), key=len, reverse=True))


def _number_pattern(data: dict[str, Any], words: Iterable[str]) -> re.Pattern[str]:
    signs, scale = _longest_first(data["currency_signs"]), _longest_first(data["scales"])
    return re.compile(
        rf"(?P<money>(?<!\w)(?:{signs})\s?)?(?:{_DIGITS}(?:\s?-?(?P<scale>{scale})(?![\w$]))?"
        rf"|(?<![\w-])(?P<word>{_longest_first(words)})(?![\w])(?:\s(?P<wscale>{data['word_scales']})\b)?)"
    )


def _per_pattern(data: dict[str, Any], periods: Iterable[str]) -> re.Pattern[str]:
    alias, adverbs = _longest_first(periods), "|".join(map(re.escape, data["adverbs"]))
    return re.compile(
        rf"\s*(?:[\w-]+\s){{0,4}}?(?:(?:\b(?:{data['per_words']})\s|/\s?)(?P<period>{alias})"
        rf"(?:s\b|\b)|(?P<adverb>{adverbs})\b)"
        rf"|\s?/\s?(?P<slash>{alias})\b"
    )


def _words(data: dict[str, Any]) -> dict[str, float]:
    """Number words, and those made of two of them (`twenty-five`, `dreihundert`)."""
    simple: dict[str, float] = data["words"]
    made = {
        form["form"].format(one, two): simple[one] * simple[two]
        if form.get("times")
        else simple[one] + simple[two]
        for form in data["compounds"]["forms"]
        for one in form["first"]
        for two in form["second"]
    }
    return made | simple


def read_number(digits: str) -> float:
    """Digits with separators of either style: `1,500`, `1.500` and `10 000` group, `1.5` and `1,5` do not."""
    if re.fullmatch(r"[1-9]\d{0,2}(?:[,.' ]\d{3})+", digits):
        return float(re.sub(r"[,.' ]", "", digits))
    return float(digits.replace(",", ".").replace(" ", "").replace("'", ""))


def read_quantities(text: Text, *, bare_words: bool = False) -> tuple[Quantity, ...]:
    """All quantities in order; number words count only where a unit follows, or all with `bare_words`."""
    grammar, low = _grammar(), text.low
    found: list[Quantity] = []
    for match in grammar.number.finditer(low):
        if found and match.start() < found[-1].end:
            continue
        quantity = _read(grammar, low, match)
        if quantity is not None:
            found.append(quantity)
        if len(found) >= _MAX_QUANTITIES:
            break
    joined = (
        q
        for q in _join_ranges(low, found)
        if bare_words or q.unit or q.per or low[q.start].isdigit() or low[q.start] == "-"
    )
    return _share_periods(text, list(joined))


def _read(grammar: _Grammar, low: str, match: re.Match[str]) -> Quantity | None:
    digits, word = match["digits"], match["word"]
    value = read_number(digits) if digits else grammar.words[word]
    scale = match["scale"] or match["wscale"] or ""
    end, start = match.end(), match.start()
    if match["sign"]:
        value = -value
    unit, unit_end = _unit(grammar, low, end)
    if scale == "b" and unit not in ("tokens", "usd", "eur", "words"):
        unit, unit_end, scale = "params", end, ""
    elif scale in ("m", "t") and unit == "params":
        scale, value = "", value * grammar.scales[scale] / 1e9
    elif unit == "params" and scale in ("billion", "bn"):
        scale = ""
    value *= grammar.scales.get(scale, 1)
    if unit == "params" and digits and value >= 1e6:
        value /= 1e9
    if unit == "bytes":
        letter = re.match(r"[\s\-]*(\w)", low[end:])
        value *= grammar.byte_units.get(letter[1] if letter else "", 1)
    if match["money"]:
        unit, unit_end = grammar.signs[match["money"].strip()], end
    if not math.isfinite(value) or (word in _ARTICLES and (not unit or unit_end - end > 14)):
        return None
    return _dressed(grammar, low, Quantity(value, value, unit, start, max(end, unit_end), scale))


def _unit(grammar: _Grammar, low: str, end: int) -> tuple[str, int]:
    """The unit right after `end`, or behind at most two describing words."""
    position = end
    for _ in range(3):
        skipped = re.match(r"[\s\-]*(?:d')?", low[position:])
        at = position + (skipped.end() if skipped else 0)
        if at - position > 3:
            break
        for unit, pattern in grammar.units:
            match = pattern.match(low, at)
            if match:
                return unit, match.end()
        gap = _GAP_WORD.match(low, position)
        if gap is None or gap[1] in grammar.not_between:
            break
        position = gap.end()
    return "", end


def _dressed(grammar: _Grammar, low: str, quantity: Quantity) -> Quantity:
    before = low[max(0, quantity.start - 36) : quantity.start]
    after = low[quantity.end : quantity.end + 48]
    comparator: Comparator = next((k for k, p in grammar.comparators if p.search(before)), "exact")
    direction = next(
        (
            n
            for n, behind, ahead in grammar.directions
            if behind.match(after) or ahead.search(before.rstrip() + " ")
        ),
        "",
    )
    if not direction and quantity.unit == "tokens":
        inside = low[quantity.start : quantity.end]
        direction = "in" if "input" in inside else "out" if "output" in inside else ""
    if not quantity.unit and direction and quantity.scale:
        quantity = replace(quantity, unit="tokens")
    per, end = "", quantity.end
    match = grammar.per.match(after)
    if match and not re.search(r"[.;!?,]\s|\d", after[: match.end()]):
        name = match["period"] or match["slash"]
        per = grammar.periods[name] if name else grammar.adverbs[match["adverb"]]
        end += match.end()
    if not per:
        said = low[quantity.start : quantity.end]
        per = next((period for adverb, period in grammar.adverbs.items() if f" {adverb} " in said), "")
    per = per or next((period for ahead, period in grammar.ahead if ahead.search(before)), "")
    each = bool(re.match(r"\s*(?:each|apiece|jeweils|every)\b", after)) or bool(
        re.search(r"(?:each|jeweils|each of|je) (?:\w+ ){0,2}$", before)
    )
    unit = quantity.unit
    if unit in grammar.rates and quantity.value > 0 and grammar.every.search(before):
        once = 1 / quantity.value
        quantity = replace(quantity, value=once, low=once)
        unit, per = "requests", grammar.rates[unit]
    if unit.endswith(("_per_second", "_per_minute")):
        unit, _, per = unit.partition("_per_")
    return replace(
        quantity, unit=unit, per=per, end=end, direction=direction, comparator=comparator, each=each
    )


def _join_ranges(low: str, found: list[Quantity]) -> list[Quantity]:
    """`10-20 tokens`, `two or three people`, `between 5 and 10 GB` are one quantity."""
    joined: list[Quantity] = []
    link = _grammar().link
    for quantity in found:
        last = joined[-1] if joined else None
        between = low[last.end : quantity.start] if last else ""
        if (
            last is not None
            and last.low <= quantity.value
            and last.unit in ("", quantity.unit)
            and (last.unit == "" or not last.per)
            and link.fullmatch(between)
            and ("and" not in between or "between" in low[max(0, last.start - 10) : last.start])
            and ("und" not in between or "zwischen" in low[max(0, last.start - 10) : last.start])
        ):
            first = last.low
            if quantity.scale and not last.scale and first * 1000 <= quantity.value * 10:
                first *= _grammar().scales.get(quantity.scale, 1)
            joined[-1] = replace(quantity, low=min(first, quantity.value), start=last.start)
        else:
            joined.append(quantity)
    return joined


def _share_periods(text: Text, found: list[Quantity]) -> tuple[Quantity, ...]:
    """`300k tokens in and 60k out per day`: unit and period hold for both."""
    shared = list(found)
    for i in range(len(shared) - 1, 0, -1):
        later, earlier = shared[i], shared[i - 1]
        between = text.low[earlier.end : later.start]
        if len(between) > 24 or "." in between:
            continue
        if later.per and later.direction and earlier.direction and not earlier.per:
            shared[i - 1] = replace(earlier, per=later.per)
        if earlier.direction and later.direction and not later.unit and earlier.unit == "tokens":
            shared[i] = replace(later, unit="tokens", per=later.per or earlier.per)
    return tuple(shared)
