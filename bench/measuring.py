"""How true `bench` measures: against servers that keep to a timetable, 1 to 64 requests at once.

The server is a process of its own. Bars: first token and speeds within 5 % of the timetable, and 64 at once
within 10 % of what one alone is measured at.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass

from knowledge.measured_here import Point
from tests.fakes.paced_server import Pace, PacedServer
from tools.measuring.plan import Plan
from tools.measuring.run import Bench
from tools.measuring.target import find_target

NUMBERS = (1, 4, 16, 64)
BAR, DISTORTION = 0.05, 0.10
PACES = {
    "Ollama, 30 tok/s": Pace(first_s=0.4, tps=30, slots=0),
    "vLLM, 30 tok/s": Pace(first_s=0.4, tps=30, engine="vllm"),
    "vLLM, 80 tok/s, 4 tokens a piece": Pace(first_s=0.25, tps=80, chunk=4, engine="vllm"),
    "vLLM, 80 tok/s": Pace(first_s=0.25, tps=80, engine="vllm"),
}


@dataclass(frozen=True, slots=True)
class Error:
    """Shares by which a point misses its timetable."""

    parallel: int
    first_token: float
    generation: float
    together: float

    @property
    def worst(self) -> float:
        return max(abs(self.first_token), abs(self.generation), abs(self.together))


def measured(pace: Pace, plan: Plan) -> tuple[Point, ...]:
    """The points of one measurement of a paced server."""
    with PacedServer(pace) as server:
        target = find_target(pace.model, server.url)
        bench = Bench(target, plan, "bench")

        async def work() -> None:
            async for _ in bench.events():
                pass

        asyncio.run(work())
    assert bench.run is not None
    return bench.run.points


def errors(pace: Pace, points: tuple[Point, ...]) -> Iterator[Error]:
    """How far each point is from the timetable."""
    for point in points:
        assert point.generation_tps is not None
        assert point.total_tps is not None
        yield Error(
            point.parallel,
            point.first_token_s.mid / pace.first_s - 1,
            point.generation_tps.mid / pace.tps - 1,
            point.total_tps.mid / (pace.tps * point.parallel) - 1,
        )


def run() -> None:
    """Prints the errors of every pace; raises where a bar is missed."""
    plan = Plan(lengths=(128,), concurrency=NUMBERS, output_tokens=64, repeats=3)
    missed = []
    for name, pace in PACES.items():
        used = time.process_time()
        found = list(errors(pace, measured(pace, plan)))
        used = time.process_time() - used
        print(f"{name} ({used:.1f} s of processor time)")
        for error in found:
            print(
                f"  {error.parallel:3} at once: first token {error.first_token:+.1%}, generation "
                f"{error.generation:+.1%}, together {error.together:+.1%}"
            )
        if max(error.worst for error in found) > BAR:
            missed.append(f"{name}: more than {BAR:.0%} off")
        alone, crowd = found[0], found[-1]
        if (
            max(abs(crowd.first_token - alone.first_token), abs(crowd.generation - alone.generation))
            > DISTORTION
        ):
            missed.append(f"{name}: 64 at once distort by more than {DISTORTION:.0%}")
    if missed:
        raise AssertionError("; ".join(missed))


if __name__ == "__main__":
    run()
