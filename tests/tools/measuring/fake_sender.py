"""A sender without a network, whose answers keep to a timetable on a clock that the test moves."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import pytest

from tools.measuring import run
from tools.measuring.asking import read_address
from tools.measuring.memory import Held
from tools.measuring.plan import WARM_TOKENS, Plan
from tools.measuring.run import Bench
from tools.measuring.samples import Sample, Stated
from tools.measuring.target import Target

HERE = read_address("127.0.0.1:1")


@dataclass
class FakeSender:
    """Takes `seconds` for a round, on a clock of its own."""

    seconds: float = 1.0
    counts: bool = True
    load_s: float | None = None
    fails: Callable[[int], Exception | None] = lambda number: None
    """What the round of a number ends with; the warm-up is not counted."""
    hangs_at: int = 0
    now: float = 0.0
    rounds: list[tuple[int, int]] = field(default_factory=list)
    """Prompts and tokens of each answer."""
    prompts: list[str] = field(default_factory=list)
    closed: bool = False
    hanging: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when a round begins that never ends."""

    async def adapted(self, prompt: str, output_tokens: int) -> Sample:
        self.prompts.append(prompt)
        return self._sample(prompt, output_tokens, self.load_s)

    async def round(self, prompts: Sequence[str], output_tokens: int) -> tuple[Sample, ...]:
        self.prompts += prompts
        if output_tokens != WARM_TOKENS:
            self.rounds.append((len(prompts), len(prompts[0].split())))
            if (error := self.fails(len(self.rounds))) is not None:
                raise error
            if self.hangs_at == len(self.rounds):
                self.hanging.set()
                await asyncio.Event().wait()
        self.now += self.seconds
        return tuple(self._sample(prompt, output_tokens, None) for prompt in prompts)

    async def close(self) -> None:
        self.closed = True

    def _sample(self, prompt: str, tokens: int, load_s: float | None) -> Sample:
        words = len(prompt.split())
        stated = Stated(words + 10, tokens, load_s=load_s) if self.counts else Stated()
        return Sample(words, 0.0, 0.2, 0.2 + (tokens - 1) / 50, tokens, 0.2, stated=stated)


def bench_of(
    monkeypatch: pytest.MonkeyPatch, sender: FakeSender, plan: Plan, target: Target | None = None
) -> Bench:
    """A measurement that goes through the sender."""
    found = target or Target("openai", "m", "127.0.0.1:1", HERE, engine="vllm", context=8192, local=True)

    async def sender_for(target: Target) -> FakeSender:
        return sender

    monkeypatch.setattr(run, "sender_for", sender_for)
    monkeypatch.setattr(run, "held_by", lambda target: Held())
    return Bench(found, plan, "key", clock=lambda: sender.now)
