"""Finding the model that a person means.

Order of the rules, the first that answers wins:
1. the Hub id, an Ollama tag or a known alias;
2. the same words as a model's name, where a name without `base` means the instruction-tuned model if any;
3. a name that leaves out only versions, dates or the size, where one model (or one newest version) is left;
4. the same again with misspelled words corrected, which the resolution says.
A number in a name is never changed, and a name that fits no model is an error with the nearest names.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal
from weakref import WeakKeyDictionary

from knowledge.catalog.records import Kind, ModelRecord
from knowledge.catalog.store import Catalog
from knowledge.catalog.tokens import (
    BASE,
    TUNED,
    core,
    is_number,
    is_size,
    quoted,
    strip_address,
    strip_quant,
    tokens,
    word_set,
)
from knowledge.errors import AmbiguousNameError, UnknownNameError

How = Literal["id", "alias", "name", "version", "typo"]
Words = tuple[str, ...]
NEAREST = 5
CHOICES = 8
_MAKERS = frozenset({"meta", "c4ai", "nvidia", "mistralai"})
_WEAK_KINDS = frozenset({"base"})
_SIZED_BY_WORD = frozenset({"embedding", "reranker", "encoder"})
"""Kinds whose names say `base` and `large` for a size."""
OTHER_MODELS = word_set(
    "llava gpt claude gemini grok dalle whisper sora kokoro flux bard alpaca koala dolly sonnet opus haiku "
    "nova muse cogito bakllava moondream marco megatron palm turbo davinci wan veo imagen sdxl"
)
"""Words that name models outside the catalog: never read as a misspelling of one inside."""


@dataclass(frozen=True, slots=True)
class Resolution:
    """A model, how it was found, and what a person should know of that (empty for an exact name)."""

    record: ModelRecord
    how: How
    note: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """A model as the resolver sees it."""

    record: ModelRecord
    words: Words
    core: Words
    base: bool
    """True where another model of the same words is the tuned one."""


def _words_of(record: ModelRecord) -> Words:
    return tokens(strip_quant(record.name))


class NameIndex:
    """The names of a catalog, by their words."""

    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog
        self.aliases: dict[Words, list[ModelRecord]] = {}
        self.by_core: dict[Words, list[Entry]] = {}
        self.by_letters: dict[str, list[Entry]] = {}
        self.entries: list[Entry] = []
        bundled = [record for record in catalog.models if record.added is None]
        self.added = [record for record in catalog.models if record.added is not None]
        tuned = {core(words) for words in map(_words_of, bundled) if TUNED & set(words)}
        for record in bundled:
            words = _words_of(record)
            roles = record.kind not in _SIZED_BY_WORD
            base = record.kind == "base" or (roles and bool(BASE & set(words)))
            if record.kind == "code" and words in tuned:
                base = True
            entry = Entry(record, words, core(words) if roles else words, base)
            self.entries.append(entry)
            self.by_core.setdefault(entry.core, []).append(entry)
            self.by_letters.setdefault("".join(entry.core), []).append(entry)
            for alias in (*record.aliases, *((record.ollama_tag,) if record.ollama_tag else ())):
                if "/" not in alias:
                    self.aliases.setdefault(tokens(alias), []).append(record)

    @cached_property
    def own(self) -> dict[Words, ModelRecord]:
        """Added models by the words of their names and tags, where no model of the catalog has these words.

        They are found by exact words only, so that they never change what a name of the catalog means;
        `local/NAME` always leads to them.
        """
        found: dict[Words, ModelRecord] = {}
        for record in self.added:
            for name in (record.name, record.ollama_tag or ""):
                words = tokens(name)
                plain = tokens(strip_quant(name))
                if words and not (plain in self.aliases or (plain and self.same(plain))):
                    found.setdefault(words, record)
        return found

    @cached_property
    def first_words(self) -> frozenset[str]:
        """The words with which a name may begin in a sentence."""
        words = {key[0] for key in (*self.by_core, *self.aliases, *self.own) if key}
        return frozenset(word for word in words if not is_number(word)) | _MAKERS

    @cached_property
    def vocabulary(self) -> frozenset[str]:
        """All words of all names that are not numbers."""
        words = {word for entry in self.entries for word in entry.words}
        words.update(word for alias in self.aliases for word in alias)
        return frozenset(word for word in words if not is_number(word))

    @cached_property
    def prefixes(self) -> frozenset[Words]:
        """Beginnings of names that several models share."""
        keys = [entry.core for entry in self.entries if not is_number(entry.core[0])]
        return frozenset(key[:length] for key in keys for length in range(1, min(len(key), 5)))

    @cached_property
    def plain_names(self) -> dict[str, str]:
        """Display names by their words in one string."""
        names = {" ".join(entry.words): entry.record.name for entry in reversed(self.entries)}
        return {" ".join(tokens(record.name)): record.id for record in self.added} | names

    def same(self, words: Words) -> list[Entry]:
        """Models whose names have these words, whatever the separators and roles."""
        if words in self.by_core:
            return self.by_core[words]
        short = core(words)
        return self.by_core.get(short) or self.by_letters.get("".join(short), [])

    @cached_property
    def by_word(self) -> dict[str, list[Entry]]:
        """Models by each word of their name."""
        found: dict[str, list[Entry]] = {}
        for entry in self.entries:
            for word in set(entry.core):
                found.setdefault(word, []).append(entry)
        return found


_INDEXES: WeakKeyDictionary[Catalog, NameIndex] = WeakKeyDictionary()


def name_index(catalog: Catalog) -> NameIndex:
    """The index of a catalog, built once."""
    index = _INDEXES.get(catalog)
    if index is None:
        index = _INDEXES[catalog] = NameIndex(catalog)
    return index


def resolve_model(catalog: Catalog, text: str, *, kinds: Collection[Kind] | None = None) -> ModelRecord:
    """The model that a name means.

    Args:
        catalog: where to look.
        text: a Hub id, an Ollama tag, the name of a quantized upload, or a name as people write it.
        kinds: only models of these kinds, where given.

    Raises:
        UnknownNameError: no model has this name; carries the nearest.
        AmbiguousNameError: several could be meant; carries their ids.
    """
    return resolve_model_verbose(catalog, text, kinds=kinds).record


def resolve_model_verbose(
    catalog: Catalog, text: str, *, kinds: Collection[Kind] | None = None
) -> Resolution:
    """As `resolve_model`, with how the name was understood."""
    name = strip_address(text)
    exact = catalog.model(name) or catalog.model(strip_quant(name))
    index = name_index(catalog)
    if exact is not None:
        if kinds is None or exact.kind in kinds:
            return Resolution(exact, "id")
        raise _unknown(index, text, ())
    own = index.own.get(tokens(name)) if index.own else None
    if own is not None and (kinds is None or own.kind in kinds):
        return Resolution(own, "name")
    words = tokens(strip_quant(name.split("/")[-1]))
    if len(text) > 200 or all(is_number(word) or word == "+" for word in words):
        raise _unknown(index, text, ())
    found = _by_words(index, words, text, kinds)
    if found is not None:
        return found
    corrected = _corrected(index, words)
    if corrected is not None and corrected != words:
        found = _by_words(index, corrected, text, kinds)
        if found is not None:
            return Resolution(found.record, "typo", f"read {quoted(text)} as {found.record.name}")
    raise _unknown(index, text, words)


def _by_words(index: NameIndex, words: Words, text: str, kinds: Collection[Kind] | None) -> Resolution | None:
    wanted_base = bool(BASE & set(words))
    aliased = _allowed(index.aliases.get(words, ()), kinds)
    if len(aliased) == 1:
        return Resolution(aliased[0], "alias", _role_note(index, aliased[0], words))
    same = [entry for entry in index.same(words) if kinds is None or entry.record.kind in kinds]
    if not same:
        aliased = _allowed(index.aliases.get(core(words), ()), kinds)
        if len(aliased) == 1 and not wanted_base:
            return Resolution(aliased[0], "alias")
    chosen = _by_role(same, words)
    if len(chosen) == 1:
        record = chosen[0].record
        return Resolution(record, "name", _role_note(index, record, words))
    if chosen:
        raise _ambiguous(text, [entry.record for entry in chosen])
    if wanted_base and not _longer(index, core(words), kinds):
        return None
    return _shortened(index, words, text, kinds)


def _allowed(records: Sequence[ModelRecord], kinds: Collection[Kind] | None) -> list[ModelRecord]:
    found = {record.id: record for record in records if kinds is None or record.kind in kinds}
    return list(found.values())


def _by_role(entries: Sequence[Entry], words: Words) -> list[Entry]:
    """Entries of one name: the tuned one unless the words say `base`."""
    if BASE & set(words):
        bases = [entry for entry in entries if entry.base]
        return bases or [entry for entry in entries if not TUNED & set(entry.words)]
    exact = [entry for entry in entries if entry.words == words and not entry.base]
    if len(exact) == 1:
        return exact
    tuned = [entry for entry in entries if not entry.base]
    said = [entry for entry in tuned if TUNED & set(entry.words)]
    return said or tuned or list(entries)


def _role_note(index: NameIndex, record: ModelRecord, words: Words) -> str:
    if BASE & set(words) or TUNED & set(words):
        return ""
    siblings = index.by_core.get(core(_words_of(record)), ())
    bases = [entry.record.id for entry in siblings if entry.base and entry.record is not record]
    return f"the instruction-tuned model; the base model is {bases[0]}" if bases else ""


def _longer(index: NameIndex, words: Words, kinds: Collection[Kind] | None) -> list[Entry]:
    """Models whose names hold all the words, in order, and more."""
    if not words:
        return []
    rarest = min((index.by_word.get(word, []) for word in words), key=len)
    fits = [entry for entry in rarest if kinds is None or entry.record.kind in kinds]
    return [entry for entry in fits if _in_order(words, entry.core)]


def _in_order(words: Words, name: Words) -> bool:
    rest = iter(name)
    return all(word in rest for word in words)


def _shortened(
    index: NameIndex, words: Words, text: str, kinds: Collection[Kind] | None
) -> Resolution | None:
    """Names that leave something out: only versions, or the size as well."""
    short = core(words)
    longer = _longer(index, short, kinds)
    if not longer:
        return None
    starts = [entry for entry in longer if entry.core[: len(short)] == short] or longer
    sized = any(is_size(word) for word in short)
    near = [entry for entry in starts if _only_versions(_left_out(short, entry.core), sizes=not sized)]
    pool = starts if len(short) == 1 else near or starts
    tuned = [entry for entry in pool if not entry.base]
    pool = _by_role(pool, words) if BASE & set(words) else tuned or pool
    if TUNED & set(words):
        pool = [entry for entry in pool if TUNED & set(entry.words)] or pool
    if len({entry.core for entry in pool}) == 1 and len(pool) > 1:
        pool = _by_role(pool, words)
    if len(pool) == 1:
        return Resolution(pool[0].record, "version", f"read {quoted(text)} as {pool[0].record.name}")
    if near and sized:
        newest = max(pool, key=lambda entry: entry.record.release_date or "")
        if newest.record.release_date is not None:
            others = ", ".join(entry.record.name for entry in pool if entry is not newest)
            note = f"read {quoted(text)} as the newest version, {newest.record.name} (also: {others})"
            return Resolution(newest.record, "version", note)
    raise _ambiguous(text, [entry.record for entry in pool])


def _left_out(short: Words, name: Words) -> list[str]:
    rest = list(name)
    for word in short:
        rest.remove(word)
    return rest


def _only_versions(words: Sequence[str], *, sizes: bool) -> bool:
    """Whether the words are dates (`2507`), `v0.3` and the like; with `sizes` also sizes and generations.

    A name that gives a size but no generation (`qwen 7b`) leaves out more than a version.
    """
    rest = " ".join(word for word in words if not (sizes and is_size(word)))
    generation = r"|\d(?:\.\d)?" if sizes else ""
    return (
        re.fullmatch(rf"(?:(?:v \d(?:\.\d+)?|\d{{2,4}}|preview|exp{generation})(?: |$))*", rest) is not None
    )


def _corrected(index: NameIndex, words: Words) -> Words | None:
    """The words with misspelled ones replaced; None where one is not close to any known word."""
    from rapidfuzz import process
    from rapidfuzz.distance import DamerauLevenshtein

    found = []
    for word in words:
        if is_number(word) or word in index.vocabulary or word in TUNED or word in BASE:
            found.append(word)
            continue
        if word in OTHER_MODELS:
            return None
        allowed = 0 if len(word) < 4 else 1 if len(word) < 8 else 2
        best = process.extract(
            word, index.vocabulary, scorer=DamerauLevenshtein.distance, score_cutoff=allowed, limit=2
        )
        best = [item for item in best if item[1] <= allowed and len(item[0]) > 2]
        if not best or (len(best) > 1 and best[0][1] == best[1][1]):
            return None
        found.append(best[0][0])
    return tuple(found)


def nearest_names(catalog: Catalog, text: str, limit: int = NEAREST) -> tuple[str, ...]:
    """Names of the models that a text resembles most; empty where none comes near."""
    from rapidfuzz import fuzz, process

    names = name_index(catalog).plain_names
    wanted = " ".join(tokens(strip_quant(strip_address(text))[:100]))
    found = process.extract(wanted, names.keys(), scorer=fuzz.token_sort_ratio, limit=limit, score_cutoff=50)
    return tuple(names[plain] for plain, _, _ in found)


def _unknown(index: NameIndex, text: str, words: Words) -> UnknownNameError:
    nearest = nearest_names(index.catalog, text) if words else ()
    hint = (
        f"Nearest names: {', '.join(nearest)}." if nearest else "`llm-advisor models list` shows every model."
    )
    return UnknownNameError(f"No model in the catalog is called {quoted(text)}.", hint=hint, nearest=nearest)


def _ambiguous(text: str, records: Sequence[ModelRecord]) -> AmbiguousNameError:
    ordered = sorted(records, key=lambda record: (record.kind in _WEAK_KINDS, -(record.downloads or 0)))
    ids = [record.id for record in ordered]
    names = ", ".join(record.name for record in ordered[:CHOICES])
    more = f" and {len(ids) - CHOICES} more" if len(ids) > CHOICES else ""
    return AmbiguousNameError(
        f"{quoted(text)} could be any of {len(ids)} models.", hint=f"Say which: {names}{more}.", choices=ids
    )
