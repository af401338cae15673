"""What no reader of a document sees, and words in it that are meant for a language model."""

from __future__ import annotations

import re
import unicodedata

_INVISIBLE = re.compile(
    "["
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\U000e0000-\U000e0fff"
    "]"
)
"""Zero-width, direction and tag characters, variation selectors; joiners, which some scripts need, stay."""
_ODD_JOINER = re.compile(r"(?<![^\x00-\x7f])[\u200c\u200d]|[\u200c\u200d](?![^\x00-\x7f])")
"""A joiner beside a Latin letter joins nothing."""
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
_ADDRESSED = re.compile(
    r"""
    \b(?:ignore|disregard|forget|override)\b[^.\n]{0,40}\b
        (?:previous|prior|above|earlier|preceding|all|your|system)\b[^.\n]{0,30}\b
        (?:instructions?|prompts?|rules|guidelines|messages?|directions)\b
    | \byou\ are\ (?:now\ )?
        (?:chatgpt|claude|gemini|gpt|llama|an?\ (?:helpful\ )?(?:ai\b|assistant\b|language\ model))
    | ^\W{0,6}(?:system|assistant|developer)(?:\ (?:prompt|message|note|override))?\s{0,3}:
    | ^\W{0,6}(?:new|updated|important)\ (?:system\ )?instructions?\s{0,3}:
    | \b(?:attention|note|instructions?)\ (?:to|for)\ (?:the\ |any\ |all\ )?
        (?:ai|llms?|assistants?|language\ models?|chatbots?)\b
    | \bif\ you\ are\ an?\ (?:ai|llm|assistant|language\ model|chatbot)\b
    | \b(?:do\ not|don't|never)\ (?:tell|inform|reveal|mention)\b[^.\n]{0,20}\b(?:the\ )?user\b
    | \b(?:reveal|print|repeat|output)\b[^.\n]{0,20}\b(?:your|the)\ system\ prompt\b
    | <\|(?:im_start|system|start_header_id)\|> | \[/?INST\] | <</?SYS>>
    | \b(?:ignoriere|vergiss)\b[^.\n]{0,30}\banweisungen\b
    | \b(?:ignore|ignorez|oubliez?)\b[^.\n]{0,30}\binstructions\ (?:pr\u00e9c\u00e9dentes|ci-dessus)
    | \b(?:ignora|olvida)\b[^.\n]{0,30}\binstrucciones\b
    """,
    re.IGNORECASE | re.MULTILINE | re.VERBOSE,
)


def without_invisible(text: str) -> tuple[str, int]:
    """The text without characters that draw nothing, and how many there were; no line begins or ends anew."""
    if text.isascii():
        shown = _CONTROL.sub("", text)
        return shown, len(text) - len(shown)
    shown = _INVISIBLE.sub("", _CONTROL.sub("", text))
    if "\u200c" in shown or "\u200d" in shown:
        shown = _ODD_JOINER.sub("", shown)
    return shown, len(text) - len(shown)


def addressed_line(text: str) -> int | None:
    """The first line (1-based) that speaks to a language model instead of a reader; None without one."""
    # Letters in disguise (full-width, mathematical) count as what they look like.
    folded = text if text.isascii() else _folded(text)
    found = _ADDRESSED.search(folded)
    return (
        None
        if found is None
        else folded.count("\n", 0, found.end() if found[0][:1] == "\n" else found.start()) + 1
    )


def _folded(text: str) -> str:
    return "\n".join(unicodedata.normalize("NFKC", line).replace("\n", " ") for line in text.split("\n"))


def hidden_notice(count: int) -> str:
    """That hidden text was left out."""
    return f"hidden text left out: {count:,} character{'s' if count != 1 else ''}"


def addressed_notice(line: int) -> str:
    """That a document speaks to a language model."""
    return f"speaks to a language model (line {line:,}); quoted, never obeyed"
