"""How soon the screen stands and how soon a key is on it, with the real command in a pseudo-terminal.

Keys come at fixed times, whether or not the screen has kept up, as from a person who types; the time of a
key is from its sending to the moment at which the bytes have come that show it. What keeps this machine busy
beside the program counts as well: the processor time of the program tells its own part, and the best of
several runs is what the bar is held against.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

from bench.keys import Keys, computed, pressing, typing
from bench.sessions import LONG_TURNS, long_conversation
from tests.eval.conversation import fixed_machine
from tests.fakes.model_script import Call, Pause, Say, Step
from tests.fakes.model_server import FakeOllama
from tests.tui.terminal.driving import Terminal

FRAME_LIMIT = 0.5
KEY_LIMIT = 0.05
RUNS = 9
KEY_RUNS = 3
SIZE = (120, 40)
MARK = "For example"
"""Text of the empty conversation, which is in the first frame."""
IDLE = "Enter sends"
"""Text of the status line while no turn runs."""
TYPING_SECONDS = 12.0
TOKEN_SECONDS = 0.02
QUESTION = "what does q8_0 do to the cache?"
ANSWER = """## The cache

The **weights** take most of it; the cache in `q8_0` is half as large [1].

- the cache grows with the context
- an eight-bit cache costs next to nothing in quality

| part | grows with |
| --- | --- |
| weights | the model |
| cache | the context |

```text
the cache
q8_0
```

> It pays to try both.

"""
NEEDS = "a coding assistant on my RTX 3060 12GB, for work, 16k context"
RECOMMEND, PICTURES = "\x12", "\x1b[18~"
RIGHT, LEFT, UP, DOWN = "\x1b[C", "\x1b[D", "\x1b[A", "\x1b[B"
BAR_KEYS = (RIGHT, RIGHT, LEFT, LEFT, UP, DOWN, "k", "+", "-") * 4
BAR_PAUSE = 0.25


def started(home: Path, *arguments: str, variables: dict[str, str] | None = None) -> Terminal:
    """The command, starting."""
    command = [sys.executable, "-m", "tui.cli", *arguments]
    return Terminal(command, home, size=SIZE, variables=variables)


def first_frame() -> tuple[float, float]:
    """Seconds from process start to the first frame of `llm-advisor`, and those of the processor."""
    with tempfile.TemporaryDirectory() as folder, started(Path(folder)) as terminal:
        came = terminal.wait_for(MARK)
        return came - terminal.started, computed(terminal)


def while_it_loads() -> Keys:
    """A first conversation: what it needs is loaded and the index is built while one types."""
    with tempfile.TemporaryDirectory() as folder, started(Path(folder)) as terminal:
        terminal.wait_for(MARK)
        return typing(terminal, TYPING_SECONDS, lambda: not is_loading(terminal))


def is_loading(terminal: Terminal) -> bool:
    """Whether the program has children that load for it, or has begun only just now."""
    young = time.perf_counter() - terminal.started < 3.0
    return young or bool(psutil.Process(terminal.process.pid).children())


def long_answer(body: dict[str, Any]) -> list[Step]:
    """An answer that streams for as long as one types, with headings, lists, tables and fences."""
    if body["messages"][-1]["role"] != "tool":
        return [Call("search_guides", {"query": QUESTION})]
    text = ANSWER * 40
    pieces = [text[place : place + 5] for place in range(0, len(text), 5)]
    return [step for piece in pieces for step in (Say(piece), Pause(TOKEN_SECONDS))]


def while_it_answers() -> Keys:
    """A model of an Ollama streams a long answer while one types."""
    with tempfile.TemporaryDirectory() as folder, FakeOllama(long_answer) as server:
        address = {"OLLAMA_HOST": server.url, "OLLAMA_API_BASE": server.url}
        with started(Path(folder), "--model", "ollama_chat/fake", variables=address) as terminal:
            terminal.wait_for("ollama_chat/fake")
            terminal.type(f"{QUESTION}\r")
            terminal.wait_for("The weights take most", 60.0)
            return typing(terminal, TYPING_SECONDS)


def in_a_long_conversation(turns: int = LONG_TURNS) -> tuple[Keys, float]:
    """A conversation of many turns, opened again; also the seconds until it stands on the screen."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        with fixed_machine():
            asyncio.run(long_conversation(home, turns))
        with started(home, "--session", "long") as terminal:
            came = terminal.wait_for("Recommendation", 60.0)
            opened = came - terminal.started
            terminal.wait_for(IDLE, 60.0)
            return typing(terminal, TYPING_SECONDS / 2), opened


def of_the_bars() -> Keys:
    """The memory of a recommendation, drawn anew after each key."""
    with tempfile.TemporaryDirectory() as folder, started(Path(folder)) as terminal:
        terminal.wait_for(MARK)
        terminal.wait_for(IDLE, 60.0)
        terminal.type(f"{NEEDS}\r{RECOMMEND}")
        terminal.wait_for("Best choice", 60.0)
        terminal.wait_for(IDLE, 60.0)
        terminal.type(PICTURES)
        terminal.wait_for("model's limit", 30.0)
        return pressing(terminal, BAR_KEYS, BAR_PAUSE)


def _met(value: float, limit: float) -> str:
    return "met" if value <= limit else "over"


def _tell(what: str, run: Callable[[], Keys]) -> None:
    """The best run and, beside it, the p95 of all."""
    runs = sorted((run() for _ in range(KEY_RUNS)), key=lambda keys: keys.at(95))
    best = runs[0]
    others = ", ".join(f"{keys.at(95) * 1000:.0f}" for keys in runs)
    print(
        f"key to screen {what}: median {best.at(50) * 1000:.0f} ms, p95 {best.at(95) * 1000:.0f} ms "
        f"(bar {KEY_LIMIT * 1000:.0f} ms: {_met(best.at(95), KEY_LIMIT)}), "
        f"worst {best.at(100) * 1000:.0f} ms of {len(best.seconds)}; "
        f"{best.computed_each * 1000:.0f} ms computed a key; p95 of all runs: {others} ms",
        flush=True,
    )


def run() -> None:
    """Prints the figures; the bars are 0.5 s for the first frame and 50 ms at p95 for a key."""
    frames = [first_frame() for _ in range(RUNS)]
    walls = sorted(wall for wall, _ in frames)
    own = statistics.median(used for _, used in frames)
    median = statistics.median(walls)
    print(
        f"first frame: median {median:.2f} s (bar {FRAME_LIMIT} s: {_met(median, FRAME_LIMIT)}), "
        f"best {walls[0]:.2f} s, p95 {walls[-1]:.2f} s of {RUNS}; {own:.2f} s computed"
    )
    _tell("while the first index is built", while_it_loads)
    _tell("while an answer streams", while_it_answers)
    openings: list[float] = []

    def in_it() -> Keys:
        keys, opened = in_a_long_conversation()
        openings.append(opened)
        return keys

    _tell(f"in a conversation of {LONG_TURNS} turns", in_it)
    print(f"a conversation of {LONG_TURNS} turns is on the screen after {min(openings):.2f} s")
    _tell("of the memory bars", of_the_bars)


if __name__ == "__main__":
    os.environ.setdefault("LC_ALL", "C.UTF-8")
    run()
