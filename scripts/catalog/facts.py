"""Reading the raw tables, and the corrections that were found by hand."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import cast

from knowledge.shapes.rows import Row

# Values of models.json that the study's list of conflicts (hand-found traps) or its reading rules overrule.
# `None` clears a value that was not settled.
_HYBRIDS = (
    "nvidia/Nemotron-H-4B-Base-8K",
    "nvidia/Nemotron-H-4B-Instruct-128K",
    "nvidia/Nemotron-H-8B-Base-8K",
    "nvidia/Nemotron-H-8B-Reasoning-128K",
    "nvidia/NVIDIA-Nemotron-Nano-9B-v2-Base",
    "nvidia/NVIDIA-Nemotron-Nano-12B-v2",
    "nvidia/NVIDIA-Nemotron-3-Nano-30B-A3B-Base-BF16",
)
_HYBRID = "Nemotron-H and Nano v2 are hybrids; the head counts alone suggested plain attention"
CORRECTIONS: dict[str, dict[str, tuple[object, str]]] = {
    "ollama_tag": {
        "CohereLabs/c4ai-command-r-plus-08-2024": (
            "command-r-plus:104b",
            "ollama.com/library/command-r-plus",
        ),
    },
    "model_type": dict.fromkeys(_HYBRIDS, ("nemotron_h", _HYBRID)),
    "context_length": {
        "mistralai/Devstral-Small-2-24B-Instruct-2512": (
            262144,
            "model card (256k); the position table is longer",
        ),
        "mistralai/Mistral-Large-3-675B-Instruct-2512": (
            262144,
            "model card (256k); the position table is longer",
        ),
        "mistralai/Pixtral-12B-2409": (
            131072,
            "documentation (128k); 1024000 is the size of the position table",
        ),
        "google/medgemma-1.5-4b-it": (131072, "Gemma 3 4B; 1048576 is a mirror's edited position limit"),
        "LGAI-EXAONE/EXAONE-4.0.1-32B": (131072, "as EXAONE-4.0-32B; 2097152 is a mirror's position limit"),
    },
    "head_dim": {
        "nvidia/Nemotron-H-4B-Base-8K": (128, "published configuration; 96 is hidden size by heads"),
        "nvidia/Nemotron-H-4B-Instruct-128K": (128, "published configuration; 96 is hidden size by heads"),
    },
    "n_kv_heads": {
        "stepfun-ai/Step-3.5-Flash": (8, "as Step-3.7-Flash, the same shape; llmfit writes the heads"),
        "sarvamai/sarvam-105b": (1, "one latent row of 512 + 64 numbers is cached, not one for each head"),
    },
    "vocab_size": {
        "EleutherAI/pythia-160m": (50304, "llmfit (padded, as stored)"),
        "EleutherAI/pythia-410m": (50304, "llmfit (padded, as stored)"),
        "EleutherAI/pythia-1.4b": (50304, "llmfit (padded, as stored)"),
        "EleutherAI/pythia-2.8b": (50304, "llmfit (padded, as stored)"),
        "EleutherAI/pythia-6.9b": (50432, "llmfit (padded, as stored)"),
        "EleutherAI/pythia-12b": (50688, "llmfit (padded, as stored)"),
        "codellama/CodeLlama-70b-Instruct-hf": (32016, "llmfit (padded, as stored)"),
    },
    "attention": {
        **{name: ({"kind": "hybrid"}, _HYBRID) for name in _HYBRIDS if "30B" not in name},
        "ibm-granite/granite-4.0-tiny-preview": (
            {"kind": "hybrid"},
            "hybrid as granite-4.0-h-tiny; the head counts alone suggested plain attention",
        ),
        "mistralai/Mistral-Large-3-675B-Instruct-2512": (
            {
                "kind": "mla",
                "kv_lora_rank": 512,
                "q_lora_rank": 1536,
                "qk_nope_head_dim": 128,
                "qk_rope_head_dim": 64,
                "v_head_dim": 128,
            },
            "published configuration; reproduces the parameter count, plain attention does not",
        ),
    },
    "moe_experts": {
        "baidu/ERNIE-4.5-21B-A3B-PT": (64, "published configuration; reproduces the parameter count"),
        "baidu/ERNIE-4.5-21B-A3B-Thinking": (64, "published configuration; reproduces the parameter count"),
        "baidu/ERNIE-4.5-300B-A47B-PT": (64, "published configuration; reproduces the parameter count"),
        "tencent/Hunyuan-A13B-Instruct": (64, "published configuration; reproduces the parameter count"),
        "ibm-granite/granite-3.1-3b-a800m-base": (40, "granite-3.1-3b-a800m-instruct, its tuned sibling"),
    },
    "moe_experts_per_token": {
        "baidu/ERNIE-4.5-21B-A3B-PT": (6, "published configuration; reproduces the parameter count"),
        "baidu/ERNIE-4.5-21B-A3B-Thinking": (6, "published configuration; reproduces the parameter count"),
        "baidu/ERNIE-4.5-300B-A47B-PT": (8, "published configuration; reproduces the parameter count"),
        "tencent/Hunyuan-A13B-Instruct": (8, "published configuration; reproduces the parameter count"),
        "ibm-granite/granite-3.1-3b-a800m-base": (8, "granite-3.1-3b-a800m-instruct, its tuned sibling"),
    },
    "moe_intermediate": {
        "baidu/ERNIE-4.5-21B-A3B-PT": (1536, "published configuration; reproduces the parameter count"),
        "baidu/ERNIE-4.5-21B-A3B-Thinking": (1536, "published configuration; reproduces the parameter count"),
        "baidu/ERNIE-4.5-300B-A47B-PT": (3584, "published configuration; reproduces the parameter count"),
        "tencent/Hunyuan-A13B-Instruct": (3072, "published configuration; reproduces the parameter count"),
        "ibm-granite/granite-3.1-3b-a800m-base": (512, "granite-3.1-3b-a800m-instruct, its tuned sibling"),
    },
    "embedding_dim": {
        "Alibaba-NLP/gte-Qwen2-1.5B-instruct": (1536, "hidden size; mteb lists the feed-forward size"),
        "jinaai/jina-embeddings-v2-base-en": (768, "mteb; xinference lists 512"),
        "moka-ai/m3e-large": (None, "768 (mteb) against 1024 (xinference), not settled"),
    },
    "max_seq": {
        "Qwen/Qwen3-Reranker-0.6B": (32768, "model card and mteb; 40960 is the position limit"),
        "Qwen/Qwen3-Reranker-4B": (32768, "model card and mteb; 40960 is the position limit"),
        "Qwen/Qwen3-Reranker-8B": (32768, "model card and mteb; 40960 is the position limit"),
        "Qwen/Qwen3-VL-Embedding-2B": (None, "32768 (mteb) against 8192 (xinference), not settled"),
        "Qwen/Qwen3-VL-Embedding-8B": (None, "32768 (mteb) against 8192 (xinference), not settled"),
    },
    "params_active": {
        "meta-llama/Llama-4-Scout-17B-16E": (17_000_000_000, "model name"),
    },
    "params_total": {
        "BAAI/bge-large-zh": (None, "the count in mteb does not fit the backbone"),
        "BAAI/bge-large-zh-v1.5": (None, "the count in mteb does not fit the backbone"),
        "nvidia/NVIDIA-Nemotron-Nano-12B-v2": (12310001152, "its base model; llmfit counts twice as many"),
        "BAAI/bge-base-zh": (102268160, "llmfit; the count in mteb does not fit the backbone"),
        "BAAI/bge-base-zh-v1.5": (101160960, "llmfit; the count in mteb does not fit the backbone"),
        "BAAI/bge-small-zh": (23400448, "llmfit; the count in mteb does not fit the backbone"),
        "BAAI/bge-small-zh-v1.5": (23954432, "llmfit; the count in mteb does not fit the backbone"),
    },
}
# Rows that are not a model of their own: the same weights under a second name, or another precision.
SAME_MODEL = {
    "meta-llama/CodeLlama-7b-Instruct-hf": "codellama/CodeLlama-7b-Instruct-hf",
    "meta-llama/CodeLlama-7b-hf": "codellama/CodeLlama-7b-hf",
    "meta-llama/CodeLlama-13b-Instruct-hf": "codellama/CodeLlama-13b-Instruct-hf",
    "meta-llama/CodeLlama-34b-Instruct-hf": "codellama/CodeLlama-34b-Instruct-hf",
    "meta-llama/CodeLlama-70b-Instruct-hf": "codellama/CodeLlama-70b-Instruct-hf",
    "zai-org/GLM-5.3-BF16": "zai-org/GLM-5.3",
    "zai-org/GLM-5.3-Flash-BF16": "zai-org/GLM-5.3-Flash",
    "nvidia/Llama-3.3-Nemotron-Super-49B-v1": "nvidia/Llama-3_3-Nemotron-Super-49B-v1",
    "microsoft/Phi-3-medium-14b-instruct": "microsoft/Phi-3-medium-128k-instruct",
    "MiniMaxAI/MiniMax-Text-01-hf": "MiniMaxAI/MiniMax-Text-01",
    "zai-org/glm-4-9b-hf": "zai-org/glm-4-9b",
    "jinaai/jina-embeddings-v3-hf": "jinaai/jina-embeddings-v3",
    "baidu/ERNIE-4.5-0.3B-Paddle": "baidu/ERNIE-4.5-0.3B-PT",
    "baidu/ERNIE-4.5-300B-A47B-Paddle": "baidu/ERNIE-4.5-300B-A47B-PT",
    "baidu/ERNIE-4.5-VL-424B-A47B-Base-Paddle": "baidu/ERNIE-4.5-VL-424B-A47B-Base-PT",
}
# `mistral:7b` of Ollama is the v0.3 release.
DROP_OLLAMA_TAG = frozenset({"mistralai/Mistral-7B-Instruct-v0.2"})


def read_models(folder: Path) -> list[Row]:
    """Rows of models.json with the corrections applied and second names removed."""
    rows = cast("list[Row]", json.loads((folder / "models.json").read_text(encoding="utf-8")))
    by_id = {str(row["hf_id"]): row for row in rows}
    kept = []
    for row in rows:
        correct(row)
        same = by_id.get(SAME_MODEL.get(str(row["hf_id"]), ""))
        if same is None:
            kept.append(row)
        else:
            _merge(same, row)
    return kept


def _merge(row: Row, second: Row) -> None:
    """Fill what `row` lacks from a row of the same model, whose id becomes an alias."""
    sources = cast("dict[str, str]", row.setdefault("field_sources", {}))
    own = cast("list[str]", row.setdefault("aliases", []))
    own.append(str(second["hf_id"]))
    if second.get("ollama_tag") and row.get("ollama_tag"):
        own.append(str(second["ollama_tag"]))
    for field, value in second.items():
        if field not in ("field_sources", "aliases") and row.get(field) is None and value is not None:
            row[field] = value
            sources[field] = f"{second['hf_id']} (the same weights)"


def correct(row: Row) -> None:
    """Apply the hand-found corrections to one row, in place."""
    hub_id = str(row["hf_id"])
    sources = cast("dict[str, str]", row.setdefault("field_sources", {}))
    for field, rows in CORRECTIONS.items():
        if hub_id in rows:
            row[field], sources[field] = rows[hub_id]
    if row.get("max_seq") == 514:
        row["max_seq"] = 512
        sources["max_seq"] = "514 positions, of which RoBERTa reserves two"
    if hub_id in DROP_OLLAMA_TAG:
        row["ollama_tag"] = None


def read_architectures(folder: Path) -> dict[str, Row]:
    """architectures.json by its own names."""
    return cast("dict[str, Row]", json.loads((folder / "architectures.json").read_text(encoding="utf-8")))


def read_csv(path: Path) -> list[dict[str, str]]:
    """Rows of a table as dictionaries."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
