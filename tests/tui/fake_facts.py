"""A comparison and a card without the catalog, for tests of the screens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from knowledge.errors import UnknownNameError
from tests.tui.fakes import GIB, candidate
from tui.claims import maps_of
from tui.comparing import Loaded, Pick
from tui.model_card import Card, read_card
from tui.side_by_side import read_side_by_side, with_option


def entry(name: str, total_b: float, **more: Any) -> dict[str, Any]:
    """A local model as `compare` has it."""
    return {
        "model": name,
        "model_id": f"org/{name}",
        "kind": "local",
        "params": {"total_b": total_b, "active_b": None},
        "context_length": 32768,
        "release_date": "2025-03-01",
        "features": ["tool_calling", "structured_output"],
        "license": {"id": "apache-2.0", "commercial_use": "yes", "note": None, "source": "SPDX list"},
        "quant": "Q4_K_M",
        "engine": "llama.cpp",
        "kv_cache_type": "f16",
        "context": 16384,
        "memory": {
            "weights_bytes": int(total_b * 0.55 * GIB),
            "kv_cache_bytes": GIB,
            "total_bytes": int(total_b * 0.55 * GIB) + 2 * GIB,
            "file_bytes": int(total_b * 0.56 * GIB),
            "fits": True,
        },
        "quality": {"score": 40.0 + total_b, "spread": 4.0, "measured": True, "note": "3 public scores"},
        "speed": {"tokens_per_second": {"low": 20, "mid": 25, "high": 30}, "basis": "360 GB/s"},
        "price": None,
        **more,
    }


API = {
    **entry("gpt-x-mini", 1.0, model_id="gpt-x-mini", kind="api", params={}, context_length=1_000_000),
    "license": None,
    "quant": None,
    "engine": None,
    "memory": None,
    "speed": None,
    "release_date": None,
    "price": {"input_usd_per_mtok": 0.4, "output_usd_per_mtok": 1.6, "source": "price map"},
}
ENTRIES: dict[str, dict[str, Any]] = {
    one["model_id"]: one
    for one in (
        entry("Qwen2.5-Coder-14B-Instruct", 14.8, release_date="2024-09-19"),
        entry("DeepSeek-Coder-V2-Lite", 15.7, params={"total_b": 15.7, "active_b": 2.4}),
        entry("Qwen2.5-Coder-7B-Instruct", 7.6),
        entry("Codestral-22B", 22.2, license={"id": "mnpl", "commercial_use": "no", "note": "research only"}),
        API,
    )
}
SHARED = [
    {
        "benchmark": "LiveCodeBench v6",
        "setting": "pass@1",
        "unit": "percent",
        "higher_is_better": True,
        "run_by": "independent",
        "as_of": "2026-08",
        "source": "livecodebench.github.io",
        "scores": {"Qwen2.5-Coder-14B-Instruct": 37.1, "Qwen2.5-Coder-7B-Instruct": 28.7, "gpt-x-mini": 44},
    }
]


def document(entries: Sequence[Mapping[str, Any]], hardware: str | None = "RTX 3060 12GB") -> dict[str, Any]:
    """A `compare` document of these models."""
    named = {one["model"] for one in entries}
    shared = [row for row in SHARED if len(named & set(row["scores"])) > 1]  # type: ignore[call-overload]
    return {"context": 16384, "hardware": hardware, "models": entries, "benchmarks": shared, "caveats": []}


def fake_load(recommendation: Mapping[str, Any], picks: Sequence[Pick], typed: str = "") -> Loaded:
    """As `tui.comparing.load`, over the models above."""
    options, problems, taken = maps_of(recommendation.get("candidates")), [], list(picks)
    focus = None
    for name in filter(None, (part.strip() for part in typed.split(","))):
        found = next((key for key in ENTRIES if name.lower() in key.lower()), None)
        if found is None:
            problems.append(f"No model in the catalog is called '{name}'. Nearest names: Codestral-22B.")
        elif all(pick.name != found for pick in taken):
            focus = len(taken) if picks else None
            taken.append(Pick(found))
    models = [
        with_option(ENTRIES.get(pick.name, {}), options[pick.option])
        if pick.option is not None
        else ENTRIES[pick.name]
        for pick in taken
    ]
    return Loaded(tuple(taken), read_side_by_side(document(models)), tuple(problems), focus)


def memory_row(context: int, cache: float, fits: bool, needed: bool = False) -> dict[str, Any]:
    """A `memory` document of the card."""
    parts = {"weights_bytes": int(8.4 * GIB), "kv_cache_bytes": int(cache * GIB)}
    parts |= {"compute_bytes": GIB // 3, "overhead_bytes": GIB // 2}
    return {
        **parts,
        "context": context,
        "parallel": 1,
        "quant": "Q4_K_M",
        "engine": "ollama",
        "kv_cache_type": "q8_0",
        "total_bytes": sum(parts.values()),
        "host_bytes": 0,
        "hardware": "RTX 3060 12GB",
        "available_bytes": 12 * GIB,
        "fits": fits,
        "formula": "weights + cache + scratch + runtime",
        "needed": needed,
        "caveats": [],
    }


def score(benchmark: str, value: float, **more: Any) -> dict[str, Any]:
    """A `benchmarks` result."""
    return {
        "benchmark": benchmark,
        "score": value,
        "unit": "percent",
        "higher_is_better": True,
        "setting": "pass@1",
        "source": f"{benchmark} board",
        "as_of": "2026-08",
        "run_by": "independent",
        "doubts": [],
        **more,
    }


CARD: dict[str, Any] = {
    "model": "Qwen2.5-Coder-14B-Instruct",
    "model_id": "org/Qwen2.5-Coder-14B-Instruct",
    "family": "Qwen2.5",
    "kind": "code",
    "maker": {"name": "Alibaba Cloud", "country": "CN", "source": "the maker's own site"},
    "params_total": 14_770_033_664,
    "params_active": None,
    "context_length": 32768,
    "languages": ["en", "zh"],
    "tool_calling": True,
    "thinking": "no",
    "vision": None,
    "release_date": "2024-09-19",
    "features": ["tool_calling", "structured_output"],
    "gguf_repo": "org/Qwen2.5-Coder-14B-Instruct-GGUF",
    "ollama_tag": "qwen2.5-coder:14b",
    "architecture": {
        "arch": "qwen2",
        "layers": 48,
        "hidden": 5120,
        "heads": 40,
        "kv_heads": 8,
        "head_dim": 128,
        "vocab": 152064,
        "measured": True,
        "approximations": [],
    },
    "license_terms": {
        "id": "apache-2.0",
        "name": "Apache License 2.0",
        "commercial_use": "yes",
        "verified": True,
        "source": "SPDX list",
        "as_of": "2026-11-20",
        "clauses": [],
        "inherited": [],
    },
    "sources": {"*": "the model's config.json", "release_date": "date of the repository"},
    "siblings": ["org/Qwen2.5-Coder-7B-Instruct"],
    "made_from": ["org/Qwen2.5-Coder-14B"],
    "derivatives": [],
    "task": "code",
    "quality": {
        "score": 58.0,
        "spread": 4.0,
        "measured": True,
        "quantization_loss": 2.1,
        "note": "2 public scores",
        "basis": [{"kind": "benchmark", "source": "LiveCodeBench v6 37.1", "locator": "board"}],
    },
    "benchmarks": {
        "results": [
            score("LiveCodeBench v6", 37.1),
            score("HumanEval+", 88.4, run_by="vendor", doubts=["top models are near its ceiling"]),
        ]
    },
    "memory": [
        memory_row(8192, 0.8, True),
        memory_row(16384, 1.6, True, needed=True),
        memory_row(32768, 3.2, False),
    ],
    "standings": [
        {
            "line": "Superseded for code by Qwen3-Coder-14B (2025-07-22): +9 points, give or take 4.",
            "by": [
                {"evidence": [{"kind": "benchmark", "source": "LiveCodeBench v6 51", "locator": "board"}]}
            ],
        }
    ],
    "commands": [
        {"label": "Download and run", "shell": "ollama run qwen2.5-coder:14b"},
        {"label": "Start the server", "shell": "ollama serve"},
    ],
}
CARDS = {
    CARD["model_id"]: CARD,
    "org/Qwen2.5-Coder-7B-Instruct": CARD
    | {"model": "Qwen2.5-Coder-7B-Instruct", "model_id": "org/Qwen2.5-Coder-7B-Instruct", "memory": []}
    | {"memory_error": {"message": "Its architecture is not known.", "hint": ""}},
}


def fake_load_card(recommendation: Mapping[str, Any], selected: int, name: str) -> Card:
    """As `tui.carding.load_card`, over the two cards above."""
    found = next((key for key in CARDS if name.lower() in key.lower()), None)
    if found is None:
        raise UnknownNameError(
            f"No model in the catalog is called '{name}'.", hint="Nearest names: Qwen3-8B."
        )
    return read_card(CARDS[found])


RECOMMENDATION = {
    "needs": {"hardware": {"value": {"text": "RTX 3060 12GB"}}},
    "candidates": [
        candidate(1, "Qwen2.5-Coder-14B-Instruct", "Q4_K_M", 8.37),
        candidate(2, "DeepSeek-Coder-V2-Lite", "Q5_K_M", 9.1),
        candidate(3, "Qwen2.5-Coder-7B-Instruct", "Q8_0", 7.54),
    ],
}
