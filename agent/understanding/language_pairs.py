"""Pairs of language codes, as translators write them: `en<->fr`, `DE -> EN`, `es/pt`."""

from __future__ import annotations

import re
from functools import cache

from agent.understanding.data import load
from agent.understanding.lexicon import Vote
from agent.understanding.text import Text

_COMMON = frozenset({"en", "de", "fr", "es", "it", "pt", "nl", "pl", "ru", "zh", "ja", "ko"})
_WEIGHT = 4


@cache
def _pair() -> re.Pattern[str]:
    codes = "|".join(code for code in load("languages")["codes"] if len(code) == 2)
    return re.compile(
        rf"(?<![\w-])(?P<a>{codes})\s?(?P<link><?-+>|<>|[\u2192\u2194]|[/-])\s?(?P<b>{codes})(?![\w-])"
    )


@cache
def _more() -> re.Pattern[str]:
    """One more code behind a pair: `de->en, fr, it`."""
    return re.compile(rf"\s?[,/+&]\s?(?P<code>{'|'.join(sorted(_COMMON))})(?![\w-])")


def language_pairs(text: Text) -> list[Vote]:
    """The languages of every pair; where no arrow joins them, one has to be a common code."""
    found = []
    for match in _pair().finditer(text.low):
        pair = (match["a"], match["b"])
        if match["link"] in "/-" and not _COMMON.issuperset(pair):
            continue
        end, codes = match.end(), list(pair)
        while more := _more().match(text.low, end):
            end, codes = more.end(), [*codes, more["code"]]
        found.append(Vote("languages", "", tuple(codes), _WEIGHT, match.start(), end))
    return found
