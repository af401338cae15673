"""Messages that are beside the matter: no words, abuse, orders to the model, keyboard noise, pasted code."""

from __future__ import annotations

import re
from functools import cache
from typing import Literal

from agent.understanding.data import load
from agent.understanding.intent import in_domain
from agent.understanding.text import Span, Text

Aside = Literal["empty", "symbols", "insult", "order", "noise", "code", "paste", "script", "media"]
_LATIN_WORD = re.compile(r"[^\W\d_]+")
_MOST_NOISE_WORDS = 12
_CODE_SHARE = 0.5
_MOST_MEDIA_WORDS = 14
_OTHER_WORK = re.compile(
    r"\b(?:code|coding|scripts?|prompts?|stor(?:y|ies)|chat\w*|describ\w+|read\w*|ocr|rag)\b"
)


@cache
def _union(key: str) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{p})" for p in load("asides")[key]), re.MULTILINE)


def aside_of(text: Text) -> Aside | None:
    """What a message is that nothing is to be read from, whatever stands in it; None for all others."""
    if not text.clean.strip():
        return "empty"
    if not any(c.isalnum() for c in text.clean):
        return None if text.clean.strip() == "?" else "symbols"
    if _union("commands_to_the_model").search(text.low):
        return "order"
    if _is_code(text):
        return "code"
    if _makes_media(text):
        return "media"
    return "noise" if _is_noise(text) else None


def beside_the_matter(text: Text) -> Aside | None:
    """What a message is from which nothing could be read: abuse, or a script that nothing here reads."""
    if _union("insults").search(text.low):
        return "insult"
    return None if re.search(r"[a-zà-ÿ\d]", text.low) else "script"


def insults_in(text: Text) -> tuple[Span, ...]:
    """Where a message insults: `stupid bot` asks for no chatbot."""
    return tuple(Span(*match.span()) for match in _union("insults").finditer(text.low))


def _makes_media(text: Text) -> bool:
    """Whether it asks for pictures, films or music to be made and for nothing else."""
    short = len(text.low.split()) <= _MOST_MEDIA_WORDS
    return bool(short and _union("making_media").search(text.low) and not _OTHER_WORK.search(text.low))


def _is_code(text: Text) -> bool:
    lines = [line for line in text.low.splitlines() if line.strip()]
    hits = sum(1 for line in lines if _union("code").search(line))
    return hits > 0 and hits >= _CODE_SHARE * len(lines)


def _is_noise(text: Text) -> bool:
    """Keyboard noise: few words, no digits, and most of them no language's."""
    words = [word for word in _LATIN_WORD.findall(text.low) if word.isascii()]
    long = [word for word in words if len(word) >= 5]
    if not long or len(words) > _MOST_NOISE_WORDS or any(c.isdigit() for c in text.low):
        return False
    if in_domain(text.low):
        return False
    data = load("asides")
    odd = re.compile(data["odd_letters"])
    strange = [w for w in long if odd.search(w) or not re.search(data["vowels"], w)]
    return 2 * len(strange) > len(words)
