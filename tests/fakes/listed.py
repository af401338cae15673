"""Models that a fake Ollama has beside the one that answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Listed:
    """A model that a fake Ollama has beside the one that answers."""

    name: str
    size: int
    capabilities: tuple[str, ...] | None = ("completion", "tools")
    context: int = 32768
    remote: bool = False
    family: str = "llama"
    layers: int = 32
    """With 8 heads of 128 for keys and values: 4 KiB a layer and token."""
    digest: str = ""


def tag_of(one: Listed) -> Document:
    """Its row in `/api/tags`."""
    name = one.name if ":" in one.name else f"{one.name}:latest"
    row: Document = {"name": name, "model": name, "size": one.size, "details": {"family": one.family}}
    row |= {"digest": one.digest} if one.digest else {}
    return row | ({"remote_host": "https://ollama.com:443"} if one.remote else {})


def shown_of(one: Listed) -> Document:
    """What `/api/show` says of it."""
    shape = {
        "context_length": one.context,
        "block_count": one.layers,
        "embedding_length": 4096,
        "attention.head_count": 32,
        "attention.head_count_kv": 8,
    }
    info: Document = {"general.architecture": one.family}
    info |= {f"{one.family}.{key}": value for key, value in shape.items()}
    told: Document = {"model_info": info, "details": {"family": one.family}}
    if one.capabilities is not None:
        told["capabilities"] = list(one.capabilities)
    return told | ({"remote_host": "https://ollama.com:443"} if one.remote else {})
