"""The benchmark of many conversations, in small."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.sessions import growth, size_of_long, together
from tests.eval.conversation import fixed_machine

MIB = 1024**2


@pytest.fixture(autouse=True)
def _one_machine() -> Iterator[None]:
    with fixed_machine():
        yield


async def test_conversations_one_after_another_do_not_pile_up(tmp_path: Path) -> None:
    assert await growth(tmp_path, 12, 6) < 20 * MIB


async def test_conversations_at_once_all_end(tmp_path: Path) -> None:
    assert await together(tmp_path, 8) == 8


async def test_a_long_conversation_stays_small(tmp_path: Path) -> None:
    assert await size_of_long(tmp_path, 12) < MIB
