"""What the metadata of a GGUF file says, with every number held against what may be.

Files that are no language model of their own (projectors, adapters, importance matrices, vocabularies) are
recognized and refused with the next step.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from knowledge.errors import UsageError
from tools.introspect.gguf_header import broken

MAX_LAYERS = 1024
MAX_TEXT = 300
_ARCH = re.compile(r"[a-z0-9][a-z0-9_.-]{0,39}")
_SIZE = (1, 1 << 24)
_COUNT = (0, 1 << 20)
_TOKENS = (0, 1 << 31)
# Keys that shapes are made of, with the range of their values; other keys are not looked at.
RANGES: dict[str, tuple[int, int]] = {
    "block_count": (1, MAX_LAYERS),
    "embedding_length": _SIZE,
    "context_length": (1, 1 << 31),
    "feed_forward_length": (0, 1 << 24),
    "vocab_size": (1, 1 << 28),
    "nextn_predict_layers": (0, 64),
    "attention.head_count": (0, 1 << 16),
    "attention.head_count_kv": (0, 1 << 16),
    "attention.key_length": (0, 1 << 20),
    "attention.value_length": (0, 1 << 20),
    "attention.key_length_swa": (1, 1 << 20),
    "attention.value_length_swa": (1, 1 << 20),
    "attention.key_length_mla": (1, 1 << 20),
    "attention.value_length_mla": (1, 1 << 20),
    "attention.kv_lora_rank": (0, 1 << 20),
    "attention.q_lora_rank": (0, 1 << 20),
    "attention.sliding_window": _TOKENS,
    "attention.sliding_window_pattern": (0, 1 << 16),
    "attention.shared_kv_layers": (0, MAX_LAYERS),
    "attention.causal": (0, 1),
    "full_attention_interval": (1, MAX_LAYERS),
    "embedding_length_per_layer_input": (0, 1 << 20),
    "altup.num_inputs": (0, 64),
    "expert_count": (0, 1 << 16),
    "expert_used_count": (0, 1 << 16),
    "expert_feed_forward_length": (0, 1 << 24),
    "expert_shared_feed_forward_length": (0, 1 << 24),
    "expert_shared_count": (0, 1 << 10),
    "expert_gating_func": (0, 64),
    "leading_dense_block_count": (0, MAX_LAYERS),
    "interleave_moe_layer_step": (0, MAX_LAYERS),
    "rope.dimension_count": (0, 1 << 20),
    "ssm.conv_kernel": (1, 1 << 10),
    "ssm.inner_size": (0, 1 << 24),
    "ssm.state_size": (0, 1 << 20),
    "ssm.group_count": _COUNT,
    "ssm.time_step_rank": _COUNT,
    "shortconv.l_cache": (1, 1 << 10),
    "pooling_type": (0, 16),
}
BY_LAYER = frozenset(
    {
        "feed_forward_length",
        "attention.head_count",
        "attention.head_count_kv",
        "attention.sliding_window_pattern",
    }
)
"""Keys that may hold one value a layer."""
FLAGS = ("attention.causal", "attention.sliding_window_pattern")


def text_of(metadata: Mapping[str, Any], key: str) -> str | None:
    """A text value on one line, without control characters; None where it is missing or no text."""
    value = metadata.get(key)
    if not isinstance(value, str):
        return None
    line = "".join(char if char.isprintable() else " " for char in value[: 4 * MAX_TEXT])
    return " ".join(line.split())[:MAX_TEXT] or None


def architecture_name(metadata: Mapping[str, Any]) -> str:
    """llama.cpp's architecture name of a language model.

    Raises:
        UsageError: the file is something else, or does not say.
    """
    name, kind = text_of(metadata, "general.architecture"), text_of(metadata, "general.type")
    if kind == "mmproj" or name == "clip":
        raise UsageError(
            "This is a vision projector (mmproj), which stands beside a model.",
            hint="Add the model's own GGUF file; its projector needs no adding.",
            code="not_a_model",
        )
    if kind == "adapter" or "adapter.type" in metadata or name == "controlvector":
        raise UsageError(
            "This is an adapter (LoRA or control vector), which changes another model.",
            hint="Add the model that it was made for, or merge both and add the result.",
            code="not_a_model",
        )
    if kind == "imatrix" or any(key.startswith("imatrix.") for key in metadata):
        raise UsageError(
            "This is an importance matrix, which guides a quantization.",
            hint="Add the quantized model itself.",
            code="not_a_model",
        )
    if name is None or not _ARCH.fullmatch(name):
        raise broken("it names no architecture")
    return name


def shape_facts(metadata: Mapping[str, Any], arch: str) -> dict[str, Any]:
    """The entries that shapes are made of, without the architecture in front.

    Raises:
        UsageError: a value that cannot be, or the layers or the width are not stated.
    """
    found: dict[str, Any] = {}
    for key, (low, high) in RANGES.items():
        value = metadata.get(f"{arch}.{key}")
        if value is None:
            continue
        if isinstance(value, list | tuple):
            if key not in BY_LAYER or not 0 < len(value) <= 4 * MAX_LAYERS:
                raise broken(f"`{arch}.{key}` is a list of {len(value)}")
            found[key] = [_whole(f"{arch}.{key}", item, low, high) for item in value]
        else:
            found[key] = _whole(f"{arch}.{key}", value, low, high)
    if "block_count" not in found or "embedding_length" not in found:
        raise UsageError(
            f"The file states no layers or no width for `{arch}`: it holds no language model.",
            hint="Files of image or audio models are not read.",
            code="not_a_model",
        )
    return found


def _whole(key: str, value: object, low: int, high: int) -> int | bool:
    """A whole number in its range; flags are kept as they are."""
    if isinstance(value, bool) and key.endswith(FLAGS):
        return value
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        shown = f"{value:,}" if isinstance(value, int) else repr(value)[:40]
        raise broken(f"`{key}` is {shown}")
    return value
