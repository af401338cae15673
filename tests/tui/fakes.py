"""A scripted session and a scripted conversation for the tests of the screen."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Sequence
from typing import Any

from agent.events import (
    Delta,
    Event,
    Message,
    NeedsChanged,
    Question,
    Ready,
    Recommendation,
    Status,
    ToolCall,
    TurnEnd,
)
from agent.slot_text import Editing
from tests.tui.cli_help import scripted_transcript
from tests.tui.fake_models import FakeModels

GIB = 1 << 30
Step = Event | float | Exception | threading.Event
"""An event to send, seconds to wait, an error to raise, or a gate to wait at."""


class FakeSession:
    """Says what the script says: one list of steps for each turn, in order."""

    def __init__(
        self,
        *turns: Sequence[Step],
        opening: Sequence[Step] = (),
        history: Sequence[dict[str, Any]] = (),
        passages: dict[str, dict[str, Any]] | None = None,
    ) -> None:
        self.turns = list(turns)
        self.opening = list(opening)
        self.past = list(history)
        self.passages = passages or {}
        self.said: list[str] = []
        self.commands: list[str] = []
        self.recommended = 0
        self.stopped = 0
        self.closed = False
        self.thread = ""
        self.edits: dict[str, Editing] = {}
        self.models = FakeModels()

    async def __call__(self) -> FakeSession:
        return self

    async def open(self) -> AsyncIterator[Event]:
        yield Ready("test", "guided", None)
        async for event in self._play(self.opening):
            yield event

    async def say(self, text: str) -> AsyncIterator[Event]:
        self.said.append(text)
        async for event in self._turn():
            yield event

    async def recommend(self) -> AsyncIterator[Event]:
        self.recommended += 1
        async for event in self._turn():
            yield event

    async def change(self, slot: str, text: str) -> AsyncIterator[Event]:
        self.commands.append(f"change {slot} {text}".strip())
        async for event in self._turn():
            yield event

    def editing(self, slot: str) -> Editing:
        return self.edits.get(slot, Editing("as it stands", ("one way", "another way")))

    async def undo(self) -> AsyncIterator[Event]:
        self.commands.append("undo")
        async for event in self._turn():
            yield event

    async def branch(self, name: str) -> AsyncIterator[Event]:
        self.commands.append(f"branch {name}")
        async for event in self._turn():
            yield event

    async def leave(self) -> AsyncIterator[Event]:
        self.commands.append("return")
        async for event in self._turn():
            yield event

    async def close(self) -> None:
        self.closed = True

    def passage(self, locator: str, quote: str = "") -> dict[str, Any] | None:
        return self.passages.get(locator)

    def history(self) -> list[dict[str, Any]]:
        return self.past

    async def transcript(self) -> dict[str, Any]:
        return scripted_transcript(self.said, recommendation=RECOMMENDATION, needs=NEEDS)

    async def _turn(self) -> AsyncIterator[Event]:
        steps = self.turns.pop(0) if self.turns else [Message("Nothing more is scripted.")]
        async for event in self._play(steps):
            yield event
        yield TurnEnd()

    async def _play(self, steps: Sequence[Step]) -> AsyncIterator[Event]:
        try:
            for step in steps:
                if isinstance(step, int | float):
                    await asyncio.sleep(step)
                elif isinstance(step, threading.Event):
                    await asyncio.to_thread(step.wait, 10.0)
                elif isinstance(step, Exception):
                    raise step
                else:
                    yield step
        except asyncio.CancelledError:
            self.stopped += 1
            raise


def slot(value: Any, quote: str = "", source: str = "user") -> dict[str, Any]:
    """A filled slot as the session sends it."""
    return {"value": value, "source": source, "quote": quote}


HARDWARE = slot({"text": "RTX 3060 12GB, 32 GB RAM"}, source="detected")
NEEDS = {
    "task": slot({"name": "code", "detail": "coding assistant"}, "a coding assistant"),
    "hardware": slot({"text": "RTX 3060 12GB, 32 GB RAM"}, "on my RTX 3060 12GB"),
    "license": slot({"use": "commercial"}, "for work"),
}
ASSUMPTIONS: list[dict[str, Any]] = [
    {"slot": "context", "value": 16384, "why": "enough for a few files of code"},
    {"slot": "languages", "value": "en", "why": "you write English"},
]
LOCATOR = "memory.md#what-takes-memory:12-18"
PASSAGE = {
    "guide": "Memory of a local model",
    "heading": ["Memory of a local model", "What takes memory"],
    "file": "memory.md",
    "lines": [12, 17],
    "marked": [14, 14],
    "as_of": "2026-10-01",
    "text": "## What takes memory\n\nThe weights take most of it; the KV cache grows with the context.\n\n"
    "| part | grows with |\n| --- | --- |\n| KV cache | context |",
}


WHY: list[dict[str, Any]] = [
    {
        "text": "Best measured coding score among the models that fit 12 GiB with 16k of context.",
        "evidence": [
            {
                "kind": "benchmark",
                "source": "LiveCodeBench v6, 2026-08-01",
                "locator": "livecodebench",
            }
        ],
    },
    {
        "text": "An 8-bit KV cache frees 0.7 GiB and costs next to nothing in quality.",
        "evidence": [{"kind": "guide", "source": "Memory of a local model", "locator": LOCATOR}],
    },
]


def candidate(rank: int, model: str, quant: str, weights: float, **more: Any) -> dict[str, Any]:
    """One candidate of a recommendation, for a card with 12 GiB."""
    kv, compute, overhead = 0.75, 0.31, 0.6
    parts = [int(part * GIB) for part in (weights, kv, compute, overhead)]
    return {
        "rank": rank,
        "model": model,
        "model_id": f"org/{model}",
        "kind": "local",
        "role": "generator",
        "params": {"total_b": 14.8, "active_b": 14.8},
        "quant": quant,
        "engine": "ollama",
        "context": 16384,
        "kv_cache_type": "q8_0",
        "hardware": {"name": "RTX 3060 12GB", "owned": True, "usd": None},
        "memory": {
            "weights_bytes": parts[0],
            "kv_cache_bytes": parts[1],
            "compute_bytes": parts[2],
            "overhead_bytes": parts[3],
            "total_bytes": sum(parts),
            "available_bytes": 12 * GIB,
            "file_bytes": parts[0],
            "fits": True,
        },
        "speed": {
            "tokens_per_second": {"low": 24, "mid": 28, "high": 31},
            "basis": "360 GB/s of the card, 65 % reached",
        },
        "quality": {"score": 71.2, "measured": True, "basis": []},
        "license": {"id": "apache-2.0", "commercial_use": "yes", "note": None},
        "cost": {"usd_per_month": None},
        "why": WHY,
        "caveats": ["Above 20k of context the card runs out of memory."],
        "commands": [
            {"label": "Get and start it", "shell": "ollama run qwen2.5-coder:14b"},
            {"label": "Keep the context", "shell": "OLLAMA_CONTEXT_LENGTH=16384 ollama serve"},
        ],
        **more,
    }


RECOMMENDATION: dict[str, Any] = {
    "needs": NEEDS,
    "assumptions": ASSUMPTIONS,
    "candidates": [
        candidate(1, "Qwen2.5-Coder-14B-Instruct", "Q4_K_M", 8.37),
        candidate(
            2,
            "DeepSeek-Coder-V2-Lite",
            "Q5_K_M",
            9.1,
            quality={"score": 64.0, "measured": False, "basis": []},
        ),
        candidate(3, "Qwen2.5-Coder-7B-Instruct", "Q8_0", 7.54, caveats=[]),
    ],
    "rejected": [
        {
            "model": "Qwen2.5-Coder-32B-Instruct",
            "reason": "needs 20.9 GiB in Q4_K_M, the card has 12",
            "constraint": "memory",
        },
        {"model": "Codestral-22B", "reason": "its license forbids commercial use", "constraint": "license"},
    ],
    "would_change": [
        {"if": "you had 24 GB of video memory", "then": "Qwen2.5-Coder-32B-Instruct in Q4_K_M"},
        {"if": "speed mattered more than quality", "then": "Qwen2.5-Coder-7B-Instruct at 50 tok/s"},
    ],
}
FIRST_TURN: list[Step] = [
    Status("reading the hardware"),
    NeedsChanged(NEEDS, ASSUMPTIONS),
    ToolCall("read_hardware", {"text": "RTX 3060 12GB"}, {"devices": ["RTX 3060 12GB"]}, 0.004),
    Message("A coding assistant for work on an RTX 3060 with 12 GB: I take that."),
    Question(
        "context",
        "How much code should it see at once?",
        "with more than 32k tokens a smaller model wins",
        ["A file or two (8k tokens)", "A few files (16k tokens)", "A small project (64k tokens)"],
    ),
]
SECOND_TURN: list[Step] = [
    Status("comparing 214 models"),
    ToolCall("recommend", {"task": "code"}, {"candidates": 3}, 0.18),
    Delta("On your card "),
    Delta("**Qwen2.5-Coder-14B** is the one to run"),
    Message(
        "On your card **Qwen2.5-Coder-14B** is the one to run; it leaves 2 GiB free.",
        [{"kind": "guide", "source": "Memory of a local model", "locator": LOCATOR}],
    ),
    Recommendation(RECOMMENDATION),
]


def conversation() -> FakeSession:
    """A whole scripted conversation: a message, a question, a recommendation."""
    return FakeSession(
        FIRST_TURN,
        SECOND_TURN,
        opening=[NeedsChanged({"hardware": HARDWARE})],
        passages={LOCATOR: PASSAGE},
    )
