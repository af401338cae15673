"""Where a model's maker sits, and makers, data and thinking as constraints: `not Chinese`, `from Europe`,
`nothing from Google`, `open training data`, `without thinking`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from agent.understanding.data import load
from agent.understanding.lexicon import negated
from agent.understanding.text import Text
from tools.wishes import maker_names

_DENIES = re.compile(
    r"(?:not|no|nothing|nichts|nada|non|kein\w*|never|(?:do|did)(?:n't| not)|dis(?:like|trust)"
    r"|mag kein\w*|n'aime)\b"
)


@dataclass(slots=True)
class MakerWish:
    """Fields of a model wish and where they are said."""

    excluded: list[str] = field(default_factory=list)
    families: list[str] = field(default_factory=list)
    excluded_places: list[str] = field(default_factory=list)
    places: list[str] = field(default_factory=list)
    flags: dict[str, bool] = field(default_factory=dict)
    spans: list[tuple[int, int]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Place:
    code: str
    denied: re.Pattern[str]
    wanted: re.Pattern[str]
    short: re.Pattern[str]
    listed: re.Pattern[str]


def _filled(forms: list[str], **words: str) -> re.Pattern[str]:
    joined = "|".join(f"(?:{form})" for form in forms)
    for name, pattern in words.items():
        joined = joined.replace(name, f"(?:{pattern})")
    return re.compile(rf"(?<!\w)(?:{joined})(?!\w)")


@cache
def _places() -> tuple[_Place, ...]:
    data: dict[str, Any] = load("families")["origins"]
    return tuple(
        _Place(
            code,
            _filled(data["forms"], ADJECTIVE=row["adjective"], COUNTRY=row["country"]),
            _filled(data["wanted_forms"], ADJECTIVE=row.get("wanted", "(?!)"), COUNTRY=row["country"]),
            _filled(data["short"], ADJECTIVE=row["adjective"], COUNTRY=row["country"]),
            re.compile(data["listed"]["form"].replace("ADJECTIVE", f"(?:{row['adjective']})"))
            if code in data["listed"]["places"]
            else re.compile("(?!)"),
        )
        for code, row in data["places"].items()
    )


@cache
def _makers() -> tuple[re.Pattern[str], re.Pattern[str], re.Pattern[str]]:
    data = load("families")["makers"]
    named = "|".join(re.escape(name) for name in maker_names())
    every = (*data["forms"], *data["listed"])
    forms = [form.replace("MAKER", f"(?P<m{i}>{named})") for i, form in enumerate(every)]
    short = [form.replace("MAKER", f"(?P<s{i}>{named})") for i, form in enumerate(data["short"])]
    return _filled(forms), _filled(short), re.compile(data["wanted"])


def maker_wish(text: Text, asked: str) -> MakerWish:
    """What a message says of makers, where they sit, their data and thinking.

    Args:
        text: the message.
        asked: the slot of the pending question; where languages are asked for, `not Chinese` is one.
    """
    found = MakerWish()
    brief = len(text.low.split()) <= load("families")["origins"]["short_words"] and asked != "languages"
    spoken = asked == "languages" or re.search(load("families")["origins"]["listed"]["languages"], text.low)
    for place in _places():
        # `the usual European ones` answers which languages.
        wanting = asked != "languages" or re.search(load("families")["model_words"], text.low) is not None
        _read_place(text, place, found, brief=brief and not spoken, listed=not spoken, wanting=wanting)
    _read_makers(text, found, brief=brief)
    for name in ("open_data", "no_thinking"):
        match = re.search(load("families")[name], text.low)
        if match is not None:
            found.flags[name] = True
            found.spans.append(match.span())
    return found


def _denied(text: Text, match: re.Match[str]) -> bool:
    return negated(text, *match.span()) or _DENIES.match(match.group()) is not None


def _read_place(
    text: Text, place: _Place, found: MakerWish, *, brief: bool, listed: bool, wanting: bool
) -> None:
    denying = [*place.denied.finditer(text.low), *(place.short.finditer(text.low) if brief else ())]
    denying += place.listed.finditer(text.low) if listed else ()
    for match in denying:
        if _denied(text, match):
            if place.code not in found.excluded_places:
                found.excluded_places.append(place.code)
            found.spans.append(match.span())
            return
    for match in place.wanted.finditer(text.low) if wanting else ():
        found.places.append(place.code)
        found.spans.append(match.span())
        return


def _read_makers(text: Text, found: MakerWish, *, brief: bool) -> None:
    forms, short, wanted = _makers()
    for match in (*forms.finditer(text.low), *(short.finditer(text.low) if brief else ())):
        name = next(value for value in match.groupdict().values() if value)
        if _denied(text, match):
            target = found.excluded
        elif wanted.search(text.low[: match.start(match.lastgroup or 0)]):
            target = found.families
        else:
            continue
        if name not in target:
            target.append(name)
        found.spans.append(match.span())
