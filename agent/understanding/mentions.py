"""Models that a message names: as a wish, as unwanted, or only as what is spoken about."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache

from agent.understanding.data import load
from agent.understanding.dates import newer_than
from agent.understanding.lexicon import Strength, negated, strength
from agent.understanding.makers import maker_wish
from agent.understanding.numbers import Quantity
from agent.understanding.released import Released, is_allowed, released
from agent.understanding.text import Text
from tools.needs import ModelWish
from tools.wishes import is_called

_MANY = 8
"""A name that could mean more models than this is taken as a family."""


@dataclass(frozen=True, slots=True)
class NamedModel:
    """A model or family in a message."""

    start: int
    end: int
    ids: tuple[str, ...] = ()
    family: str = ""
    unknown: str = ""
    """The words, where the catalog holds no such model."""


@dataclass(frozen=True, slots=True)
class Wish:
    """The model slot of a message with the place that says it."""

    value: ModelWish
    start: int
    end: int
    strength: Strength
    spans: tuple[tuple[int, int], ...] = ()
    """Every place that says something of it."""
    released: Released = field(default_factory=Released)


@cache
def _families() -> tuple[tuple[str, re.Pattern[str]], ...]:
    return tuple(
        (name, re.compile(rf"(?<![\w.])(?:{pattern})(?![\w])"))
        for name, pattern in load("families")["families"].items()
    )


def find_models(text: Text) -> tuple[NamedModel, ...]:
    """Catalog models and families in reading order; a catalog name before the family in it."""
    found = [m for m in _catalog_names(text) if m.ids or m.unknown]
    for family, pattern in _families():
        for match in pattern.finditer(text.low):
            start, end = match.span()
            if _means_model(text, family, start, end) and all(
                end <= m.start or m.end <= start for m in found
            ):
                found.append(NamedModel(start, end, family=family))
    return tuple(sorted(found, key=lambda m: m.start))


def _means_model(text: Text, family: str, start: int, end: int) -> bool:
    """Whether a family's name is meant: `granite` is also a stone."""
    data = load("families")["ordinary"]
    if (
        family not in data["families"]
        or len(text.low.split()) <= 3
        or any(c.isdigit() for c in text.low[start:end])
    ):
        return True
    return bool(
        re.search(data["before"], text.low[max(0, start - 32) : start])
        or re.match(data["behind"], text.low[end : end + 12])
    )


def _catalog_names(text: Text) -> list[NamedModel]:
    from knowledge.catalog.mentions import find_model_names
    from knowledge.catalog.store import load_catalog

    ignored = frozenset(load("families")["ignored"])
    named = []
    for mention in find_model_names(load_catalog(), text.low):
        low = text.low[mention.start : mention.end].strip()
        plain = re.fullmatch(r"(?:the |a )?[a-z\-]+(?: models?)?", low) and _family_of(low)
        if low in ignored or (plain and (mention.record is None or not _more_than_family(low))):
            continue
        if mention.record is not None:
            ids: tuple[str, ...] = (mention.record.id,)
        elif any(c.isdigit() for c in low) or _family_of(low):
            ids = mention.choices if len(mention.choices) <= _MANY else ()
        else:
            continue
        unknown = mention.text if not ids and any(c.isdigit() for c in low) and not mention.choices else ""
        named.append(NamedModel(mention.start, mention.end, ids, _family_of(low), unknown))
    return [m for m in named if m.ids or m.unknown]


def _only_compared(text: Text, model: NamedModel, before: str) -> bool:
    """Named for what is in use now, as a yardstick, or for its license."""
    data = load("families")
    closed = model.family in data["closed"]["families"] and (
        re.search(data["closed"]["pattern"], before)
        or re.match(data["closed"]["behind"], text.low[model.end :])
    )
    licensed = re.match(r"(?:'s)? licen[sc]", text.low[model.end : model.end + 10])
    return bool(closed or licensed or re.search(data["using_now"], before))


def _more_than_family(words: str) -> bool:
    """Whether a hyphenated name says more than a family: `nomic-embed-text`, not `starcoder`."""
    return "-" in words and not any(pattern.fullmatch(words) for _, pattern in _families())


def _family_of(words: str) -> str:
    return next((family for family, pattern in _families() if pattern.match(words)), "")


def _sorted_out(
    text: Text, named: Sequence[NamedModel]
) -> tuple[list[str], list[str], list[str], list[tuple[int, int]]]:
    """Models and families that are wanted, names that are ruled out, and where each is said."""
    ids: list[str] = []
    families: list[str] = []
    excluded: list[str] = []
    places: list[tuple[int, int]] = []
    for model in named:
        ahead = text.low[max(0, model.start - 40) : model.start]
        if negated(text, model.start, model.end):
            excluded += [model.family] if model.family and not model.ids else list(model.ids)
        elif _only_compared(text, model, ahead) or is_allowed(text, model.start, model.end):
            continue
        elif model.ids:
            ids += model.ids
        elif model.family:
            families.append(model.family)
        else:
            continue
        places.append((model.start, model.end))
    return ids, families, excluded, places


def model_wish(
    text: Text,
    named: Sequence[NamedModel],
    sizes: Sequence[Quantity],
    asked: str = "",
    before: ModelWish | None = None,
) -> Wish | None:
    """The model slot that a statement fills; None where models are only spoken about.

    Args:
        text: The message.
        named: Models named in its statements.
        sizes: Parameter counts in its statements, in billions.
        asked: The slot of the pending question.
        before: What stands of the models, which the message may take back.
    """
    freed = released(text, before) if asked != "languages" else Released()
    ids, families, excluded, places = _sorted_out(text, named)
    makers = maker_wish(text, asked)
    places += [*makers.spans, *freed.spans]
    low, high = _bounds(text, sizes, places)
    dated = newer_than(text)
    if dated is not None:
        places.append(dated[1])
    if not places:
        return None
    start, end = min(p[0] for p in places), max(p[1] for p in places)
    wish = ModelWish(
        named=tuple(dict.fromkeys(ids)),
        excluded=tuple(w for w in dict.fromkeys((*excluded, *makers.excluded)) if w not in freed.names),
        families=tuple(dict.fromkeys((*families, *makers.families))),
        excluded_places=tuple(p for p in makers.excluded_places if p not in freed.places),
        places=tuple(makers.places),
        open_data=makers.flags.get("open_data", False),
        no_thinking=makers.flags.get("no_thinking", False),
        min_params_b=low,
        max_params_b=high,
        newer_than=dated[0] if dated else None,
    )
    return Wish(wish, start, end, strength(text, start, end), tuple(places), freed)


def _bounds(
    text: Text, sizes: Sequence[Quantity], places: list[tuple[int, int]]
) -> tuple[float | None, float | None]:
    margins = load("families")["sizes"]
    low: float | None = None
    high: float | None = None
    for size in sizes:
        if size.value <= 0 or negated(text, size.start, size.end):
            continue
        places.append((size.start, size.end))
        around = text.low[max(0, size.start - 24) : size.end + 12]
        after = text.low[size.end : size.end + 20]
        comparator = size.comparator
        if re.match(margins["at_most_behind"], after):
            comparator = "le"
        elif re.match(margins["at_least_behind"], after):
            comparator = "ge"
        margin = margins["about"] if size.comparator == "about" or "class" in around else margins["exact"]
        if size.low != size.value:
            margin = 0.0
        if comparator == "ge":
            low = size.value
        elif comparator == "le":
            high = size.value
        else:
            low = min(low or size.low, round(size.low * (1 - margin), 2))
            high = max(high or 0.0, round(size.value * (1 + margin), 2))
    return low, high


def joined_wish(before: ModelWish | None, now: ModelWish) -> ModelWish:
    """A new wish over an earlier one: what was ruled out stays ruled out, what is wanted anew replaces."""
    if before is None:
        return now
    wanted = {*now.named, *now.families}
    kept = [word for word in before.excluded if not is_called([word], *wanted)]
    sized = now.min_params_b is not None or now.max_params_b is not None
    chosen = now if now.named or now.families else before
    return ModelWish(
        named=chosen.named if not now.excluded else _left(chosen.named, now.excluded),
        families=chosen.families if not now.excluded else _left(chosen.families, now.excluded),
        excluded=tuple(dict.fromkeys((*kept, *now.excluded))),
        min_params_b=now.min_params_b if sized else before.min_params_b,
        max_params_b=now.max_params_b if sized else before.max_params_b,
        excluded_places=tuple(dict.fromkeys((*before.excluded_places, *now.excluded_places))),
        places=now.places or before.places,
        newer_than=now.newer_than or before.newer_than,
        open_data=now.open_data or before.open_data,
        no_thinking=now.no_thinking or before.no_thinking,
    )


def _left(names: Sequence[str], excluded: Sequence[str]) -> tuple[str, ...]:
    return tuple(name for name in names if not is_called(excluded, name))
