"""Going back and aside in a conversation: turns taken back, branches gone into and returned from.

All of it is part of the state. It is saved, killed, copied, exported and served with the conversation, and no
store must keep earlier checkpoints.
"""

from __future__ import annotations

import re
from typing import Any, cast

from agent.state import Line, Moment, State, first_state
from knowledge.errors import UsageError

MAX_UNDO = 50
"""Turns that can be taken back."""
MAX_BRANCHES = 12
"""Branches of one conversation; each holds its messages from the beginning."""
MAIN = "main"
"""What the main line is called; in the state its name is empty."""
NAME = re.compile(r"[\w.\- ]{1,40}")
APART = {"version", "messages", "earlier", "path", "lines", "input", "route", "outcome", "wish", "spent"}
"""Keys that a moment does not hold: they are kept otherwise, belong to one turn, or are never taken back."""


def _slots(state: State) -> dict[str, Any]:
    return {key: value for key, value in state.items() if key not in APART}


def remembered(state: State) -> list[Moment]:
    """`earlier` of a turn that begins at `state`.

    Only the newest moment is whole. The one before it keeps what differs, which is little: most turns change
    one slot.
    """
    here = _slots(state)
    earlier = list(state.get("earlier", []))
    if earlier:
        last = earlier[-1]
        differs = {key: value for key, value in last["state"].items() if here.get(key) != value}
        earlier[-1] = Moment(state=differs, messages=last["messages"])
    earlier.append(Moment(state=here, messages=len(state.get("messages", []))))
    return earlier[-MAX_UNDO:]


def _back_at(slots: dict[str, Any]) -> State:
    """A change that brings all slots to these values, also those that came later."""
    blank = cast("State", _slots(first_state()))
    return cast("State", {**blank, **slots, "outcome": {}, "wish": None})


def undo(state: State) -> tuple[State, str]:
    """Takes the last turn back.

    Returns:
        What changes, and what was said in that turn (empty where the answer was asked for without a word).

    Raises:
        UsageError: there is nothing to take back.
    """
    earlier = list(state.get("earlier", []))
    if not earlier:
        branch = branch_of(state)
        raise UsageError(
            "There is nothing to take back" + (f" in the branch \u201c{branch}\u201d." if branch else "."),
            hint="Return to the conversation that it came from." if branch else "Say what you need.",
        )
    moment = earlier.pop()
    if earlier:
        before = earlier[-1]
        earlier[-1] = Moment(state={**moment["state"], **before["state"]}, messages=before["messages"])
    messages = state.get("messages", [])
    said = next((m["text"] for m in messages[moment["messages"] :] if m["role"] == "user"), "")
    change = _back_at(moment["state"])
    change |= State(messages=messages[: moment["messages"]], earlier=earlier)
    return change, said


def branch_of(state: State) -> str:
    """The branch in view; empty on the main line."""
    return (state.get("path") or [""])[-1]


def branches_of(state: State) -> list[str]:
    """The names of all branches, oldest first."""
    names = dict.fromkeys([*state.get("lines", {}), *state.get("path", [])])
    return [name for name in names if name]


def enter(state: State, name: str) -> tuple[State, bool]:
    """Goes into a branch; a new name begins one here.

    Returns:
        What changes, and whether the branch is new.

    Raises:
        UsageError: the name cannot be used, it is the branch in view, or there are too many.
    """
    if not NAME.fullmatch(name) or not name.strip() or name.strip() == MAIN:
        raise UsageError(
            "A branch's name has 1 to 40 letters, digits, dots, dashes or spaces, and is not `main`.",
            hint="For example bigger-card; to leave a branch, return from it.",
        )
    name = name.strip()
    if name == branch_of(state):
        raise UsageError(f"You are in the branch \u201c{name}\u201d already.", hint="Return to leave it.")
    lines = _put_away(state)
    found = lines.pop(name, None)
    if found is not None:
        return _into(found, lines), False
    if len(branches_of(state)) >= MAX_BRANCHES:
        raise UsageError(
            f"A conversation has at most {MAX_BRANCHES} branches.", hint="Go into one that is there."
        )
    return State(path=[*state.get("path", []), name], lines=lines, earlier=[], wish=None), True


def leave(state: State) -> State:
    """Returns from the branch in view to the line that it came from; the branch is kept.

    Raises:
        UsageError: no branch is in view.
    """
    path = state.get("path", [])
    if not path:
        raise UsageError("This is the main conversation already.", hint="A branch is begun with a name.")
    lines = _put_away(state)
    parent = path[-2] if len(path) > 1 else ""
    return _into(lines.pop(parent), lines)


def _put_away(state: State) -> dict[str, Line]:
    line = Line(
        path=list(state.get("path", [])),
        state=_slots(state),
        messages=state.get("messages", []),
        earlier=state.get("earlier", []),
    )
    return {**state.get("lines", {}), branch_of(state): line}


def _into(line: Line, lines: dict[str, Line]) -> State:
    change = _back_at(line["state"])
    change |= State(messages=line["messages"], earlier=line["earlier"], path=line["path"], lines=lines)
    return change
