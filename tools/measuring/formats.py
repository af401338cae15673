"""The format of the weights, from what a server says of its model."""

from __future__ import annotations

import re
from collections.abc import Sequence

from knowledge.catalog.store import load_catalog
from tools.engines import native_quant
from tools.introspect.quant_names import label_in

PUBLISHED = frozenset({"vllm", "sglang", "tgi"})
"""Engines that load weights as they are published, unless they are told otherwise."""
_IN_NAMES = (
    (r"awq", "AWQ"),
    (r"gptq[-_.]?int8|w8a8|w8a16|int8", "INT8"),
    (r"gptq|w4a16", "GPTQ"),
    (r"nvfp4", "NVFP4"),
    (r"mxfp4", "MXFP4"),
    (r"fp8", "FP8"),
    (r"bnb[-_.]?4bit|nf4", "BNB-NF4"),
    (r"mlx.*4[-_.]?bit", "MLX-4bit"),
    (r"mlx.*8[-_.]?bit", "MLX-8bit"),
    (r"bf16", "BF16"),
)
"""As repositories are named."""


def format_named(names: Sequence[str]) -> str | None:
    """The format that a file or a repository has in its name; None where none tells."""
    for name in filter(None, names):
        found = label_in(name.removesuffix(".gguf"))
        if found is None:
            found = next((label for words, label in _IN_NAMES if re.search(words, name, re.IGNORECASE)), None)
        if found is not None:
            return found
    return None


def format_as_published(engine: str, model_id: str | None, names: Sequence[str]) -> str | None:
    """The format of the repository that is served under its own name; None where another may be served.

    Args:
        engine: who serves it.
        model_id: the catalog's model that it is.
        names: what the server calls it.
    """
    record = load_catalog().by_id.get((model_id or "").lower())
    if record is None or engine not in PUBLISHED or record.id.lower() not in {name.lower() for name in names}:
        return None
    return native_quant(record) or "BF16"
