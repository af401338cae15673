"""A recommendation, a landscape and a cost that the pictures are tested with."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from tests.tui.fakes import ASSUMPTIONS, NEEDS, candidate
from tools.landscape import Landscape, Place, with_front
from tools.planning.cost_months import Course, Months

GIB = 1 << 30


def parts(quality: float, speed: float, off: float = 0.0) -> dict[str, Any]:
    """The parts of a score."""
    found: list[dict[str, Any]] = [
        {"name": "quality", "score": quality, "weight": 0.6, "points": 0.6 * quality, "inputs": "8 scores"},
        {"name": "speed", "score": speed, "weight": 0.4, "points": 0.4 * speed, "inputs": "28 tok/s"},
    ]
    if off:
        why = "no ready-made file is known"
        found.append({"name": "taken off", "score": None, "weight": None, "points": -off, "inputs": why})
    return {"score": sum(part["points"] for part in found), "parts": found}


def throughput(each: float) -> list[dict[str, Any]]:
    """Speed of several conversations, of which two fit."""
    return [
        {
            "users": users,
            "per_user": {"low": each / users * 0.8, "mid": each / users, "high": each / users * 1.2},
            "fits": users <= 2,
        }
        for users in (1, 2, 4, 8)
    ]


def _option(rank: int, model: str, quant: str, weights: float, speed: float, **more: Any) -> dict[str, Any]:
    rate = {"low": speed * 0.8, "mid": speed, "high": speed * 1.3}
    return candidate(
        rank,
        model,
        quant,
        weights,
        model_id=f"Qwen/{model}",
        kv_cache_type="f16",
        speed={"tokens_per_second": rate, "basis": "360 GB/s", "throughput": throughput(speed)},
        **more,
    )


RAW: dict[str, Any] = {
    "needs": deepcopy(NEEDS),
    "assumptions": [*ASSUMPTIONS, {"slot": "min_speed", "value": 12.0, "why": "about reading speed"}],
    "candidates": [
        _option(1, "Qwen3-8B", "Q6_K", 6.3, 40.0, utility=parts(72.0, 80.0)),
        _option(2, "Qwen3-14B", "Q4_K_M", 8.4, 11.0, utility=parts(76.0, 50.0, 4.0)),
        _option(3, "Qwen3-4B", "Q8_0", 4.0, 62.0, utility=parts(60.0, 90.0)),
    ],
}
API: dict[str, Any] = {
    **RAW,
    "candidates": [
        {
            **candidate(1, "gpt-x-mini", "", 0.0),
            "kind": "api",
            "model_id": "gpt-x-mini",
            "quant": None,
        }
    ],
}


def _place(model: str, gib: float, score: float, **more: Any) -> Place:
    given: dict[str, Any] = {"model_id": f"Qwen/{model}", "quant": "Q4_K_M", "engine": "ollama", **more}
    return Place(
        model=model,
        memory_bytes=int(gib * GIB),
        score=score,
        spread=4.0,
        measured=True,
        tokens_per_second=30.0,
        utility=score,
        **given,
    )


LANDSCAPE = Landscape(
    with_front(
        [
            _place("Tiny-1B", 1.2, 20.0),
            _place("Small-2B", 2.0, 18.0),
            _place("Qwen3-4B", 4.6, 48.0),
            _place("Other-6B", 5.5, 40.0),
            _place("Qwen3-8B", 7.5, 58.0),
            _place("Other-9B", 8.8, 50.0),
            _place("Qwen3-14B", 10.1, 66.0),
            _place("Huge-70B", 30.0, 64.0, spills=True),
        ]
    ),
    int(11.5 * GIB),
    "RTX 3060 12GB",
    "code",
    False,
)
DOCUMENT: dict[str, Any] = {
    "volume": {"input_tokens_per_day": 300_000, "output_tokens_per_day": 60_000},
    "prices": {"tariff_usd_per_kwh": {"mid": 0.1805, "source": "U.S. EIA average", "as_of": "2026-02"}},
    "options": [{"kind": "api", "evidence": [{"source": "litellm 1.106.2"}]}],
}
BOUGHT = Months(
    (
        Course("local", "to buy", "Qwen3-8B", "RTX 3060", (250.0, 300.0, 380.0), (1.0, 2.0, 3.0), ""),
        Course("rented", "rented RTX 3090", "Qwen3-8B", "RTX 3090", (0, 0, 0), (8.0, 20.0, 40.0), ""),
        Course("api", "API, as good", "gpt-x-mini", "OpenAI", (0, 0, 0), (4.0, 4.0, 4.0), ""),
        Course("api", "API, best", "claude-x", "Anthropic", (0, 0, 0), (180.0, 180.0, 180.0), ""),
    ),
    DOCUMENT,
)
OWNED = Months(
    (
        Course("local", "local", "Qwen3-8B", "RTX 3060", (0, 0, 0), (1.0, 2.0, 3.0), ""),
        *BOUGHT.courses[1:],
    ),
    DOCUMENT,
)
