"""API models that their maker no longer serves: the price map still lists them under other hosts."""

from __future__ import annotations

import re
from functools import cache

from knowledge.catalog.api_models import read_price_map
from knowledge.catalog.tokens import spans

_FAMILY = re.compile(
    r"(?<![A-Za-z])(?:claude|gemini|gpt|chatgpt|grok|o[134]|deepseek|command|mistral|nova|kimi|glm"
    r"|qwen)(?![a-z])",
    re.IGNORECASE,
)
_DATE = re.compile(
    r"[-@](?:\d{8}|\d{4}-\d{2}-\d{2})(?:-v\d(?::\d)?)?$|-v\d(?::\d)?$|[-@](?:latest|default|preview)$"
)
_NOISE = frozenset({"latest", "v", "anthropic", "openai", "google", "ai", "model", "api", "the"})
LONGEST = 6


def _words(name: str) -> tuple[str, ...]:
    plain = re.sub(r"(?<![\d.])(\d)-(\d)(?![\d.])", r"\1.\2", name.lower())
    return tuple(sorted(token.text for token in spans(plain) if token.text not in _NOISE))


@cache
def _index() -> dict[tuple[str, ...], tuple[str, ...]]:
    found: dict[tuple[str, ...], list[str]] = {}
    for key in read_price_map().rows:
        name = re.sub(
            r"^(?:[a-z]{2,6}\.)?(?:anthropic|amazon|cohere|mistral|meta|ai21|deepseek)[.-](?=[a-z])",
            "",
            key.split("/")[-1],
        )
        name = _DATE.sub("", _DATE.sub("", name))
        if _FAMILY.match(name):
            found.setdefault(_words(name), []).append(key)
    return {words: tuple(keys) for words, keys in found.items() if len(words) > 1}


def find_hosted_names(text: str) -> list[tuple[int, int, tuple[str, ...]]]:
    """Start and end of each name of an API model that any host lists, with its keys in the price map."""
    if not _FAMILY.search(text):
        return []
    index, parts = _index(), spans(text[:4000])
    found, place = [], 0
    while place < len(parts):
        used = 1
        if _FAMILY.match(text, parts[place].start) or parts[place].text in ("o", "claude"):
            for end in range(min(place + LONGEST, len(parts)), place, -1):
                piece = text[parts[place].start : parts[end - 1].end]
                keys = index.get(_words(piece), ()) if not re.search(r"[,;!?\n|(]|\. |: ", piece) else ()
                if keys:
                    found.append((parts[place].start, parts[end - 1].end, keys))
                    used = end - place
                    break
        place += used
    return found
