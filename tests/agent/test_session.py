"""Sessions: resumed, killed, cancelled, on bad files and bad folders; nothing is lost and every turn ends."""

from __future__ import annotations

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest
from pytest_socket import SocketBlockedError

from agent.events import Failure, Message, NeedsChanged, Question, Ready, Recommendation, TurnEnd
from agent.session import open_session
from agent.store import SqliteStore
from knowledge.errors import UsageError
from tests.agent.conversing import NEEDS, all_of, models, of, opened, said, set_aside, words
from tests.fakes.retriever import FakeRetriever

ROOT = Path(__file__).parents[2]
STRICT = {"LANGGRAPH_STRICT_MSGPACK": "true", "PYTHONWARNINGS": "error"}


async def test_a_whole_conversation_opens_no_socket(tmp_path: Path) -> None:
    with pytest.raises((SocketBlockedError, UserWarning)):
        socket.socket(socket.AF_INET)
    session, opening = await opened(tmp_path)
    assert [type(event) for event in opening] == [Ready]
    first = await said(session, "a coding assistant for my RTX 3060 12GB")
    (question,) = of(first, Question)
    assert question.options
    assert question.reason
    await said(session, question.options[0])
    answer = await all_of(session.recommend())
    follow = await said(session, "why not Llama 3.3 70B?")
    await session.close()
    assert models(answer)
    assert "Llama-3.3-70B" in words(follow)
    assert of(follow, Message)[0].citations
    for turn in (first, answer, follow):
        assert isinstance(turn[-1], TurnEnd)
        assert len(of(turn, TurnEnd)) == 1


async def test_a_session_goes_on_where_it_was(tmp_path: Path) -> None:
    session, _ = await opened(tmp_path)
    await said(session, NEEDS)
    best = models(await all_of(session.recommend()))
    history = session.history()
    await session.close()
    again, opening = await opened(tmp_path)
    assert models(opening) == best
    assert of(opening, NeedsChanged)[0].needs["hardware"]["value"]["text"]
    assert again.history() == history
    later = await said(again, "why not the second one?")
    await again.close()
    assert best[1] in words(later)


async def test_two_sessions_know_nothing_of_each_other(tmp_path: Path) -> None:
    one, _ = await opened(tmp_path, "one")
    await said(one, NEEDS)
    await one.close()
    two, opening = await opened(tmp_path, "two")
    await two.close()
    assert [type(event) for event in opening] == [Ready]


CHILD = """
    import asyncio, sys, time
    from pathlib import Path
    import agent.nodes
    from tests.agent.conversing import NEEDS, opened, said
    def stuck(needs):
        print("in the turn", flush=True)
        time.sleep(60)
    agent.nodes.recommend = stuck
    async def main():
        session, _ = await opened(Path(sys.argv[1]))
        await said(session, NEEDS)
        async for _ in session.recommend():
            pass
    asyncio.run(main())
"""


def _kill_in_a_turn(home: Path) -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(CHILD), str(home)],
        cwd=ROOT, env=os.environ | STRICT, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert child.stdout is not None
    assert child.stdout.readline() == "in the turn\n"
    child.send_signal(signal.SIGKILL)
    child.wait(20)
    child.stdout.close()


async def test_a_kill_in_the_middle_of_a_turn_loses_nothing(tmp_path: Path) -> None:
    _kill_in_a_turn(tmp_path)
    session, opening = await opened(tmp_path)
    assert of(opening, Recommendation)
    assert [m["text"] for m in session.history() if m["role"] == "user"] == [NEEDS]
    assert models(await said(session, "16k context please"))
    await session.close()


async def test_a_cancelled_turn_is_as_if_it_had_not_been(tmp_path: Path) -> None:
    session, _ = await opened(tmp_path)
    before = await said(session, "chat on an RTX 3090")
    stream = session.say("actually I have an RTX 4060")
    async for _ in stream:
        break
    await stream.aclose()  # type: ignore[attr-defined]  # an async generator behind the protocol
    second = await said(session, "personal, 8k context, English, local, quality first")
    third = await all_of(session.recommend())
    needs = of(third, NeedsChanged)[-1].needs
    await session.close()
    assert of(before, Question)
    assert second
    assert "3090" in needs["hardware"]["value"]["text"]
    assert "RTX 4060" not in json.dumps(session.history())
    assert models(third)


async def test_a_failure_inside_leaves_the_session_usable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session, _ = await opened(tmp_path)
    await said(session, NEEDS)
    with monkeypatch.context() as broken:

        def fail(_: object) -> None:
            raise RuntimeError("a bug")

        broken.setattr("agent.nodes.recommend", fail)
        with pytest.raises(RuntimeError, match="a bug"):
            await all_of(session.recommend())
    assert models(await all_of(session.recommend()))
    await session.close()


async def test_a_damaged_file_is_set_aside_and_said(tmp_path: Path) -> None:
    (tmp_path / "sessions.sqlite").write_bytes(b"this is no database" * 400)
    session, opening = await opened(tmp_path)
    (failure,) = of(opening, Failure)
    assert failure.code == "state"
    assert "set aside" in failure.message
    assert [content[:19] for content in set_aside(tmp_path)] == [b"this is no database"]
    await said(session, NEEDS)
    assert models(await all_of(session.recommend()))
    await session.close()
    again, opening = await opened(tmp_path)
    await again.close()
    assert not of(opening, Failure)
    assert models(opening)


async def test_without_a_folder_the_conversation_is_held_in_memory(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    home = tmp_path / "file" / "home"
    session, opening = await opened(home)
    (failure,) = of(opening, Failure)
    assert "cannot be saved" in failure.message
    assert "LLM_ADVISOR_HOME" in failure.hint
    await said(session, NEEDS)
    assert models(await all_of(session.recommend()))
    await session.close()


async def test_a_folder_that_fills_up_loses_no_turn(tmp_path: Path) -> None:
    session, _ = await opened(tmp_path)
    await said(session, NEEDS)
    assert isinstance(session._store, SqliteStore)
    await session._store.connection.execute("PRAGMA max_page_count = 1")
    events = await all_of(session.recommend())
    (failure,) = of(events, Failure)
    assert "cannot be saved" in failure.message
    assert models(events)
    assert isinstance(events[-1], TurnEnd)
    later = await said(session, "what if I had two of them?")
    await session.close()
    assert models(later)
    assert next(m["text"] for m in session.history() if m["role"] == "user") == NEEDS


async def test_a_full_disk_at_the_start_leaves_what_was_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, _ = await opened(tmp_path)
    await said(first, NEEDS)
    await first.close()
    before = first.history()

    def fail(*_: object, **__: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr("langgraph.checkpoint.sqlite.aio.AsyncSqliteSaver.aput", fail)
    monkeypatch.setattr("langgraph.checkpoint.sqlite.aio.AsyncSqliteSaver.aput_writes", fail)
    for name in ("test", "new"):
        session, opening = await opened(tmp_path, name)
        events = [*opening, *await said(session, "16k context please")]
        assert session.history()[: len(before)] == (before if name == "test" else session.history()[:2])
        await session.close()
        assert [failure.code for failure in of(events, Failure)] == ["state"]
        assert isinstance(events[-1], TurnEnd)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "?",
        "[/red] [bold",
        "\x1b[31m\x00\x07",
        "[[]]{{}}%s{0}",
        "\u202e\u200b\ufeff",
        "\U0001d573\U0001f600",
    ],
)
async def test_strange_messages_are_answered(text: str, tmp_path: Path) -> None:
    session, _ = await opened(tmp_path)
    for _ in range(2):
        events = await said(session, text)
        assert isinstance(events[-1], TurnEnd)
        assert words(events)
        assert not of(events, Failure)
    await session.close()


async def test_a_message_of_100_kb_is_read_in_part_and_that_is_said(tmp_path: Path) -> None:
    session, _ = await opened(tmp_path)
    events = await said(session, "chat on an RTX 3090. " + "and so on " * 10_000)
    await session.close()
    assert "characters were read" in words(events)
    assert of(events, NeedsChanged)[0].needs["hardware"]


def _plain(value: Any) -> bool:
    return bool(json.loads(json.dumps(value)) == value)


async def test_the_state_is_plain_json_and_old_checkpoints_go(tmp_path: Path) -> None:
    session, _ = await opened(tmp_path)
    await said(session, NEEDS)
    await all_of(session.recommend())
    counts = []
    assert isinstance(session._store, SqliteStore)
    for text in ("smaller please", "why?", "what if I had 64 GB of RAM?"):
        await said(session, text)
        rows = await session._store.connection.execute("SELECT COUNT(*) FROM checkpoints")
        counts += [row[0] for row in await rows.fetchall()]
    snapshot = await session._graph.aget_state(session._config)
    await session.close()
    assert _plain(snapshot.values)
    assert max(counts) == counts[0]
    assert counts[0] <= 2


STRICT_CHILD = """
    import asyncio, sys
    from pathlib import Path
    from tests.agent.conversing import NEEDS, all_of, models, opened, said
    async def main():
        for turn in range(2):
            session, _ = await opened(Path(sys.argv[1]))
            await said(session, NEEDS)
            assert models(await all_of(session.recommend()))
            await session.close()
    asyncio.run(main())
"""


def test_checkpoints_hold_nothing_that_strict_reading_refuses(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(STRICT_CHILD), str(tmp_path)],
        cwd=ROOT, env=os.environ | STRICT, capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")


async def test_a_turn_stays_far_below_the_recursion_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent.session.RECURSION_LIMIT", 6)
    session, _ = await opened(tmp_path)
    await said(session, NEEDS)
    assert models(await all_of(session.recommend()))
    await session.close()


@pytest.mark.parametrize("name", ["", "a/b", "x" * 65, "../up"])
async def test_bad_session_names_are_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        await open_session(session=name, home=tmp_path, retriever=FakeRetriever(tmp_path))


async def test_offline_refuses_every_model_but_the_built_in(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="network"):
        await open_session(model="gpt-5", offline=True, home=tmp_path, retriever=FakeRetriever(tmp_path))
