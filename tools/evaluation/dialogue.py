"""Holds a scenario's conversation with a model: fixed turns as they stand, open ones filled in."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from tools.evaluation.answers import Answered, Asked, Call, Spent, Turn
from tools.evaluation.calls import Desk, Messages
from tools.evaluation.contenders import Contender
from tools.evaluation.format import AssistantMessage, Message, Rubric, Scenario, ToolMessage, UserMessage
from tools.model_calls.errors import ModelError

Ask = Callable[[Messages], Awaitable[Asked]]
"""Gives the model's next turn of a conversation."""
FAILED = {
    "context_full": "the conversation does not fit the model's context",
    "no_tools": "the model cannot call tools",
    "too_long": "the answer did not come to an end",
}
"""Failures that are the model's own, by code: the scenario is not passed."""


def asking(
    desk: Desk,
    who: Contender,
    rubric: Rubric,
    scenario: Scenario,
    seed: int,
    there: Sequence[Asked],
    on_turn: Callable[[Asked], None],
) -> Ask:
    """What asks for the turns of one scenario.

    Args:
        desk: sends the requests.
        who: the model.
        rubric: of the scenario.
        scenario: what is held.
        seed: of the requests.
        there: the first turns, where they were answered before; they are not asked for again.
        on_turn: told each turn as soon as it came.
    """
    tools = [tool.as_request() for tool in (rubric.tools if scenario.tools is None else scenario.tools)]
    answer_tokens = scenario.max_tokens or rubric.max_tokens
    left = deque(there)

    async def ask(messages: Messages) -> Asked:
        if left:
            return left.popleft()
        asked = await desk.ask(who, messages, seed=seed, answer_tokens=answer_tokens, tools=tools or None)
        on_turn(asked)
        return asked

    return ask


async def hold(ask: Ask, scenario: Scenario, system: str | None) -> Answered:
    """The model's turns of one scenario.

    Args:
        ask: gives the model's next turn.
        scenario: what is held.
        system: the system prompt.

    Raises:
        ModelError: no answer came, for a reason that says nothing of the model's ability.
        CeilingError: the ceiling of cost is reached.
    """
    messages: Messages = [{"role": "system", "content": system}] if system else []
    turns: list[Turn] = []
    spent = Spent()
    open_calls: list[tuple[str, str]] = []
    for place, message in enumerate(scenario.turns()):
        if isinstance(message, ToolMessage):
            found = next((call for call in open_calls if call[0] == message.name), None)
            if found is None:
                return Answered(tuple(turns), f"the model did not call {message.name}", spent)
            open_calls.remove(found)
            messages.append({"role": "tool", "tool_call_id": found[1], "content": message.content})
            continue
        _answer_left_over(messages, open_calls)
        if isinstance(message, UserMessage):
            messages.append({"role": "user", "content": message.content})
        elif not message.is_open:
            messages.append(_fixed(message, place, open_calls))
        else:
            try:
                asked = await ask(messages)
            except ModelError as error:
                if error.code in FAILED:
                    return Answered(tuple(turns), FAILED[error.code], spent)
                raise
            turns.append(asked.turn)
            spent += asked.spent
            messages.append(_said(asked.turn, place, open_calls))
    return Answered(tuple(turns), None, spent)


def _answer_left_over(messages: Messages, open_calls: list[tuple[str, str]]) -> None:
    """Calls that the scenario has no result for: servers refuse a conversation that leaves them open."""
    for _, call_id in open_calls:
        messages.append({"role": "tool", "tool_call_id": call_id, "content": "(no result)"})
    open_calls.clear()


def _fixed(message: AssistantMessage, place: int, open_calls: list[tuple[str, str]]) -> dict[str, Any]:
    calls = [Call(call.name, call.arguments) for call in message.calls]
    return _assistant(message.content or "", calls, place, open_calls)


def _said(turn: Turn, place: int, open_calls: list[tuple[str, str]]) -> dict[str, Any]:
    return _assistant(turn.text, turn.calls, place, open_calls)


def _assistant(
    text: str, calls: Sequence[Call], place: int, open_calls: list[tuple[str, str]]
) -> dict[str, Any]:
    """A turn as it goes back to the model; ids are made from the place, the same in every run."""
    made = []
    for at, call in enumerate(calls):
        call_id = f"call_{place}_{at}"
        open_calls.append((call.name, call_id))
        function = {"name": call.name, "arguments": json.dumps(call.arguments or {}, ensure_ascii=False)}
        made.append({"id": call_id, "type": "function", "function": function})
    return {"role": "assistant", "content": text, **({"tool_calls": made} if made else {})}


def shown(given: Sequence[Message], turns: Sequence[Turn]) -> list[tuple[str, str]]:
    """A conversation with the model's turns as far as they came: who says it, and what."""
    rows: list[tuple[str, str]] = []
    left = list(turns)
    for message in given:
        if isinstance(message, AssistantMessage) and message.is_open:
            if not left:
                break
            turn = left.pop(0)
            rows.append(("assistant", with_calls(turn.text, turn.calls)))
        elif isinstance(message, AssistantMessage):
            calls = [Call(call.name, call.arguments) for call in message.calls]
            rows.append(("assistant", with_calls(message.content or "", calls)))
        elif isinstance(message, ToolMessage):
            rows.append((f"tool {message.name}", message.content))
        else:
            rows.append(("user", message.content))
    return rows


def with_calls(text: str, calls: Sequence[Call]) -> str:
    """A turn as text, its calls written out."""
    lines = [text] if text.strip() else []
    lines += [f"[calls {c.name}({json.dumps(c.arguments, ensure_ascii=False)})]" for c in calls]
    return "\n".join(lines)
