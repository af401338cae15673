"""How soon the screen stands and how soon a key is on it, with the real command in a pseudo-terminal.

Keys come at fixed times, whether or not the screen has kept up, as from a person who types; the time of a key
is from its sending to the moment at which what a terminal shows has changed as it should. What keeps this
machine busy beside the program counts as well: the processor time of the program tells its own part.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import string
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from bench.sessions import LONG_TURNS, long_conversation
from tests.eval.conversation import fixed_machine
from tests.fakes.model_script import Call, Pause, Say, Step
from tests.fakes.model_server import FakeOllama
from tests.tui.terminal.driving import Terminal

FRAME_LIMIT = 0.5
KEY_LIMIT = 0.05
RUNS = 9
SIZE = (120, 40)
MARK = "For example"
"""Text of the empty conversation, which is in the first frame."""
EVERY = 0.06
"""Seconds between keys: a fast typist."""
LINE = 40
"""Keys after which the line is cleared, so that the text stays in one row."""
CLEAR = "\x15"
LETTERS = string.ascii_lowercase
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

> It pays to try both.

"""


@dataclass(frozen=True, slots=True)
class Keys:
    """Seconds from a key to the screen, for each key, and the seconds that the program computed meanwhile."""

    seconds: Sequence[float]
    computed: float

    def at(self, percent: float) -> float:
        """The percentile."""
        ordered = sorted(self.seconds)
        return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


def started(home: Path, *arguments: str, variables: dict[str, str] | None = None) -> Terminal:
    """The command, starting."""
    command = [str(Path(sys.executable).with_name("llm-advisor")), *arguments]
    return Terminal(command, home, size=SIZE, variables=variables)


def computed(terminal: Terminal) -> float:
    """Processor seconds of the process so far, without its children."""
    times = psutil.Process(terminal.process.pid).cpu_times()
    return float(times.user + times.system)


def first_frame() -> tuple[float, float]:
    """Seconds from process start to the first frame of `llm-advisor`, and those of the processor."""
    with tempfile.TemporaryDirectory() as folder, started(Path(folder)) as terminal:
        came = terminal.wait_for(MARK)
        return came - terminal.started, computed(terminal)


def typing(terminal: Terminal, seconds: float) -> Keys:
    """Types for some seconds.

    Raises:
        RuntimeError: A key did not come on the screen in five seconds.
    """
    taken: list[float] = []
    waiting: list[tuple[str, float]] = []
    line, number, before = "", 0, computed(terminal)
    terminal.type(CLEAR)
    terminal.wait_for(lambda: not typed_line(terminal))
    began = due = time.perf_counter()
    while waiting or time.perf_counter() - began < seconds:
        now = time.perf_counter()
        if now >= due and now - began < seconds:
            line = "" if len(line) == LINE else line + LETTERS[number % len(LETTERS)]
            terminal.type(line[-1:] or CLEAR)
            waiting.append((line, time.perf_counter()))
            number, due = number + 1, due + EVERY
        came = terminal.read(min(max(0.001, due - time.perf_counter()), EVERY))
        if came is not None and waiting:
            shown = typed_line(terminal)
            seen = next((place for place in reversed(range(len(waiting))) if waiting[place][0] == shown), -1)
            taken += [came - sent for _, sent in waiting[: seen + 1]]
            waiting = waiting[seen + 1 :]
        if waiting and time.perf_counter() - waiting[0][1] > 5.0:
            raise RuntimeError(f"{waiting[0][0]!r} did not come:\n{terminal.text}")
    return Keys(taken, computed(terminal) - before)


def typed_line(terminal: Terminal) -> str:
    """What stands in the composer, which is the last box; empty where it shows its placeholder."""
    rows = terminal.screen.display
    typed = rows[-3].strip(" │|").strip()
    return typed if set(typed) <= set(LETTERS) else ""


def while_it_loads() -> Keys:
    """A first conversation: the index is built, with an embedder that starts, while one types."""
    with tempfile.TemporaryDirectory() as folder, started(Path(folder)) as terminal:
        terminal.wait_for(MARK)
        return typing(terminal, TYPING_SECONDS)


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
            came = terminal.wait_for("8k context please", 60.0)
            opened = came - terminal.started
            terminal.wait_for("Enter sends", 60.0)
            return typing(terminal, TYPING_SECONDS / 2), opened


def _tell(what: str, keys: Keys) -> None:
    verdict = "ok" if keys.at(95) <= KEY_LIMIT else "over"
    print(
        f"key to screen {what}: median {keys.at(50) * 1000:.0f} ms, p95 {keys.at(95) * 1000:.0f} ms (bar "
        f"{KEY_LIMIT * 1000:.0f} ms: {verdict}), worst {keys.at(100) * 1000:.0f} ms of {len(keys.seconds)}; "
        f"{keys.computed / len(keys.seconds) * 1000:.0f} ms computed a key"
    )


def run() -> None:
    """Prints the figures; the bars are 0.5 s for the first frame and 50 ms at p95 for a key."""
    frames = [first_frame() for _ in range(RUNS)]
    walls = sorted(wall for wall, _ in frames)
    own = statistics.median(used for _, used in frames)
    median = statistics.median(walls)
    print(
        f"first frame: median {median:.2f} s (bar {FRAME_LIMIT} s), "
        f"best {walls[0]:.2f} s, p95 {walls[-1]:.2f} s of {RUNS}; {own:.2f} s computed"
    )
    _tell("while the first index is built", while_it_loads())
    _tell("while an answer streams", while_it_answers())
    keys, opened = in_a_long_conversation()
    _tell(f"in a conversation of {LONG_TURNS} turns", keys)
    print(f"a conversation of {LONG_TURNS} turns is on the screen after {opened:.2f} s")


if __name__ == "__main__":
    os.environ.setdefault("LC_ALL", "C.UTF-8")
    run()
