"""What was ruled out of the models and is welcome again: `Chinese ones are fine after all`, `any size`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from agent.understanding.data import load
from agent.understanding.lexicon import negated
from agent.understanding.text import Text
from tools.needs import ModelWish

_SIZES = ("min_params_b", "max_params_b")
_MAKERS = ("excluded", "excluded_places", "places")


@dataclass(slots=True)
class Released:
    """What a message allows again, and where it says so."""

    places: set[str] = field(default_factory=set)
    names: set[str] = field(default_factory=set)
    """Words of `ModelWish.excluded`."""
    fields: set[str] = field(default_factory=set)
    """Fields of a model wish that are given up as a whole."""
    spans: list[tuple[int, int]] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.places or self.names or self.fields)

    def taken_from(self, wish: ModelWish) -> ModelWish:
        """The wish without what is allowed again."""
        free = ModelWish()
        kept: dict[str, Any] = {name: getattr(free, name) for name in self.fields}
        kept.setdefault("excluded", tuple(w for w in wish.excluded if w not in self.names))
        kept.setdefault("excluded_places", tuple(p for p in wish.excluded_places if p not in self.places))
        return wish.model_copy(update=kept)


@cache
def _allowing() -> tuple[tuple[re.Pattern[str], re.Pattern[str]], tuple[re.Pattern[str], re.Pattern[str]]]:
    data = load("families")["released"]
    ahead, behind = ("|".join(f"(?:{form})" for form in data[key]) for key in ("ahead", "behind"))
    lifts, rule = data["lifted"]
    return (re.compile(ahead), re.compile(behind)), (re.compile(lifts), re.compile(rule))


def is_allowed(text: Text, start: int, end: int) -> bool:
    """Whether the words at a range are said to be fine, rather than wanted or ruled out."""
    (ahead, behind), (lifts, rule) = _allowing()
    clause = text.clause(start)
    before, after = text.low[clause.start : start], text.low[end : clause.end]
    if lifts.search(before) and rule.match(after):
        return True
    if negated(text, start, end):
        return False
    return behind.match(after) is not None or ahead.search(before) is not None


def _targets(wish: ModelWish) -> Iterator[tuple[str, str, str]]:
    """A field, its value and the words for it, of everything that a wish rules out."""
    data = load("families")
    for place in wish.excluded_places:
        row = data["origins"]["places"].get(place)
        if row is not None:
            yield "excluded_places", place, f"{row['adjective']}|{row['country']}"
    for word in wish.excluded:
        yield "excluded", word, data["families"].get(word, re.escape(word.rpartition("/")[2].lower()))
    for name, pattern in data["released"]["fields"].items():
        if getattr(wish, name) != getattr(ModelWish(), name):
            yield name, "", pattern


def released(text: Text, wish: ModelWish | None) -> Released:
    """What a message allows again of what an earlier one ruled out.

    Args:
        text: the message.
        wish: what stands of the models; None where nothing does.
    """
    found = Released()
    if wish is None:
        return found
    for name, value, words in _targets(wish):
        for match in re.finditer(rf"(?<!\w)(?:{words})(?!\w)", text.low):
            if not is_allowed(text, *match.span()):
                continue
            if name == "excluded_places":
                found.places.add(value)
            elif name == "excluded":
                found.names.add(value)
            else:
                found.fields.update(_SIZES if name in _SIZES else (name,))
            found.spans.append(match.span())
    for fields, key in ((_SIZES, "any_size"), (_MAKERS, "any_maker")):
        given_up = re.search(load("families")["released"][key], text.low)
        if given_up is not None and any(getattr(wish, f) != getattr(ModelWish(), f) for f in fields):
            found.fields.update(fields)
            found.spans.append(given_up.span())
    return found
