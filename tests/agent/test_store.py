"""The file of conversations: opened, refused, set aside."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from agent.store import memory_store, open_store
from knowledge.home import SESSIONS
from tests.agent.conversing import set_aside


async def test_a_new_file_is_made_and_written(tmp_path: Path) -> None:
    store = await open_store(tmp_path / "deep" / "home")
    assert store.notice is None
    await store.close()
    with sqlite3.connect(tmp_path / "deep" / "home" / SESSIONS) as file:
        tables = {row[0] for row in file.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    assert {"checkpoints", "writes"} <= tables


async def test_an_empty_file_is_no_damage(tmp_path: Path) -> None:
    (tmp_path / SESSIONS).touch()
    store = await open_store(tmp_path)
    await store.close()
    assert store.notice is None


async def test_a_cut_file_is_set_aside_with_all_its_bytes(tmp_path: Path) -> None:
    store = await open_store(tmp_path)
    await store.close()
    whole = (tmp_path / SESSIONS).read_bytes()
    (tmp_path / SESSIONS).write_bytes(whole[: len(whole) // 2 + 100])
    kept = (tmp_path / SESSIONS).read_bytes()
    again = await open_store(tmp_path)
    await again.close()
    assert again.notice is not None
    assert again.notice.code == "state"
    assert f"{SESSIONS}.damaged-" in again.notice.message
    assert set_aside(tmp_path) == [kept]


async def test_what_cannot_be_written_is_kept_in_memory_and_said(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file where the folder should be")
    store = await open_store(tmp_path / "home")
    assert not store.lasting
    assert store.notice is not None
    assert str(tmp_path) not in store.notice.message
    await store.forget_old("any")
    await store.close()


@pytest.mark.parametrize("reason", ["the disk is full", "read-only file system"])
def test_the_reason_is_part_of_the_sentence(reason: str) -> None:
    notice = memory_store(reason).notice
    assert notice is not None
    assert reason in notice.message
    assert notice.message.count(".") == 1


LEFT_OPEN = """
import asyncio, sys
from pathlib import Path
from agent.store import open_store

kept = []

async def open_and_fail():
    kept.append(await open_store(Path(sys.argv[1])))
    raise RuntimeError

asyncio.run(open_and_fail())
"""


def test_a_store_that_an_error_left_open_does_not_hold_up_the_end(tmp_path: Path) -> None:
    command = [sys.executable, "-c", LEFT_OPEN, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, timeout=60, check=False)
    assert done.returncode == 1
    assert b"RuntimeError" in done.stderr
