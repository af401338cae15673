"""Names as lists of tokens, so that spelling and separators do not matter.

`Llama-3.1-8B-Instruct`, `llama3.1:8b` and `llama 3.1 8b` differ only in a role word: all begin with the
tokens `llama`, `3.1`, `8b`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

TUNED = frozenset({"instruct", "it", "chat", "inst"})
BASE = frozenset({"base", "pt", "pretrained", "foundation"})
_DROPPED = frozenset({"hf", "meta", "nvidia", "gguf", "latest", "model", "mlx", "bf16"})
_QUANT = re.compile(
    r"(?<![a-z0-9])(?:i?q[1-8]_(?:k_xl|k_[sml]|k|[01]|xxs|xs|s|m|nl)|ud|f16|bf16|fp16|fp8|f32|fp32|awq|gptq|nvfp4|mxfp4|exl[23]|"
    r"nf4|bnb|w[48]a(?:8|16)|int[48]|[48]\s?-?bit|[2345678]\.[0-9]+bpw|gguf|mlx|i1|imatrix|qat|q[1-8])(?![a-z0-9])"
)
_TOKEN = re.compile(r"\d+x\d+(?:\.\d+)?[bm]|\d+(?:\.\d+)*[bmkt](?![a-z])|\d+(?:\.\d+)*|[a-z]+|\+")
_PREFIX = re.compile(r"^(?:https?://)?(?:www\.)?(?:hf\.co/|huggingface\.co/|ollama\.com/(?:library/)?)")
_PROVIDER = re.compile(r"^(?:ollama_chat|ollama|openrouter|huggingface|hf|lm_studio|library)/")


def word_set(words: str) -> frozenset[str]:
    """The words of a line, as a set."""
    return frozenset(words.split())


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of a name and where it stands in the text."""

    text: str
    start: int
    end: int


def _unify(text: str) -> str:
    """Lower case of the same length, with the separators inside numbers as a point."""
    lowered = text.lower()
    if len(lowered) != len(text):
        lowered = "".join(char.lower() if len(char.lower()) == 1 else char for char in text)
    return re.sub(r"(?<=\d)_(?=\d)", ".", lowered)


def spans(text: str) -> list[Token]:
    """All tokens of a text, with their places."""
    return [Token(_number(match.group()), *match.span()) for match in _TOKEN.finditer(_unify(text))]


def _number(word: str) -> str:
    """`4.0` and `4` name the same version."""
    return re.sub(r"\.0(?=$|[bmkt]$)", "", word)


def strip_address(text: str) -> str:
    """A name without the address or provider in front of it."""
    name = _PREFIX.sub("", text.strip().strip("\"'`").strip())
    return _PROVIDER.sub("", name)


def strip_quant(text: str) -> str:
    """A name without the words of a quantized upload (`-GGUF`, `:Q4_K_M`, `-AWQ`)."""
    lowered = text.lower()
    if len(lowered) != len(text):
        return text
    pieces, last = [], 0
    for match in _QUANT.finditer(lowered):
        pieces.append(text[last : match.start()])
        last = match.end()
    return re.sub(r"[-:_.\s]+$", "", "".join([*pieces, text[last:]]))


def tokens(text: str) -> tuple[str, ...]:
    """The tokens of a name, without words that name no model."""
    name = text[5:] if text[:5].lower() == "c4ai-" else text
    return tuple(token.text for token in spans(name) if token.text not in _DROPPED)


def core(words: tuple[str, ...]) -> tuple[str, ...]:
    """Tokens without the words for tuned and base models."""
    return tuple(word for word in words if word not in TUNED and word not in BASE)


def quoted(text: str, limit: int = 60) -> str:
    """What a person wrote, in quotes, on one line and shortened, for a message."""
    line = "".join(char if char.isprintable() else " " for char in " ".join(text.split()))
    return f"'{line if len(line) <= limit else line[: limit - 3] + '...'}'"


def is_number(word: str) -> bool:
    """Whether a token is a size, a version or a date: those are never read as another."""
    return word[0].isdigit()


def is_size(word: str) -> bool:
    """Whether a token is a parameter count such as `8b`, `350m` or `8x7b`."""
    return word[0].isdigit() and word[-1] in "bmt"
