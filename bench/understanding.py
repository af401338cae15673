"""How well and how quickly the guided understanding reads the labelled utterances."""

from __future__ import annotations

import statistics
import time

from tests.eval.understanding_score import (
    BLIND,
    HELD_OUT,
    PEOPLE,
    ROUNDS,
    load_utterances,
    read_line,
    score,
)
from tools.needs import SLOTS


def run() -> None:
    """Prints precision and recall per slot, the share of right intents, and the time of a message."""
    lines = load_utterances()
    result = score(lines)
    print(f"understanding: {len(lines)} labelled utterances")
    print(f"{'slot':<14}{'n':>5}{'precision':>11}{'recall':>8}")
    for slot in SLOTS:
        count = result.right[slot] + result.missed[slot]
        print(f"{slot:<14}{count:>5}{result.precision(slot):>11.3f}{result.recall(slot):>8.3f}")
    print(f"{'all slots':<19}{result.precision():>11.3f}{result.recall():>8.3f}")
    print(f"{'intents':<19}{'':>11}{result.recall('intent'):>8.3f}")
    for path in (BLIND, HELD_OUT, PEOPLE, ROUNDS):
        blind = score(load_utterances(path))
        print(f"{path.stem:<26} F1 {blind.f1():.3f}, intents {blind.recall('intent'):.3f}")
    times = []
    for line in lines:
        start = time.perf_counter()
        read_line(line)
        times.append((time.perf_counter() - start) * 1e3)
    print(f"milliseconds a message: median {statistics.median(times):.1f}, most {max(times):.1f}")


if __name__ == "__main__":
    run()
