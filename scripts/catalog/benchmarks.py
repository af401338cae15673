"""Benchmark rows, with repeated words stored once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from scripts.catalog.facts import SAME_MODEL

# Names of boards that mean one model for certain, in rows that name no Hub id.
MODEL_OF = {
    "DeepSeek V3 (0324)": "deepseek-ai/DeepSeek-V3-0324",
    "DeepSeek R1 (0528)": "deepseek-ai/DeepSeek-R1-0528",
    "command-a-03-2025": "CohereLabs/c4ai-command-a-03-2025",
    "command-r-08-2024": "CohereLabs/c4ai-command-r-08-2024",
    "command-r-plus-08-2024": "CohereLabs/c4ai-command-r-plus-08-2024",
    "nemotron-3-super-120b-a12b": "nvidia/NVIDIA-Nemotron-3-Super-120B-A12B-BF16",
    "nemotron-3-ultra-550b-a55b": "nvidia/NVIDIA-Nemotron-3-Ultra-550B-A55B-BF16",
    "BGE-reranker-v2-m3": "BAAI/bge-reranker-v2-m3",
    "openrouter/qwen/qwen-2.5-coder-32b-instruct": "Qwen/Qwen2.5-Coder-32B-Instruct",
    "zai-org/glm-4-9b-chat": "zai-org/glm-4-9b-chat-hf",
}
COLUMNS = ("model", "hf_id", "benchmark", "unit", "setting", "source", "as_of")


def pack_benchmarks(rows: Iterable[Mapping[str, str]]) -> dict[str, object]:
    """Word lists by column, and one array a row: numbers of words, then score and two flags."""
    words: dict[str, dict[str, int]] = {column: {} for column in COLUMNS}
    packed = []
    for raw in rows:
        row = {**raw, "hf_id": raw["hf_id"] or MODEL_OF.get(raw["model"], "")}
        row["hf_id"] = SAME_MODEL.get(row["hf_id"], row["hf_id"])
        numbers = [words[column].setdefault(row[column], len(words[column])) for column in COLUMNS]
        score = float(row["score"])
        higher, independent = row["higher_is_better"] == "yes", row["run_by"] == "independent"
        packed.append([*numbers, int(score) if score.is_integer() else score, int(higher), int(independent)])
    return {"columns": [*COLUMNS, "score", "higher_is_better", "independent"]} | {
        "words": {column: list(texts) for column, texts in words.items()},
        "rows": packed,
    }
