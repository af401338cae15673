"""A scripted model behind a scripted session."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

from agent.events import Confirm, Cost, Event, Mode, TurnEnd


@dataclass(slots=True)
class FakeModels:
    """Switches and pulls as the script says, and remembers what was asked."""

    asked: list[str] = field(default_factory=list)
    steps: Sequence[Event | float] = ()
    """What a confirmed pull sends."""
    cost: Cost = field(default_factory=lambda: Cost(None, 0, 0, 0.0, False, None))

    async def switch(self, model: str) -> AsyncIterator[Event]:
        self.asked.append(f"switch {model}")
        yield Mode("ollama", model)
        yield TurnEnd()

    async def pull(self, name: str, *, confirmed: bool = False) -> AsyncIterator[Event]:
        import asyncio

        self.asked.append(f"pull {name}{' confirmed' if confirmed else ''}")
        for step in self.steps if confirmed else [Confirm("pull", name, f"Download {name}?", 1)]:
            if isinstance(step, int | float):
                await asyncio.sleep(step)
            else:
                yield step
        yield TurnEnd()

    def spent(self) -> Cost:
        return self.cost
