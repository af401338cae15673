"""Going back and aside: what is taken back, what a branch keeps, and what comes back after a restart."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from agent.events import Branch, Event, Failure, Message, NeedsChanged, Question, Recommendation, TurnEnd
from agent.session import GraphSession
from agent.state import State, first_state, spoken
from agent.timeline import MAX_BRANCHES, MAX_UNDO, branches_of, enter, leave, remembered, undo
from knowledge.errors import UsageError
from tests.agent.conversing import NEEDS, all_of, models, of, opened, said, words


def needs(events: list[Event]) -> dict[str, Any]:
    return of(events, NeedsChanged)[-1].needs


def texts(session: GraphSession) -> list[str]:
    return [message["text"] for message in session.history()]


async def test_undo_goes_back_turn_by_turn_to_the_beginning(tmp_path: Path) -> None:
    session, _ = await opened(tmp_path)
    stood: list[tuple[dict[str, Any], list[str]]] = [({}, [])]
    for text in ("a coding assistant for my RTX 3060 12GB", "personal use", "32k context, quality first"):
        stood.append((needs(await said(session, text)), texts(session)))
    best = models(await all_of(session.recommend()))
    await said(session, "I have an RTX 4090 instead")
    back = await all_of(session.undo())
    assert models(back) == best
    assert "RTX 4090" in words(back)
    assert "RTX 4090" not in json.dumps(session.history())
    await all_of(session.undo())
    assert texts(session) == stood[-1][1]
    for expected, transcript in reversed(stood[:-1]):
        events = await all_of(session.undo())
        assert (needs(events), texts(session)) == (expected, transcript)
        assert [type(event) for event in events].count(TurnEnd) == 1
    (failure,) = of(await all_of(session.undo()), Failure)
    assert "nothing to take back" in failure.message
    assert needs(await said(session, "chat on an RTX 3090"))["hardware"]
    await session.close()


async def test_a_question_comes_back_marked_and_takes_an_answer(tmp_path: Path) -> None:
    session, _ = await opened(tmp_path)
    first = await said(session, "a coding assistant for my RTX 3060 12GB")
    (question,) = of(first, Question)
    await said(session, question.options[0])
    back = await all_of(session.undo())
    (again,) = of(back, Question)
    assert (again.text, again.options, again.reason) == (question.text, question.options, question.reason)
    assert again.clarifies
    assert needs(await said(session, question.options[-1])) != needs(back)
    await session.close()


async def test_a_branch_leaves_the_conversation_as_it_was(tmp_path: Path) -> None:
    session, _ = await opened(tmp_path)
    await said(session, NEEDS)
    best = models(await all_of(session.recommend()))
    transcript = texts(session)
    into = await all_of(session.branch("bigger card"))
    assert of(into, Branch) == [Branch("bigger card", ["bigger card"])]
    assert models(into) == best
    other = models(await said(session, "I have two RTX 4090 instead"))
    aside = texts(session)
    assert other != best
    back = await all_of(session.leave())
    assert (models(back), texts(session)) == (best, transcript)
    assert "3090" in json.dumps(needs(back)["hardware"])
    await session.close()
    again, _ = await opened(tmp_path)
    assert models(await all_of(again.branch("bigger card"))) == other
    assert texts(again) == aside
    (failure,) = of(await all_of(again.branch("bigger card")), Failure)
    assert "already" in failure.message
    await again.close()
    third, opening = await opened(tmp_path)
    assert of(opening, Branch) == [Branch("bigger card", ["bigger card"])]
    assert models(opening) == other
    await third.close()


async def test_a_branch_is_undone_to_its_beginning_and_no_further(tmp_path: Path) -> None:
    session, _ = await opened(tmp_path)
    await said(session, "chat on an RTX 3090")
    before = texts(session)
    await all_of(session.branch("aside"))
    await said(session, "actually an RTX 4060")
    await all_of(session.undo())
    assert texts(session) == before
    (failure,) = of(await all_of(session.undo()), Failure)
    assert "aside" in failure.message
    await all_of(session.leave())
    await all_of(session.undo())
    assert texts(session) == []
    (failure,) = of(await all_of(session.leave()), Failure)
    assert "main" in failure.message
    await session.close()


async def test_undo_survives_a_restart(tmp_path: Path) -> None:
    session, _ = await opened(tmp_path)
    await said(session, "chat on an RTX 3090")
    await said(session, "personal use, 8k context")
    await session.close()
    again, _ = await opened(tmp_path)
    await all_of(again.undo())
    await all_of(again.undo())
    assert again.history() == []
    await again.close()


async def test_a_turn_never_holds_a_question_beside_a_recommendation(tmp_path: Path) -> None:
    session, _ = await opened(tmp_path)
    turns = [await said(session, "a coding assistant for my A100"), await all_of(session.recommend())]
    turns += [await said(session, text) for text in ("on the A100", "what about 128k context?")]
    for way in (session.undo, session.undo, session.undo, session.undo):
        turns.append(await all_of(way()))
    for events in turns:
        assert len(of(events, Question)) + len(of(events, Recommendation)) <= 1
        assert len(of(events, Message)) <= 2
    await session.close()


def _turns(count: int) -> State:
    state = first_state()
    for number in range(count):
        state["earlier"] = remembered(state)
        state["asked"] = [f"slot {number}"]
        state["messages"] = [*state["messages"], spoken("user", f"message {number}")]
    return state


def test_only_so_many_turns_are_kept_and_each_costs_little() -> None:
    state = _turns(MAX_UNDO + 20)
    assert len(state["earlier"]) == MAX_UNDO
    assert set(state["earlier"][0]["state"]) == {"asked"}
    for number in reversed(range(20, MAX_UNDO + 20)):
        change, text = undo(state)
        assert text == f"message {number}"
        state = State(**{**state, **change})
        assert state["asked"] == [f"slot {number - 1}"]
    with pytest.raises(UsageError):
        undo(state)


def test_branches_of_branches_return_step_by_step() -> None:
    state = _turns(2)
    for name in ("a", "b"):
        change, new = enter(state, name)
        assert new
        state = State(**{**state, **change})
        state["earlier"] = remembered(state)
        state["messages"] = [*state["messages"], spoken("user", f"in {name}")]
    assert state["path"] == ["a", "b"]
    state = State(**{**state, **leave(state)})
    assert (state["path"], state["messages"][-1]["text"]) == (["a"], "in a")
    state = State(**{**state, **leave(state)})
    assert (state["path"], state["messages"][-1]["text"]) == ([], "message 1")
    change, new = enter(state, "b")
    assert not new
    assert change["messages"][-1]["text"] == "in b"
    assert sorted(branches_of(State(**{**state, **change}))) == ["a", "b"]


@pytest.mark.parametrize("name", ["", "  ", "main", "a/b", "x" * 41, "[red]"])
def test_bad_names_of_branches_are_refused(name: str) -> None:
    with pytest.raises(UsageError):
        enter(_turns(1), name)


def test_the_number_of_branches_has_a_limit() -> None:
    state = _turns(1)
    for number in range(MAX_BRANCHES):
        state = State(**{**state, **enter(state, f"b{number}")[0]})
        state = State(**{**state, **leave(state)})
    with pytest.raises(UsageError, match="at most"):
        enter(state, "one more")
