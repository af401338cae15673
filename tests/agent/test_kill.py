"""Killed at any moment, a conversation loses nothing but the turn that was not over."""

from __future__ import annotations

import multiprocessing
import random
import time
from pathlib import Path
from typing import Any

import pytest

from tests.agent.conversing import all_of
from tests.agent.killing import TURNS, slowly_opened, stands, talk, turn

POINTS = 12
SEED = 20261121
JITTER = 0.04
SILENCE = 60


async def reference(home: Path) -> list[dict[str, Any]]:
    """How the conversation stands before the first turn and after each."""
    session = await slowly_opened(home)
    stood = [stands(session)]
    for number in range(TURNS):
        await all_of(turn(session, number))
        stood.append(stands(session))
    await session.close()
    return stood


def killed(home: Path, after: int, wait: float) -> tuple[int, bool]:
    """Kills the conversation's process `wait` seconds after an event.

    Returns:
        The turns that were over, and whether it was killed in the middle of one.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.agent.killing"])
    here, there = context.Pipe(duplex=False)
    # A daemon: at its end pytest's process would wait for any other that a failed test left behind.
    child = context.Process(target=talk, args=(str(home), there), daemon=True)
    child.start()
    there.close()
    over = events = last = 0
    while events < after and last >= 0:
        assert here.poll(SILENCE), f"nothing came after {events} events"
        last = here.recv()
        over, events = max(over, last), events + 1
    time.sleep(wait)
    child.kill()
    child.join(20)
    try:
        while here.poll():
            last = here.recv()
            over = max(over, last)
    except EOFError:
        pass
    here.close()
    child.close()
    return over, last == 0


@pytest.mark.timeout(300)
async def test_killed_at_many_points_nothing_is_lost(tmp_path: Path) -> None:
    stood = await reference(tmp_path / "reference")
    chance = random.Random(SEED)
    middle = 0
    for point in range(POINTS):
        home = tmp_path / str(point)
        over, cut = killed(home, 1 + point * 4, chance.uniform(0, JITTER))
        middle += cut
        session = await slowly_opened(home)
        now = stands(session)
        reached = over + 1 if now == stood[min(over + 1, TURNS)] and over < TURNS else over
        assert now == stood[reached], f"after {over} turns, point {point}"
        if point % 3 == 0:
            for number in range(reached, TURNS):
                await all_of(turn(session, number))
            assert stands(session) == stood[-1]
        await session.close()
    assert middle >= POINTS // 2
