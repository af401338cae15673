"""Numbers with their units in a text: `~4.9 GB`, `20-22 GiB`, `128K tokens`, `$2.50`, `46.5 tok/s`."""

from __future__ import annotations

import re
from dataclasses import dataclass

from knowledge.claims.types import Dimension, Hedge, Stated

_NUMBER = r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?(?:,\d{1,2}(?![\d.,]*\d))?"
_UNITS: tuple[tuple[str, Dimension, float], ...] = (
    (r"[GT]i?B\s?(?:/|per )\s?s(?:ec(?:ond)?)?\b", "bandwidth", 1e9),
    (r"(?:tokens?|toks?|t)\s?(?:/|per |a )\s?s(?:ec(?:onds?)?)?\b|tps\b", "speed", 1.0),
    (r"TiB\b", "bytes", 2.0**40),
    (r"GiB\b|gibibytes?\b", "bytes", 2.0**30),
    (r"MiB\b", "bytes", 2.0**20),
    (r"KiB\b", "bytes", 2.0**10),
    (r"TB\b|terabytes?\b", "bytes", 1e12),
    (r"(?:GB|gb|Gb)\b|gigabytes?\b|gigs?\b", "bytes", 1e9),
    (r"(?:MB|mb)\b|megabytes?\b", "bytes", 1e6),
    (r"[kK]B\b|kilobytes?\b", "bytes", 1e3),
    (r"(?:bits?\s?(?:per|/|a)\s?(?:weight|parameter|param)\b|bpw\b)", "bits", 1.0),
    (r"(?:KV|key[-/ ]value|key/value)[- ]heads?\b", "kv_heads", 1.0),
    (r"(?:attention |query )?heads?\b", "heads", 1.0),
    (r"(?:transformer |decoder |hidden )?layers?\b", "layers", 1.0),
    (r"(?:dimensions?|dims?)\b|dimensional\b", "dimensions", 1.0),
    (r"(?:vocabulary|vocab)\b", "vocabulary", 1.0),
    (r"(?:total |active |activated |trainable )?(?:parameters?|params?)\b", "params", 1.0),
    (r"(?:input |output |prompt |context )?(?:tokens?|tok)\b", "tokens", 1.0),
    (r"%|percent\b|per cent\b", "percent", 1.0),
    (r"(?:US )?dollars?\b|USD\b", "usd", 1.0),
    (r"cents?\b", "usd", 0.01),
)


def _any_case(pattern: str, scale: float) -> str:
    """Words may be capitalized; the case of `GB` and `Gb`, `KB` and `kb` is the unit's own."""
    return f"(?i:{pattern})" if scale < 2 else f"(?:{pattern})"


_LETTERS = {"k": 1e3, "m": 1e6, "b": 1e9, "t": 1e12}
_WORDS = {"thousand": 1e3, "million": 1e6, "billion": 1e9, "trillion": 1e12}
_AMOUNT = re.compile(
    r"(?P<usd>US\$|\$|USD\s?)?(?<![\w.,/])(?<!\w-)"
    rf"(?P<low>{_NUMBER})"
    r"(?P<low_letter>[kKMBT](?![A-Za-z]))?(?P<low_unit>\s?(?:[GMTK]i?B|%)(?![\w/]))?"
    rf"(?:\s?(?:-|\u2013|\u2014|to|\.\.)\s?(?:US\$|\$|~)?(?P<high>{_NUMBER}))?"
    r"(?:\s?(?P<letter>[kKMBT])(?![A-Za-z])|\s?(?P<word>thousand|million|billion|trillion)\b)?"
    r"(?:[\s\u00a0\u202f-]?(?P<unit>" + "|".join(_any_case(unit[0], unit[2]) for unit in _UNITS) + r"))?"
    r"(?P<plus>\+)?(?![\w])(?![.,]\d)(?!-\d)"
)
_HEDGES: tuple[tuple[str, Hedge], ...] = (
    (
        r"(?:~|\u2248|\u223c|\babout|\baround|\broughly|\bapproximately|\bapprox\.?|\bcirca|\bca\.|\bc\."
        r"|\bsome|"
        r"\bnearly|\balmost|\bsomewhere near|\bclose to|\bjust (?:over|under|above|below))\s?(?:the |a )?$",
        "about",
    ),
    (
        r"(?:<=?|\u2264|\bup to|\bat most|\bunder|\bbelow|\bless than|\bno more than|\bmax(?:imum)?(?: of)?"
        r"|\bwithin|"
        r"\bfewer than)\s?$",
        "at most",
    ),
    (
        r"(?:>=?|\u2265|\bat least|\bover|\babove|\bmore than|\bno less than|\bmin(?:imum)?(?: of)?"
        r"|\bupwards of|"
        r"\bfrom)\s?$",
        "at least",
    ),
)
_HEDGE_PATTERNS = tuple((re.compile(pattern, re.IGNORECASE), hedge) for pattern, hedge in _HEDGES)
_TIMES = re.compile(r"\d\s?[x\u00d7]\s$")
_ROUGHLY_BEHIND = re.compile(r"^\s?(?:or so|-ish|ish\b|give or take)", re.IGNORECASE)


BINARY = {"KB": 1.024, "MB": 1.024**2, "GB": 1.024**3, "TB": 1.024**4, "GS": 1.024**3}
"""What a decimal unit may mean beside 1 where it is written for the binary one."""


@dataclass(frozen=True, slots=True)
class Amount:
    """A figure in a text: `text[start:end]`."""

    start: int
    end: int
    words: str
    stated: Stated
    unit: str
    """As written; empty for a bare number."""

    @property
    def dimension(self) -> Dimension:
        return self.stated.dimension


def amounts(text: str) -> list[Amount]:
    """Every number of a text that is no part of a word, with what its unit says."""
    found = [
        _amount(text, match) for match in _AMOUNT.finditer(text) if not _TIMES.search(text[: match.start()])
    ]
    return [amount for amount in found if amount is not None]


def number(text: str) -> tuple[float, float]:
    """The value of a written number and half of its last digit."""
    if re.fullmatch(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?", text):
        plain = text.replace(",", "")
    else:
        plain = text.replace(",", ".")
    decimals = len(plain.partition(".")[2])
    return float(plain), 0.5 * 10.0**-decimals


def hedge_before(text: str) -> Hedge:
    """The hedge that a text ends with."""
    tail = text[-24:]
    return next((hedge for pattern, hedge in _HEDGE_PATTERNS if pattern.search(tail)), "")


def _unit_of(written: str) -> tuple[Dimension, float]:
    for pattern, dimension, scale in _UNITS:
        if re.fullmatch(_any_case(pattern, scale), written):
            return dimension, 1e12 if dimension == "bandwidth" and written[0] in "Tt" else scale
    return "count", 1.0


def _amount(text: str, match: re.Match[str]) -> Amount | None:
    unit = (match["unit"] or match["low_unit"] or "").strip()
    dimension, scale = _unit_of(unit) if unit else ("count", 1.0)
    letter = (match["letter"] or "").lower()
    factor = _LETTERS.get(letter) or _WORDS.get((match["word"] or "").lower(), 1.0)
    if match["usd"]:
        dimension, factor = "usd", factor if match["word"] else 1.0
    low_factor = _LETTERS.get((match["low_letter"] or "").lower(), factor if match["high"] else 1.0)
    if not match["high"]:
        factor = low_factor if match["low_letter"] else factor
        low_factor = factor
        letter = letter or (match["low_letter"] or "").lower()
    if dimension == "count" and letter == "b":
        dimension = "params"
    low, half = number(match["low"])
    high, high_half = number(match["high"]) if match["high"] else (low, half)
    low, high = low * low_factor * scale, high * factor * scale
    if high < low:
        # "Qwen2.5-7B 2 - 1": no range; only the first number is meant.
        return None
    hedge = hedge_before(text[: match.start()])
    if match["plus"]:
        hedge = "at least"
    elif not hedge and _ROUGHLY_BEHIND.match(text[match.end() :]):
        hedge = "about"
    scales: tuple[float, ...] = (1.0,)
    if letter == "k" and dimension in ("tokens", "count"):
        scales = (1.0, 1.024)
    elif letter == "m" and dimension in ("tokens", "count"):
        scales = (1.0, 1.024**2)
    elif dimension == "bytes" and (unit[:1] + unit[-1:]).upper() in BINARY:
        # "GB" is written for 10**9 and for 2**30 bytes alike.
        scales = (1.0, BINARY[(unit[:1] + unit[-1:]).upper()]) if "i" not in unit[:2] else scales
    stated = Stated(low, high, max(half * low_factor, high_half * factor) * scale, dimension, hedge, scales)
    return Amount(match.start(), match.end(), match[0].strip(), stated, unit)
