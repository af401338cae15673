"""Finding an accelerator by the name that a person, a driver or a shop gives it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from weakref import WeakKeyDictionary

from knowledge.catalog.records import Accelerator
from knowledge.catalog.store import Catalog
from knowledge.catalog.tokens import quoted, word_set
from knowledge.errors import AmbiguousNameError, UnknownNameError

_MAKERS = word_set(
    "nvidia amd intel apple geforce radeon instinct tesla quadro graphics gpu card corporation inc ryzen "
    "processor generation data center chip tm r edition oem vram memory unified with ram"
)
_SERIES = word_set("rtx gtx rx arc titan gt")
_OPTIONAL = word_set("pro blackwell ada jetson agx super nano")
"""Words that a short name may leave out where nothing else has that name."""
_FORM = word_set("pcie sxm sxm2 sxm4 sxm5 nvl nvlink oam hbm2 hbm2e hbm3 hbm3e per server workstation")
_SAME_WORD = {"laptop": "mobile", "notebook": "mobile", "maxq": "mobile", "max-q": "mobile"}
_MEMORY = re.compile(r"(?<![\d.])(\d{1,3})\s*(?:gib|gb|go|g)(?![a-z])")
_WORD = re.compile(r"[a-z]+|\d+|\+")


@dataclass(frozen=True, slots=True)
class _Key:
    words: frozenset[str]
    series: frozenset[str]
    form: frozenset[str]
    memory: int | None


def _key(text: str) -> _Key:
    lowered = text.lower().replace("max-q", "maxq")
    sizes = [int(size) for size in _MEMORY.findall(lowered)]
    words = [_SAME_WORD.get(word, word) for word in _WORD.findall(_MEMORY.sub(" ", lowered))]
    joined = _join(words)
    kept = [word for word in joined if word not in _MAKERS]
    return _Key(
        frozenset(word for word in kept if word not in _SERIES and word not in _FORM),
        frozenset(word for word in kept if word in _SERIES),
        frozenset(word for word in kept if word in _FORM),
        sizes[-1] if sizes else None,
    )


def _join(words: list[str]) -> list[str]:
    """Letters and the number that belongs to them are one word again (`a` `100`, `sxm` `4`, `hbm` `3`)."""
    joined: list[str] = []
    for word in words:
        last = joined[-1] if joined else ""
        short = last.isalpha() and len(last) <= 2 and last not in _SERIES and last not in ("ti", "xt")
        if word.isdigit() and (short or last in ("sxm", "hbm")):
            joined[-1] += word
        elif word != "+":
            joined.append(word)
    return joined


class AcceleratorIndex:
    """Keys of all accelerators and their aliases."""

    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog

    @cached_property
    def names(self) -> list[tuple[_Key, Accelerator]]:
        """Each name with its record."""
        pairs = [(card.name, card) for card in self.catalog.accelerators]
        pairs += [(alias, card) for card in self.catalog.accelerators for alias in card.aliases]
        return [(_key(name), card) for name, card in pairs]


_INDEXES: WeakKeyDictionary[Catalog, AcceleratorIndex] = WeakKeyDictionary()


def match_accelerators(catalog: Catalog, text: str) -> tuple[Accelerator, ...]:
    """The accelerators that a name means: one, several where it is ambiguous, none where it is unknown.

    Args:
        catalog: where to look.
        text: a name such as `3090`, `GeForce RTX 3090`, `A100 80GB`, `M3 Max 64 GB`; a size chooses among
            variants, and a size that no variant has leaves nothing.
    """
    index = _INDEXES.get(catalog)
    if index is None:
        index = _INDEXES[catalog] = AcceleratorIndex(catalog)
    plain = text.strip().lower()
    exact = [card for card in catalog.accelerators if card.name.lower() == plain]
    if exact:
        return tuple(exact)
    wanted = _key(text)
    if not wanted.words:
        return ()
    named = [(key, card) for key, card in index.names if _series_fit(key, wanted)]
    fits = [(key, card) for key, card in named if key.words == wanted.words]
    if not fits:
        fits = [(key, card) for key, card in named if wanted.words < key.words <= wanted.words | _OPTIONAL]
    if wanted.form:
        fits = [(key, card) for key, card in fits if wanted.form <= key.form | _memory_type(card)] or fits
    elif wanted.series:
        fits = [(key, card) for key, card in fits if key.series == wanted.series] or fits
    cards = {card.name: card for _, card in fits}
    return tuple(card for card in cards.values() if _memory_fits(card, wanted.memory))


def _memory_type(card: Accelerator) -> frozenset[str]:
    return frozenset((card.memory_type or "").lower().split())


def _series_fit(key: _Key, wanted: _Key) -> bool:
    return wanted.series <= key.series or not key.series


def _memory_fits(card: Accelerator, memory: int | None) -> bool:
    if memory is None or card.memory_gb is None:
        return True
    if card.memory_options_gb:
        return memory in card.memory_options_gb
    return abs(card.memory_gb - memory) <= max(1.0, 0.03 * card.memory_gb)


def resolve_accelerator(catalog: Catalog, text: str) -> Accelerator:
    """The one accelerator that a name means.

    Raises:
        UnknownNameError: none has this name; carries the nearest.
        AmbiguousNameError: several have it (sizes of memory, form factors); carries their names.
    """
    found = match_accelerators(catalog, text)
    if not found:
        nearest = nearest_accelerators(catalog, text)
        hint = (
            f"Nearest names: {', '.join(nearest)}." if nearest else "`llm-advisor gpus list` shows every one."
        )
        raise UnknownNameError(
            f"No accelerator in the catalog is called {quoted(text)}.", hint=hint, nearest=nearest
        )
    if len(found) > 1:
        names = [card.name for card in found]
        raise AmbiguousNameError(
            f"{quoted(text)} could be any of {len(names)} accelerators.",
            hint=f"Say which: {', '.join(names)}.",
            choices=names,
        )
    return found[0]


def nearest_accelerators(catalog: Catalog, text: str, limit: int = 5) -> tuple[str, ...]:
    """Names of the accelerators that a text resembles most."""
    from rapidfuzz import fuzz, process

    names = {_plain(card.name): card.name for card in reversed(catalog.accelerators)}
    found = process.extract(_plain(text[:100]), names.keys(), scorer=fuzz.ratio, limit=limit, score_cutoff=60)
    return tuple(names[name] for name, _, _ in found)


def _plain(text: str) -> str:
    return " ".join(word for word in _WORD.findall(text.lower()) if word not in _MAKERS)
