"""Whether two models are related, by their names: a judge that is favors its kin."""

from __future__ import annotations

import re

_MAKERS = {
    "Alibaba": "qwen qwq qvq",
    "Amazon": "nova titan",
    "Anthropic": "claude",
    "Cohere": "command aya",
    "DeepSeek": "deepseek",
    "Google": "gemini gemma palm",
    "IBM": "granite",
    "Meta": "llama codellama",
    "Microsoft": "phi",
    "Mistral": "mistral mixtral ministral codestral devstral magistral pixtral",
    "Moonshot": "kimi moonshot",
    "NVIDIA": "nemotron",
    "OpenAI": "gpt chatgpt davinci",
    "xAI": "grok",
    "Zhipu": "glm chatglm",
}
_BY_WORD = {word: maker for maker, words in _MAKERS.items() for word in words.split()}
_O_SERIES = re.compile(r"o[1-9]")


def makers_of(model: str) -> frozenset[str]:
    """The makers whose families a name holds (two of a distilled model); else its first word."""
    name = model.rpartition("/")[2].lower()
    parts = re.findall(r"[a-z]+|[0-9.]+", name)
    found = {_BY_WORD[part] for part in parts if part in _BY_WORD}
    if _O_SERIES.match(name):
        found.add("OpenAI")
    return frozenset(found or parts[:1])


def related(one: str, other: str) -> str | None:
    """How two models are related, in a few words; None where they are not known to be."""
    if one == other:
        return "is the model under test"
    shared = sorted(makers_of(one) & makers_of(other))
    return f"is of the same family ({', '.join(shared)})" if shared else None
