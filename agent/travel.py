"""The step of a turn that takes something back or changes the branch."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import cast

from agent.events import Branch, Event, Failure, Message, Recommendation
from agent.standing import open_question, standing, wish_question
from agent.state import State
from agent.timeline import MAIN, branch_of, branches_of, enter, leave, undo
from knowledge.errors import UsageError

Emit = Callable[[Event], None]
COMMANDS = ("undo", "branch", "return")
QUOTED = 80


async def travel(state: State, emit: Emit) -> State:
    """Does the command of the input, and tells how the conversation then stands."""
    given = state.get("input", {})
    change, told, gone = State(), "", True
    try:
        change, told = _done(state, str(given.get("command", "")), str(given.get("name", "")))
    except UsageError as error:
        emit(Failure(error.code, error.message, error.hint))
        gone = False
    now = cast("State", {**state, **change})
    needs, *recommended = await asyncio.to_thread(standing, now)
    if not gone:
        recommended = []  # it stands where it stood
    emit(Branch(branch_of(now), branches_of(now)))
    emit(needs)
    question = open_question(now)
    if question is not None and any(isinstance(event, Recommendation) for event in recommended):
        told, question = f"{told}\n\nStill open: {question.text}".strip(), None
    if told:
        emit(Message(told))
    for event in (*recommended, *([question] if question else [])):
        emit(event)
    return change


def _done(state: State, command: str, name: str) -> tuple[State, str]:
    """What changes, and one sentence on it."""
    if command == "undo":
        change, said = undo(state)
        what = f"\u201c{_short(said)}\u201d" if said else "the last answer"
        gone = state.get("messages", [])[len(change.get("messages", [])) :]
        stays = " What was done outside the conversation stays." if any(m.get("deed") for m in gone) else ""
        return change, f"Taken back: {what}.{stays}"
    if command == "branch":
        change, new = enter(state, name)
        where = f"\u201c{branch_of(change)}\u201d"
        told = f"This is the branch {where} again."
        if new:
            told = f"This is the new branch {where}; what it came from stays as it is, and you can return."
    else:
        change = leave(state)
        told = f"Back in \u201c{branch_of(change) or MAIN}\u201d; the branch is kept."
    return change, told + _dropped(state)


def _dropped(state: State) -> str:
    """That a tool which waited for a yes was left; the question for it does not come along."""
    wish = state.get("wish")
    return f" Nothing was done about \u201c{wish_question(wish).text}\u201d" if wish else ""


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= QUOTED else line[: QUOTED - 1] + "\u2026"
