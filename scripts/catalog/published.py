"""Shapes and facts that the tables lack: published configurations, and models with the shape of another.

Each fills only fields that are empty, and each reproduces the stated parameter count (a vision model's
with its tower), which `settle` checks again.
"""

from __future__ import annotations

from typing import cast

from knowledge.shapes.rows import Row

SOURCE = "published configuration; reproduces the parameter count"
SHAPE_FIELDS = (
    "n_layers",
    "hidden_size",
    "n_heads",
    "n_kv_heads",
    "head_dim",
    "intermediate_size",
    "vocab_size",
)
# Layers, hidden size, heads, KV heads, head size, feed-forward, vocabulary.
SHAPES: dict[str, tuple[int, int, int, int, int, int, int]] = {
    "bigcode/starcoder": (40, 6144, 48, 1, 128, 24576, 49152),
    "bigcode/starcoderbase-1b": (24, 2048, 16, 1, 128, 8192, 49152),
    "ibm-granite/granite-20b-code-base-8k": (52, 6144, 48, 1, 128, 24576, 49152),
    "ibm-granite/granite-20b-code-instruct-8k": (52, 6144, 48, 1, 128, 24576, 49152),
    "ibm-granite/granite-34b-code-base-8k": (88, 6144, 48, 1, 128, 24576, 49152),
    "ibm-granite/granite-34b-code-instruct-8k": (88, 6144, 48, 1, 128, 24576, 49152),
    "bigscience/bloomz-560m": (24, 1024, 16, 16, 64, 4096, 250880),
    "bigscience/bloomz-3b": (30, 2560, 32, 32, 80, 10240, 250880),
    "bigscience/bloomz-7b1": (30, 4096, 32, 32, 128, 16384, 250880),
    "bigscience/bloom": (70, 14336, 112, 112, 128, 57344, 250880),
    "tiiuae/falcon-mamba-7b": (64, 4096, 0, 0, 0, 0, 65024),
    "tiiuae/falcon-mamba-7b-instruct": (64, 4096, 0, 0, 0, 0, 65024),
    "tiiuae/Falcon3-Mamba-7B-Instruct": (64, 4096, 0, 0, 0, 0, 65024),
    "tiiuae/falcon-11B": (60, 4096, 32, 8, 128, 16384, 65024),
    "LGAI-EXAONE/EXAONE-3.5-2.4B-Instruct": (30, 2560, 32, 8, 80, 7168, 102400),
    "LGAI-EXAONE/EXAONE-Deep-2.4B": (30, 2560, 32, 8, 80, 7168, 102400),
    "LGAI-EXAONE/EXAONE-3.5-32B-Instruct": (64, 5120, 40, 8, 128, 27392, 102400),
    "LGAI-EXAONE/EXAONE-Deep-32B": (64, 5120, 40, 8, 128, 27392, 102400),
    "LiquidAI/LFM2-700M": (16, 1536, 24, 8, 64, 10240, 65536),
}
CONTEXT = {
    "bigcode/starcoder": 8192,
    "bigcode/starcoderbase-1b": 8192,
    "ibm-granite/granite-20b-code-base-8k": 8192,
    "ibm-granite/granite-20b-code-instruct-8k": 8192,
    "ibm-granite/granite-34b-code-base-8k": 8192,
    "ibm-granite/granite-34b-code-instruct-8k": 8192,
}
# Facts of models that the tables hold without them: field, value and where it is published.
FACTS: dict[str, dict[str, tuple[object, str]]] = {
    "01-ai/Yi-34B-200K": {
        "context_length": (200_000, "huggingface.co/01-ai/Yi-34B-200K config.json"),
        "release_date": ("2023-11-05", "news in huggingface.co/01-ai/Yi-6B README, 2023-11"),
        "license": ("apache-2.0", "huggingface.co/01-ai/Yi-34B-200K, as its sibling Yi-6B-200K"),
    },
    "google-bert/bert-base-uncased": {"release_date": ("2018-10", "arXiv:1810.04805")},
    "FacebookAI/roberta-base": {"release_date": ("2019-07", "arXiv:1907.11692")},
}
# A model and the one whose shape its language model has.
SAME_SHAPE = {
    "LiquidAI/LFM2-1.2B": "LiquidAI/LFM2.5-1.2B-Instruct",
    "nvidia/NVIDIA-Nemotron-Nano-12B-v2-Base": "nvidia/NVIDIA-Nemotron-Nano-12B-v2",
    "nvidia/NVIDIA-Nemotron-Nano-12B-v2-VL-BF16": "nvidia/NVIDIA-Nemotron-Nano-12B-v2",
    "nvidia/Llama-3.1-Nemotron-Nano-VL-8B-V1": "meta-llama/Llama-3.1-8B-Instruct",
    "speakleash/Bielik-11B-v3.0-Instruct": "speakleash/Bielik-11B-v2.3-Instruct",
    "OpenGVLab/InternVL3_5-1B": "Qwen/Qwen3-0.6B",
    "OpenGVLab/InternVL3_5-4B": "Qwen/Qwen3-4B",
    "OpenGVLab/InternVL3_5-8B": "Qwen/Qwen3-8B",
    "OpenGVLab/InternVL3_5-14B": "Qwen/Qwen3-14B",
    "OpenGVLab/InternVL3_5-38B": "Qwen/Qwen3-32B",
    "openbmb/MiniCPM-V-2_6": "Qwen/Qwen2-7B-Instruct",
    "HuggingFaceTB/SmolVLM2-2.2B-Instruct": "HuggingFaceTB/SmolVLM-Instruct",
    "google/paligemma2-3b-mix-224": "google/gemma-2-2b",
    "google/translategemma-4b-it": "google/gemma-3-4b-it",
    "google/translategemma-12b-it": "google/gemma-3-12b-it",
    "google/translategemma-27b-it": "google/gemma-3-27b-it",
    "google/medgemma-27b-it": "google/gemma-3-27b-it",
    "CohereLabs/command-a-vision-07-2025": "CohereLabs/c4ai-command-a-03-2025",
}
# Wrong shapes that a sibling lent: cleared before the right one is filled in.
CLEAR = ("OpenGVLab/InternVL3_5-14B", "OpenGVLab/InternVL3_5-38B")
MODEL_TYPES = {
    "nvidia/NVIDIA-Nemotron-Nano-12B-v2-VL-BF16": "nemotron_h_vl",
    "nvidia/Llama-3.1-Nemotron-Nano-VL-8B-V1": "llama_vl",
    "nvidia/NVIDIA-Nemotron-Nano-12B-v2-Base": "nemotron_h",
    "openbmb/MiniCPM-1B-sft-bf16": "minicpm",
    "openbmb/MiniCPM-2B-sft-bf16": "minicpm",
    "openbmb/MiniCPM4-0.5B": "minicpm",
}


SAME_SIZE = 0.005


def fill_active(rows: list[Row]) -> None:
    """Fill unknown active parameters from a model of the same maker, family and size, in place.

    A family has one router for one number of parameters: variants (base, thinking, refreshed, with vision)
    differ in training. Where its siblings disagree, nothing is filled in.
    """
    known = [row for row in rows if row.get("params_active") and row.get("params_total")]
    for row in rows:
        total = row.get("params_total")
        if row.get("params_active") or not isinstance(total, int):
            continue
        kin = [other for other in known if _kin(row, other, total)]
        values = {other["params_active"] for other in kin}
        if len(values) == 1 and values != {kin[0]["params_total"]}:
            source = f"as {kin[0]['hf_id']}, of the same maker, family and size"
            _fill(row, {"params_active": values.pop()}, source)


def _kin(row: Row, other: Row, total: int) -> bool:
    makers = {str(each["hf_id"]).split("/")[0] for each in (row, other)}
    near = abs(cast("int", other["params_total"]) / total - 1) <= SAME_SIZE
    return near and len(makers) == 1 and other.get("family") == row.get("family")


def fill_shapes(rows: list[Row]) -> None:
    """Fill empty shape fields from the tables above, in place."""
    by_id = {str(row["hf_id"]): row for row in rows}
    for hub_id in CLEAR:
        if hub_id in by_id:
            by_id[hub_id].update(dict.fromkeys((*SHAPE_FIELDS, "attention", "inherited_from")))
    for hub_id, model_type in MODEL_TYPES.items():
        if hub_id in by_id:
            by_id[hub_id]["model_type"] = model_type
    for hub_id, shape in SHAPES.items():
        if hub_id in by_id:
            _fill(by_id[hub_id], dict(zip(SHAPE_FIELDS, shape, strict=True)), SOURCE)
    for hub_id, context in CONTEXT.items():
        if hub_id in by_id:
            _fill(by_id[hub_id], {"context_length": context}, SOURCE)
    for hub_id, facts in FACTS.items():
        for name, (value, source) in facts.items():
            if hub_id in by_id:
                _fill(by_id[hub_id], {name: value}, source)
    for hub_id, other in SAME_SHAPE.items():
        if hub_id in by_id and other in by_id:
            fields = {
                name: by_id[other].get(name) for name in (*SHAPE_FIELDS, "attention", "tied_embeddings")
            }
            _fill(by_id[hub_id], fields, f"the language model is that of {other}; the parameters agree")


def _fill(row: Row, fields: dict[str, object], source: str) -> None:
    sources = cast("dict[str, str]", row.setdefault("field_sources", {}))
    for name, value in fields.items():
        empty = row.get(name) is None or (name == "intermediate_size" and value == 0)
        if empty and value is not None:
            row[name], sources[name] = value, source
