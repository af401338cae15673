"""Types in a pseudo-terminal at fixed times and finds out afterwards when each key was on the screen.

A thread notes what comes and when; only afterwards is it drawn, as a terminal draws it. An emulator in Python
takes longer for a screen than the program that is timed, and would be counted in.
"""

from __future__ import annotations

import string
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import psutil

from tests.tui.terminal.driving import Terminal

EVERY = 0.06
"""Seconds between keys: a fast typist."""
LINE = 40
"""Keys after which the line is cleared, so that the text stays in one row."""
CLEAR = "\x15"
LETTERS = string.ascii_lowercase
LATEST = 5.0
"""Seconds after which a key is held to be lost."""
Chunk = tuple[float, bytes]


@dataclass(frozen=True, slots=True)
class Keys:
    """Seconds from a key to the screen, for each key, and the seconds that the program computed meanwhile."""

    seconds: Sequence[float]
    computed: float

    def at(self, percent: float) -> float:
        """The percentile."""
        ordered = sorted(self.seconds)
        return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]

    @property
    def computed_each(self) -> float:
        """Processor seconds of the program for each key, with whatever else it did meanwhile."""
        return self.computed / len(self.seconds)


def computed(terminal: Terminal) -> float:
    """Processor seconds of the process so far, without its children."""
    times = psutil.Process(terminal.process.pid).cpu_times()
    return float(times.user + times.system)


@contextmanager
def noted(terminal: Terminal) -> Iterator[list[Chunk]]:
    """Notes what comes and when, without showing it."""
    chunks: list[Chunk] = []
    over = threading.Event()

    def listen() -> None:
        while not over.is_set():
            taken = terminal.take(0.02)
            if taken is not None:
                chunks.append(taken)

    listener = threading.Thread(target=listen, name="listener", daemon=True)
    listener.start()
    try:
        yield chunks
    finally:
        over.set()
        listener.join()


def typed_line(terminal: Terminal) -> str:
    """What stands in the composer, which is the last box; empty where it shows its placeholder."""
    row = terminal.screen.buffer[terminal.screen.lines - 3]
    typed = "".join(row[column].data for column in range(LINE + 8)).strip(" │|").strip()
    return typed if set(typed) <= set(LETTERS) else ""


def typing(terminal: Terminal, seconds: float, until: Callable[[], bool] = lambda: False) -> Keys:
    """Types for some seconds, or until something is so.

    Raises:
        RuntimeError: A key did not come on the screen in five seconds.
    """
    terminal.type(CLEAR)
    terminal.wait_for(lambda: not typed_line(terminal))
    sent: list[tuple[str, float]] = []
    line, before = "", computed(terminal)
    with noted(terminal) as chunks:
        began = due = time.perf_counter()
        while time.perf_counter() - began < seconds and not until():
            line = "" if len(line) == LINE else line + LETTERS[len(sent) % len(LETTERS)]
            sent.append((line, time.perf_counter()))
            terminal.type(line[-1:] or CLEAR)
            due += EVERY
            time.sleep(max(0.0, due - time.perf_counter()))
        used = computed(terminal) - before
        taken = _seen(terminal, chunks, sent)
    return Keys(taken, used)


def _seen(terminal: Terminal, chunks: list[Chunk], sent: Sequence[tuple[str, float]]) -> list[float]:
    """Draws what came; seconds until each key's line, or a later one, stood there."""
    taken: list[float] = []
    drawn, limit = 0, time.perf_counter() + LATEST
    while len(taken) < len(sent):
        if drawn == len(chunks):
            if time.perf_counter() > limit:
                raise RuntimeError(f"{sent[len(taken)][0]!r} did not come:\n{terminal.text}")
            time.sleep(0.02)
            continue
        came, data = chunks[drawn]
        drawn += 1
        terminal.show(data)
        shown = typed_line(terminal)
        waiting = sent[len(taken) :]
        due = [place for place, (line, at) in enumerate(waiting) if at <= came and line == shown]
        if due:
            taken += [came - at for _, at in waiting[: due[-1] + 1]]
    return taken


def pressing(terminal: Terminal, keys: Sequence[str], pause: float) -> Keys:
    """Presses keys one after the other; seconds until the last change of the screen that each leads to.

    Raises:
        RuntimeError: A key changed nothing.
    """
    marks: list[float] = []
    before = computed(terminal)
    with noted(terminal) as chunks:
        for key in keys:
            marks.append(time.perf_counter())
            terminal.type(key)
            time.sleep(pause)
    used = computed(terminal) - before
    taken: list[float] = []
    shown = terminal.screen.display
    for place, at in enumerate(marks):
        end = marks[place + 1] if place + 1 < len(marks) else float("inf")
        changed = None
        for came, data in [chunk for chunk in chunks if at <= chunk[0] < end]:
            terminal.show(data)
            if terminal.screen.display != shown:
                shown, changed = terminal.screen.display, came
        if changed is None:
            raise RuntimeError(f"{keys[place]!r} changed nothing:\n{terminal.text}")
        taken.append(changed - at)
    return Keys(taken, used)
