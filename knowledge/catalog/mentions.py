"""Model names inside a sentence."""

from __future__ import annotations

import re
from dataclasses import dataclass

from knowledge.catalog.names import OTHER_MODELS, NameIndex, name_index, resolve_model_verbose
from knowledge.catalog.records import ModelRecord
from knowledge.catalog.store import Catalog
from knowledge.catalog.tokens import Token, core, is_number, is_size, spans, strip_quant, tokens, word_set
from knowledge.errors import AmbiguousNameError, UnknownNameError

LONGEST = 12
MISSPELLED_FROM = 4
"""Letters that a word needs before it is read as a misspelled family."""
_GAP = re.compile(r"[\s\-_:/()]{0,2}|\.")
_COMMON_WORDS = word_set(
    "all multi static sentence solar opt command step paraphrase penguin harrier inkling laguna stella "
    "apertus small large mini medium nano text code coder chat base instruct it new open deep think vision "
    "embedding embed reranker rerank rank tiny flash pro next air edge lite english multilingual model "
    "models orca falcon mimo ms en zh moe ai best a e m v r x s l t i to on in of and or with for the"
)
"""Words of names that are also ordinary words: one of them alone is no mention."""
_PROGRAM = re.compile(r"\.(?:cpp|c|py|rs)\b|[-_]?index\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Mention:
    """A model name in a text: `text[start:end]`.

    `record` is the model where the name means one; `choices` are the ids where it could mean several. Both
    are empty where the words name a size or version that the catalog does not hold.
    """

    text: str
    start: int
    end: int
    record: ModelRecord | None = None
    choices: tuple[str, ...] = ()
    note: str = ""


def find_model_names(catalog: Catalog, text: str) -> list[Mention]:
    """The models that a sentence names, in order.

    Args:
        catalog: where to look.
        text: what a person wrote; only its first 4000 characters are read.
    """
    index = name_index(catalog)
    found: list[Mention] = []
    parts = spans(text[:4000])
    place = 0
    while place < len(parts):
        mention, used = None, 1
        if parts[place].text in index.first_words and not _inside_word(text, parts[place]):
            mention, used = _longest(catalog, index, text, parts, place)
        elif len(parts[place].text) >= MISSPELLED_FROM and not is_number(parts[place].text):
            mention, used = _misspelled(catalog, text, parts, place)
        if mention is not None:
            found.append(mention)
        place += used
    return found


def _misspelled(catalog: Catalog, text: str, parts: list[Token], first: int) -> tuple[Mention | None, int]:
    """A misspelled family with its version or size behind it (`Quen3 8B`)."""
    last = first
    while last + 1 < len(parts) and is_number(parts[last + 1].text):
        if not _GAP.fullmatch(text[parts[last].end : parts[last + 1].start]):
            break
        last += 1
    if last == first or not is_size(parts[last].text):
        return None, 1
    name = text[parts[first].start : parts[last].end]
    try:
        found = resolve_model_verbose(catalog, name)
    except (AmbiguousNameError, UnknownNameError):
        return None, 1
    mention = Mention(name, parts[first].start, parts[last].end, found.record, note=found.note)
    return mention, last - first + 1


def _inside_word(text: str, token: Token) -> bool:
    """Whether a letter stands right before the token (`ollama` holds no `llama`)."""
    return token.start > 0 and text[token.start - 1].isalpha()


def _longest(
    catalog: Catalog, index: NameIndex, text: str, parts: list[Token], first: int
) -> tuple[Mention | None, int]:
    last = first
    while last + 1 < len(parts) and last + 1 - first < LONGEST:
        gap = text[parts[last].end : parts[last + 1].start]
        if not _GAP.fullmatch(gap) or "\n" in gap:
            break
        last += 1
    for end in range(last, first - 1, -1):
        piece = text[parts[first].start : parts[end].end]
        words = tokens(strip_quant(piece))
        if not words or not (_known(index, words) or (index.own and tokens(piece) in index.own)):
            continue
        if _PROGRAM.match(text, parts[end].end):
            return None, end - first + 1
        return _mention(catalog, text, parts, first, end), end - first + 1
    return None, 1


def _known(index: NameIndex, words: tuple[str, ...]) -> bool:
    """Whether the words are a model's name, or the beginning of one that is not an ordinary word."""
    if len(words) == 1 and words[0] in _COMMON_WORDS:
        return False
    return words in index.aliases or bool(index.same(words)) or core(words) in index.prefixes


def _mention(catalog: Catalog, text: str, parts: list[Token], first: int, end: int) -> Mention | None:
    start, stop = parts[first].start, parts[end].end
    name = text[start:stop]
    choices: tuple[str, ...] = ()
    try:
        found = resolve_model_verbose(catalog, name)
    except AmbiguousNameError as error:
        choices = error.choices
    except UnknownNameError:
        return None
    further = _further(text, parts, first, end)
    if further > end and (choices or not any(is_size(part.text) for part in parts[first : end + 1])):
        stop = parts[further].end
        return None if parts[first].text in OTHER_MODELS else Mention(text[start:stop], start, stop)
    if choices:
        return Mention(name, start, stop, choices=choices)
    return Mention(name, start, stop, found.record, note=found.note)


def _further(text: str, parts: list[Token], first: int, end: int) -> int:
    """The last token of a version or size right behind the name, which the catalog does not know with it."""
    last = end
    while last + 1 < len(parts) and last - end < 2:
        gap, word = text[parts[last].end : parts[last + 1].start], parts[last + 1].text
        wanted = is_size(word) or (last == end and end == first and is_number(word))
        if not (wanted and _GAP.fullmatch(gap)):
            break
        last += 1
    return last
