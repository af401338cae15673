"""Slips of the pen in names of hardware: `rtx3o90`, `TRX 4090`, `RTX 3900`, `4070S`, `Rasberry Pi 5`.

Only what leads to exactly one known name is read through, and each such reading is said.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import cache

from knowledge.catalog.records import Accelerator
from tools.hardware_names import core_name
from tools.hardware_terms import Slips, load_terms

_SERIES = ("rtx", "gtx", "rx", "geforce", "radeon", "gt")
_END = r"(?=(?:[ -]?(?:ti|xtx|xt|super|gre|d|s|x))?(?![0-9a-z]))"
_MIXED = re.compile(
    r"(?<![0-9a-z])(rtx|gtx|rx|geforce|radeon|mi|gh|gb|[abhlpvt])?([ -]?)"
    r"((?:[0-9][oil0-9]*[oil]|[oil]+[0-9])[oil0-9]*)" + _END,
    re.IGNORECASE,
)
_MAYBE_MIXED = re.compile(r"[0-9][oil]|[oil][0-9]", re.IGNORECASE)
_AFTER_WORD = re.compile(r"(?<![0-9a-z])([a-z]{3})([ -]?)(\d{4})" + _END, re.IGNORECASE)
_AFTER_SERIES = re.compile(r"(?<![0-9a-z])(rtx|gtx|rx)([ -]?)(\d{4})" + _END, re.IGNORECASE)
_CAPITAL_S = re.compile(
    r"(?<![0-9A-Za-z])((?:RTX|rtx|Rtx)?[ -]?)(\d{4})((?:[ -]?[Tt][Ii])?)[ -]?S(?![0-9A-Za-z])"
)
_WORD = re.compile(r"[^\W\d_]{4,16}")

Fix = tuple[str, str]
"""What was written, and as what it is read."""


_last: tuple[tuple[Accelerator, ...], frozenset[str]] | None = None


def _names_of(accelerators: tuple[Accelerator, ...]) -> frozenset[str]:
    """The names of a catalog's accelerators; built once a catalog."""
    global _last
    if _last is None or _last[0] is not accelerators:
        _last = (accelerators, _names(accelerators))
    return _last[1]


def _names(accelerators: tuple[Accelerator, ...]) -> frozenset[str]:
    """Every known name and word of a name, lower case: `a100`, `3090`, `rtx 3090`, `4070 ti super`."""
    found: set[str] = set()
    for record in accelerators:
        words = core_name(record).lower().split()
        found.update(words)
        found.update(
            " ".join(words[first:last]) for first in range(len(words)) for last in range(first + 2, 9)
        )
    return frozenset(found)


def read_through(text: str, accelerators: tuple[Accelerator, ...]) -> tuple[str, tuple[Fix, ...]]:
    """The text with slips put right, and what was put right.

    Args:
        text: What a person wrote.
        accelerators: The known ones.
    """
    slips, names = load_terms().slips, _names_of(accelerators)
    fixes: list[Fix] = []

    def tried(correct: Callable[[re.Match[str]], str]) -> Callable[[re.Match[str]], str]:
        def replaced(match: re.Match[str]) -> str:
            wrote, read = match.group(), correct(match)
            if read != wrote:
                fixes.append((wrote.strip(), read.strip()))
            return read

        return replaced

    if _MAYBE_MIXED.search(text):
        text = _MIXED.sub(tried(lambda match: _digits(match, names, slips)), text)
    text = _AFTER_WORD.sub(tried(lambda match: _series(match, names, slips)), text)
    text = _AFTER_SERIES.sub(tried(lambda match: _swapped(match, names)), text)
    text = _CAPITAL_S.sub(tried(lambda match: _super(match, names)), text)
    for word in sorted(set(_WORD.findall(text))):  # few distinct ones, however long the text
        near = _word(word, slips)
        if near is not None:
            text = re.sub(rf"(?<![^\W\d_]){word}(?![^\W\d_])", near, text)
            fixes.append((word, near))
    return text, tuple(dict.fromkeys(fixes))


def _digits(match: re.Match[str], names: frozenset[str], slips: Slips) -> str:
    """Letters that look like digits: `3o90`, `h1OO`."""
    prefix, gap, number = match.group(1) or "", match.group(2), match.group(3).lower()
    mapped = "".join(slips.letters.get(letter, letter) for letter in number)
    if prefix.lower() in ("", *_SERIES):
        known = len(mapped) >= 3 and mapped in names
    else:
        whole = prefix.lower() + mapped
        known = any(name in names for name in (whole, whole + "x"))
    return prefix + gap + mapped if known else match.group()


def _series(match: re.Match[str], names: frozenset[str], slips: Slips) -> str:
    """`TRX 4090`, `RTZ 3090`: one slip in the series before a known number."""
    word, gap, number = match.groups()
    if word.lower() in _SERIES or number not in names:
        return match.group()
    found = [name for name in slips.series if _one_slip(word.lower(), name) and f"{name} {number}" in names]
    return found[0].upper() + gap + number if len(found) == 1 else match.group()


def _one_slip(word: str, name: str) -> bool:
    """One letter wrong or two exchanged, in words of one length."""
    if len(word) != len(name):
        return False
    off = [at for at in range(len(name)) if word[at] != name[at]]
    exchanged = (
        len(off) == 2
        and off[1] == off[0] + 1
        and word[off[0]] == name[off[1]]
        and word[off[1]] == name[off[0]]
    )
    return len(off) == 1 or exchanged


def _swapped(match: re.Match[str], names: frozenset[str]) -> str:
    """Two digits exchanged (`RTX 3900`), where that gives one known card only."""
    series, gap, number = match.groups()
    if number in names:
        return match.group()
    others = {number[:at] + number[at + 1] + number[at] + number[at + 2 :] for at in range(len(number) - 1)}
    found = sorted(other for other in others if f"{series.lower()} {other}" in names)
    return series + gap + found[0] if len(found) == 1 else match.group()


def _super(match: re.Match[str], names: frozenset[str]) -> str:
    """A capital S right behind the number is the SUPER version; a small one is a plural."""
    series, number, ti = match.groups()
    name = f"{number} ti super" if ti else f"{number} super"
    return f"{series}{number}{ti} SUPER" if name in names else match.group()


def _word(written: str, slips: Slips) -> str | None:
    """The word that a written one is near to; None where it is none of ours, or written right."""
    word = written.lower()
    near = [name for name in _by_letter(slips.words).get(word[0], ()) if abs(len(name) - len(word)) <= 1]
    if not near or word in slips.words or word.removesuffix("s") in slips.words:
        return None
    return _nearest(word, tuple(near), slips.threshold)


@cache
def _by_letter(words: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Words by their first letter, which slips seldom touch."""
    return {first: tuple(word for word in words if word[0] == first) for first in {word[0] for word in words}}


@cache
def _nearest(word: str, names: tuple[str, ...], threshold: float) -> str | None:
    """The one name that a word is near to."""
    from rapidfuzz import fuzz

    found = [name for name in names if fuzz.ratio(word, name) >= threshold]
    return found[0] if len(found) == 1 else None
