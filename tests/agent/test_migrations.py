"""Conversations that other versions saved: older ones are brought up, newer ones are left alone."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from agent.events import Question, Recommendation
from agent.migrations import MIGRATIONS, migrated
from agent.saved import config_of, open_archive
from agent.session import GraphSession
from agent.state import VERSION, State, first_state
from knowledge.errors import NoAnswerError
from knowledge.home import SESSIONS
from tests.agent.conversing import NEEDS, all_of, models, of, opened, said

OLD = Path(__file__).parent / "data" / "sessions-v1.sqlite"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A state folder as version 1 left it: conversations `answered`, `asking`, `empty` and `cut`, which was
    killed while it worked out a recommendation.
    """
    shutil.copy(OLD, tmp_path / SESSIONS)
    return tmp_path


def test_there_is_a_way_from_every_version() -> None:
    assert sorted(MIGRATIONS) == list(range(1, VERSION))


async def test_an_answered_conversation_goes_on(home: Path) -> None:
    session, opening = await opened(home, "answered")
    best = models(opening)
    assert [m["role"] for m in session.history()] == ["user", "advisor", "advisor", "user", "advisor"]
    assert models(await said(session, "I have two RTX 4090 instead")) != best
    assert models(await all_of(session.undo())) == best
    await session.close()
    again, opening = await opened(home, "answered")
    assert models(opening) == best
    await again.close()


async def test_an_open_question_is_still_open(home: Path) -> None:
    session, _ = await opened(home, "asking")
    pending = session._state.get("pending")
    assert pending is not None
    assert pending["reason"] == ""
    before = session._state["needs"]
    await said(session, pending["options"][0])
    assert session._state["needs"] != before
    (again,) = of(await all_of(session.undo()), Question)
    assert again.text == pending["text"]
    await session.close()


async def test_an_empty_one_begins(home: Path) -> None:
    session, _ = await opened(home, "empty")
    assert models(await said(session, NEEDS + ", just tell me"))
    await session.close()


async def test_a_turn_that_was_cut_off_is_finished(home: Path) -> None:
    session, opening = await opened(home, "cut")
    assert of(opening, Recommendation)
    assert [m["text"] for m in session.history() if m["role"] == "user"] == [NEEDS]
    assert models(await said(session, "16k context please"))
    await session.close()


async def _newer(home: Path) -> None:
    session, _ = await opened(home, "test")
    await said(session, NEEDS)
    values: Any = {"version": VERSION + 1, "needs": {"unheard": "of"}}
    await session._graph.aupdate_state(session._config, values, as_node="respond")
    await session.close()


async def _saved(home: Path) -> dict[str, Any]:
    async with open_archive(home) as archive:
        return (await archive.values())["test"][0]


async def test_a_newer_one_is_refused_and_not_touched(home: Path) -> None:
    await _newer(home)
    before = await _saved(home)
    for _ in range(2):  # the lock is let go of
        with pytest.raises(NoAnswerError, match="newer llm-advisor") as error:
            await opened(home, "test")
        assert error.value.code == "newer_version"
    async with open_archive(home) as archive:
        for way in (archive.state("test"), archive.rename("test", "other")):
            with pytest.raises(NoAnswerError, match="newer"):
                await way
    assert await _saved(home) == before
    other, _ = await opened(home, "asking")
    await other.close()


def test_a_state_is_not_changed_by_bringing_it_up() -> None:
    old: dict[str, Any] = {"version": 1, "pending": {"slot": "task", "text": "?", "options": []}}
    new = migrated(old)
    assert old == {"version": 1, "pending": {"slot": "task", "text": "?", "options": []}}
    assert set(new) == set(first_state())
    assert migrated(dict(new)) == new


async def test_an_older_state_in_the_middle_of_each_step(home: Path) -> None:
    for step in ("understand", "decide", "respond"):
        session, _ = await opened(home, step)
        await said(session, "chat on an RTX 3090")
        await _as_version_1(session, step)
        await session.close()
        again, _ = await opened(home, step)
        assert len(again.history()) >= 2
        assert (await again._graph.aget_state(config_of(step))).interrupts
        await again.close()


async def _as_version_1(session: GraphSession, step: str) -> None:
    """Puts the graph before `step`, with a state that knows nothing of version 2."""
    before = {"understand": "listen", "decide": "understand", "respond": "decide"}[step]
    values: Any = State(version=1, input={"text": "personal use"}, route="decide", outcome={})
    if step == "respond":
        values["outcome"] = {"kind": "recommendation"}
    await session._graph.aupdate_state(session._config, values, as_node=before)
    snapshot = await session._graph.aget_state(session._config)
    assert snapshot.next == (step,)
