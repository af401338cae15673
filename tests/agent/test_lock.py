"""Two programs on one conversation: the second is told; a killed one blocks nobody."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from agent.lock import FOLDER, SessionBusyError, SessionLock
from agent.saved import open_archive
from agent.session import open_session
from knowledge.errors import UnknownNameError
from tests.agent.conversing import NEEDS, opened, said
from tests.fakes.retriever import FakeRetriever

ROOT = Path(__file__).parents[2]
HOLDER = """
    import sys, time
    from pathlib import Path
    from agent.lock import SessionLock
    lock = SessionLock(Path(sys.argv[1]), "test")
    lock.acquire()
    print("held", flush=True)
    time.sleep(60)
"""


def holding(home: Path) -> subprocess.Popen[str]:
    """Another process that has the conversation open."""
    child = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(HOLDER), str(home)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "held\n"
    return child


def ended(child: subprocess.Popen[str]) -> None:
    child.send_signal(signal.SIGKILL)
    child.wait(20)
    assert child.stdout is not None
    child.stdout.close()


async def test_the_second_process_is_told_who_has_it_and_what_to_do(tmp_path: Path) -> None:
    first, _ = await opened(tmp_path)
    await said(first, NEEDS)
    await first.close()
    child = holding(tmp_path)
    try:
        with pytest.raises(SessionBusyError) as error:
            await opened(tmp_path)
        assert f"number {child.pid}, since 20" in error.value.message
        assert "--copy" in error.value.hint
        copy = await open_session(
            session="test", home=tmp_path, retriever=FakeRetriever(tmp_path), offline=True, copy=True
        )
        async for _ in copy.open():
            pass
        assert copy.name == "test copy"
        assert next(m["text"] for m in copy.history()) == NEEDS
        await said(copy, "16k context please")
        await copy.close()
    finally:
        ended(child)
    again, _ = await opened(tmp_path)
    assert len(again.history()) == 2
    await again.close()
    async with open_archive(tmp_path) as archive:
        assert await archive.names() == ["test copy", "test"]


async def test_a_killed_process_blocks_nobody(tmp_path: Path) -> None:
    ended(holding(tmp_path))
    assert list((tmp_path / FOLDER).iterdir())
    session, _ = await opened(tmp_path)
    await session.close()
    assert not list((tmp_path / FOLDER).iterdir())


async def test_a_copy_of_nothing_is_refused_with_the_nearest_name(tmp_path: Path) -> None:
    session, _ = await opened(tmp_path, "my work")
    await session.close()
    with pytest.raises(UnknownNameError) as error:
        await open_session(session="my wrok", home=tmp_path, retriever=FakeRetriever(tmp_path), copy=True)
    assert error.value.nearest == ("my work",)


async def test_what_a_killed_turn_left_is_not_copied(tmp_path: Path) -> None:
    session, _ = await opened(tmp_path)
    await said(session, NEEDS)
    turn = session.say("actually an RTX 4060")
    async for _ in turn:
        break
    copy = await open_session(session="test", home=tmp_path, retriever=FakeRetriever(tmp_path), copy=True)
    async for _ in copy.open():
        pass
    assert "4060" not in str(copy.history())
    assert (await said(copy, "16k context please"))[-1].type == "turn_end"
    await turn.aclose()  # type: ignore[attr-defined]  # an async generator behind the protocol
    await copy.close()
    await session.close()


def test_any_name_has_a_lock_of_its_own(tmp_path: Path) -> None:
    locks = [SessionLock(tmp_path, name) for name in ("a", "A", "\u00e9" * 64, "a.b", "a b")]
    for lock in locks:
        lock.acquire()
    for lock in locks:
        lock.release()
        lock.release()


@pytest.mark.skipif(os.name != "posix", reason="permissions of a folder")
def test_where_nothing_can_be_written_there_is_no_lock(tmp_path: Path) -> None:
    (tmp_path / FOLDER).write_text("in the way")
    lock = SessionLock(tmp_path, "a")
    lock.acquire()
    lock.release()
