"""Memory of many conversations one after another, many at once, and what a long one takes on the disk."""

from __future__ import annotations

import asyncio
import gc
import tempfile
import time
from pathlib import Path

import psutil

from agent.session import GraphSession, open_session
from tests.eval.conversation import fixed_machine
from tests.fakes.retriever import FakeRetriever

WARM_UP = 20
CONVERSATIONS = 200
AT_ONCE = 20
BAR_BYTES = 50 * 1024**2
LONG_TURNS = 100
MESSAGES = (
    "a coding assistant for my RTX 3060 12GB",
    "for work, commercial",
    "just one person",
    "why not Llama 3.3 70B?",
    "what if I had two of them?",
)


def _resident() -> int:
    gc.collect()
    return int(psutil.Process().memory_info().rss)


async def opened(home: Path, name: str) -> GraphSession:
    """A new guided conversation that searches by words."""
    session = await open_session(session=name, home=home, retriever=FakeRetriever(home), offline=True)
    async for _ in session.open():
        pass
    return session


async def hold(home: Path, name: str) -> bool:
    """One guided conversation; whether it ended in a recommendation, with every turn over."""
    session = await opened(home, name)
    over, recommended = 0, False
    try:
        for text in MESSAGES:
            over += [event.type async for event in session.say(text)].count("turn_end")
        async for event in session.recommend():
            over += event.type == "turn_end"
            recommended = recommended or event.type == "recommendation"
    finally:
        await session.close()
    return recommended and over == len(MESSAGES) + 1


async def growth(home: Path, count: int, warm_up: int) -> int:
    """Bytes by which this process has grown after `count` conversations, one after another.

    Raises:
        RuntimeError: one of them did not end in a recommendation.
    """
    for number in range(warm_up):
        await hold(home, f"warm {number}")
    before = _resident()
    for number in range(count):
        if not await hold(home, f"run {number}"):
            raise RuntimeError(f"conversation {number} did not end in a recommendation")
    return _resident() - before


async def together(home: Path, count: int) -> int:
    """Conversations of `count` at once that ended in a recommendation."""
    return sum(await asyncio.gather(*(hold(home, f"beside {number}") for number in range(count))))


async def long_conversation(home: Path, turns: int) -> None:
    """A saved conversation of `turns` turns, named `long`."""
    session = await opened(home, "long")
    text = "chat on an RTX 3090, personal use, English, everything stays local, just tell me"
    for number in range(turns):
        async for _ in session.say(text if number == 0 else f"{8 * (1 + number % 4)}k context please"):
            pass
    await session.close()


async def size_of_long(home: Path, turns: int) -> int:
    """Bytes of the file that holds one conversation of `turns` turns and nothing else."""
    await long_conversation(home, turns)
    return await asyncio.to_thread(_size, home)


def _size(home: Path) -> int:
    return sum(path.stat().st_size for path in home.glob("sessions.sqlite*"))


def run() -> None:
    """Prints the figures; all bars are of the resident set."""
    with tempfile.TemporaryDirectory() as folder, fixed_machine():
        home = Path(folder)
        started = time.perf_counter()
        grown = asyncio.run(growth(home / "many", CONVERSATIONS, WARM_UP))
        took = time.perf_counter() - started
        verdict = "ok" if grown < BAR_BYTES else "over"
        print(
            f"{CONVERSATIONS} conversations one after another: {grown / 1024**2:+.1f} MiB, bar "
            f"{BAR_BYTES / 1024**2:.0f} MiB: {verdict} ({took:.0f} s with {WARM_UP} to warm up)"
        )
        started = time.perf_counter()
        done = asyncio.run(together(home / "beside", AT_ONCE))
        took = time.perf_counter() - started
        print(f"{AT_ONCE} at once: {done} complete ({took:.1f} s): {'ok' if done == AT_ONCE else 'over'}")
        size = asyncio.run(size_of_long(home / "long", LONG_TURNS))
        print(f"a conversation of {LONG_TURNS} turns takes {size / 1024**2:.2f} MiB on the disk")


if __name__ == "__main__":
    run()
