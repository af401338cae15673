"""Numbers in a text, with what they may mean: decimal marks, multiples such as 16k, units and ranges."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

SMALL = 10
"""Whole numbers up to this need no evidence where they have no unit: "two cards", "three steps"."""

_UNITS: tuple[tuple[str, str, float], ...] = (
    (r"[GMT]i?B/s", "bandwidth", 1.0),
    (
        r"(?:tokens?|tok|t|jetons?)\s?(?:/|per |a |pro |par |por )\s?"
        r"(?:s(?:ec(?:onds?)?)?|sekunde|seconde|segundo)\b|tps\b",
        "speed",
        1.0,
    ),
    (r"KiB", "bytes", 2.0**10),
    (r"MiB", "bytes", 2.0**20),
    (r"GiB|gibibytes?\b", "bytes", 2.0**30),
    (r"TiB", "bytes", 2.0**40),
    (r"[kK]B", "bytes", 1e3),
    (r"MB|megabytes?\b", "bytes", 1e6),
    (r"GB|gigabytes?\b|gigs?\b", "bytes", 1e9),
    (r"TB|terabytes?\b", "bytes", 1e12),
    (r"(?:tokens?|tok|jetons?)\b", "tokens", 1.0),
    (r"(?:words?|characters?|zeichen|wörter|mots|palabras)\b", "words", 1.0),
    (r"%|percent\b|per cent\b|prozent\b", "percent", 1.0),
    (r"USD\b|US\$|dollars?\b|\$", "usd", 1.0),
    (r"(?:bits?)\b", "bits", 1.0),
    (r"(?:parameters?|params?|parameter[ns]?|weights)\b", "params", 1.0),
    (r"ms\b|milliseconds?\b", "seconds", 1e-3),
    (r"(?:seconds?|sec|sekunden?)\b", "seconds", 1.0),
    (r"(?:minutes?|min|minuten)\b", "seconds", 60.0),
    (r"(?:hours?|stunden?)\b", "seconds", 3600.0),
    (r"(?:days?|tagen?|tage)\b", "seconds", 86400.0),
    (r"W\b|watts?\b", "watts", 1.0),
)
"""Pattern behind a number, dimension, and size in the dimension's base unit."""
_MULTIPLES: dict[str, tuple[float, ...]] = {
    "k": (1000.0, 1024.0),
    "m": (1e6, 2.0**20),
    "b": (1e9,),
    "t": (1e12,),
    "million": (1e6,),
    "billion": (1e9,),
    "trillion": (1e12,),
    "thousand": (1e3,),
}
NUMBER = re.compile(
    r"(?P<usd>US\$|\$)?(?<![\w.,])(?P<number>\d+(?:[.,\u202f\u00a0']\d+)*)"
    r"(?:\s?(?P<multiple>million|billion|trillion|thousand)\b|(?P<letter>[kKMBTb])(?![A-Za-z/]))?"
    r"(?:[\s\u00a0\u202f-]{0,2}(?P<unit>" + "|".join(f"(?:{unit[0]})" for unit in _UNITS) + r"))?"
    r"(?P<times>\s?[x\u00d7](?![\w]))?(?![\w]|[.,]\d)",
    re.IGNORECASE,
)
_RANGE = re.compile(
    r"\s*(?:of|to|out of|von|bis|de|sur|[-\u2013\u2014/])\s*(?:about\s|the\s)?\$?", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Figure:
    """A number in a text."""

    text: str
    values: tuple[float, ...]
    """What it may mean without its unit: 16k is 16,000 or 16,384."""
    half: float
    """Half of the last digit that is written, of the first value."""
    dimension: str | None
    scale: float

    @property
    def trivial(self) -> bool:
        return self.dimension is None and self.values[0] <= SMALL and self.values[0] == int(self.values[0])


def readings(number: str) -> list[tuple[float, float]]:
    """What digits may stand for, each with half of its last digit; both decimal marks are understood."""
    plain = re.sub(r"[\u202f\u00a0']", "", number)
    groups = re.fullmatch(r"\d{1,3}(?:([.,])\d{3})(?:\1\d{3})*(?:[.,]\d+)?", plain)
    found = []
    if groups is not None and not plain.startswith("0"):
        mark = groups[1]
        whole = plain.replace(mark, "").replace(",", ".")
        found.append((float(whole), _half(whole)))
    if plain.count(".") + plain.count(",") <= 1:
        point = plain.replace(",", ".")
        found.append((float(point), _half(point)))
    if not found:
        digits = re.sub(r"[.,]", "", plain)
        found.append((float(digits), 0.5))
    return found


def _half(number: str) -> float:
    return 0.5 * 10.0 ** -len(number.partition(".")[2])


@cache
def _unit(written: str) -> tuple[str, float]:
    return next(
        (name, scale) for pattern, name, scale in _UNITS if re.fullmatch(pattern, written, re.IGNORECASE)
    )


def figures(text: str) -> list[Figure]:
    """The numbers of a text that stand on their own, not inside a name."""
    found: list[Figure] = []
    behind: tuple[int, str, str | None, float] | None = None
    for match in reversed(list(NUMBER.finditer(text))):
        dimension, scale = _unit(match["unit"]) if match["unit"] else (None, 1.0)
        if match["usd"]:
            dimension, scale = "usd", 1.0
        multiple = (match["multiple"] or match["letter"] or "").lower()
        if multiple == "b" and dimension is None:
            dimension = "params"
        if dimension is None and behind is not None and _RANGE.fullmatch(text[match.end() : behind[0]]):
            # "10.4 of 11.3 GiB", "8 to 16k tokens": the unit stands once, for both.
            multiple, dimension, scale = multiple or behind[1], behind[2], behind[3]
        behind = (match.start(), multiple, dimension, scale)
        factors = _MULTIPLES.get(multiple, (1.0,))
        # A window is named by cutting off as well: 65k for 65,536.
        wide = 1.1 if multiple == "k" else 1.0
        meant = [(v * f, h * f * wide) for v, h in readings(match["number"]) for f in factors]
        values = tuple(v for v, _ in meant)
        found.append(Figure(match[0].strip(), values, meant[0][1], dimension, scale))
    return found[::-1]


def rounds_to(said: Figure, known: Figure) -> bool:
    """Whether a figure that is known, rounded, is the one that was said: 12.3 GB is "about 12 GB".

    A unit that stands with only one of them is no contradiction; two different ones are.
    """
    if said.dimension is not None and known.dimension is not None:
        if said.dimension != known.dimension:
            return False
        near = said.half * said.scale * 1.0001 + 1e-12
        return any(
            abs(one * known.scale - other * said.scale) <= near
            for one in known.values
            for other in said.values
        )
    return any(abs(one - other) <= said.half * 1.0001 for one in known.values for other in said.values)
