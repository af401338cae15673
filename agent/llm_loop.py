"""The bounded loop in which a model answers a question with tools.

A model that can call tools does so natively; any other is asked for the same calls as JSON. Either way it
ends after `desk.left` calls or `STEPS` steps (a request, or the calls of a reply), and then has to answer.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Awaitable, Callable
from typing import Any

from agent.llm_tools import ToolDesk
from agent.prompts import prompt
from agent.text_calls import is_call_like, text_calls
from agent.tool_repair import meant
from agent.voice import VoiceError
from tools.model_calls.client import Reply
from tools.model_calls.loose_json import read_object
from tools.model_calls.stream import Call

STEPS = 12
ROUNDS = STEPS // 2
MOST_REPEATED = 4_000
"""Characters of a faulty reply that are shown to the model again."""
AGAIN = (
    "That is not the JSON object that was asked for ({problem}). Answer with "
    '{"tool": ..., "arguments": {...}} or with {"answer": "..."}, and nothing else.'
)
UNREAD = "That is no call that can be read. Call one of the tools, or answer in plain words."
Messages = list[dict[str, Any]]
Functions = list[dict[str, Any]]
Ask = Callable[[Messages, list[dict[str, Any]] | None, dict[str, Any] | None], Awaitable[Reply]]
"""A request with its tools or the form of its answer."""


async def answer_with_calls(ask: Ask, request: str, desk: ToolDesk, tools: Functions) -> str:
    """The answer of a model that can call tools; "" where it said nothing or would not stop.

    Args:
        ask: sends a request.
        request: what is asked, and what is known.
        desk: runs the calls.
        tools: those that are in view.

    Raises:
        VoiceError: the model failed, or it cannot call tools after all (`no_tools`).
    """
    messages = _opening(prompt("answer"), request)
    repaired = False
    for _ in range(ROUNDS):
        try:
            reply = await ask(messages, tools, None)
        except VoiceError as error:
            if error.code != "context_full":
                raise
            return ""  # without the list of tools the rest may still fit
        calls = reply.calls or text_calls(reply.text, desk.names)
        if not calls and is_call_like(reply.text):
            if repaired:
                return ""
            repaired = True
            messages.append({"role": "assistant", "content": reply.text[:MOST_REPEATED]})
            messages.append({"role": "user", "content": UNREAD})
            continue
        if not calls:
            return reply.text
        for call in calls:
            call.id = f"{call.id}_{len(messages)}"  # some servers begin to count again in each reply
        said = [call.as_message() for call in calls]
        messages.append({"role": "assistant", "content": "", "tool_calls": said})
        for call in calls:
            messages.append({"role": "tool", "tool_call_id": call.id, "content": await desk.run(call)})
        if desk.left <= 0 or desk.wish is not None:
            break
    return ""


async def answer_in_form(ask: Ask, request: str, desk: ToolDesk, tools: Functions) -> str:
    """The same for a model that cannot call tools: it names them in JSON; what is no JSON is its answer.

    Raises:
        VoiceError: the model failed.
    """
    messages = _opening(f"{prompt('answer')}\n\n{_tools_told(tools)}", request)
    repaired = False
    for _ in range(ROUNDS):
        try:
            reply = await ask(messages, None, form(tools))
        except VoiceError as error:
            if error.code != "context_full":
                raise
            return ""
        answer, call, problem = read_step(reply.text, desk)
        if answer is not None:
            return answer
        messages.append({"role": "assistant", "content": reply.text[:MOST_REPEATED]})
        if call is not None:
            messages.append({"role": "user", "content": f"Result of {call.name}:\n{await desk.run(call)}"})
            if desk.left <= 0 or desk.wish is not None:
                return ""
        elif repaired:
            return ""
        else:
            repaired = True
            messages.append({"role": "user", "content": AGAIN.replace("{problem}", problem)})
    return ""


def read_step(text: str, desk: ToolDesk) -> tuple[str | None, Call | None, str]:
    """What a reply in the form is: an answer, a call, or neither, with what is wrong."""
    bare = text.strip()
    if calls := text_calls(bare, desk.names):
        return None, calls[0], ""
    try:
        document = read_object(bare)
    except ValueError as error:
        is_wrong = bare[:1] in ("{", "`") or is_call_like(bare)
        return (None, None, str(error)) if is_wrong else (bare, None, "")
    name = document.get("tool") or document.get("name")
    if isinstance(name, str) and name:
        arguments = document.get("arguments", document.get("parameters", {}))
        written = arguments if isinstance(arguments, str) else json.dumps(arguments)
        return None, Call(f"call_{secrets.token_hex(6)}", meant(name, desk.names), written), ""
    answer = document.get("answer")
    if isinstance(answer, str):
        return answer.strip(), None, ""
    if bare[:1] in ("{", "`"):
        return None, None, "it has neither `tool` nor `answer`"
    return bare, None, ""  # prose that happens to hold an object


def form(tools: Functions) -> dict[str, Any]:
    """JSON Schema of one step."""
    properties = {
        "tool": {"type": "string", "enum": [tool["function"]["name"] for tool in tools]},
        "arguments": {"type": "object"},
        "answer": {"type": "string"},
    }
    return {"type": "object", "properties": properties}


def _tools_told(tools: Functions) -> str:
    lines = []
    for row in tools:
        function = row["function"]
        arguments = ", ".join(function["parameters"]["properties"])
        lines.append(f"- {function['name']}({arguments}): {function['description']}")
    return prompt("form").replace("{tools}", "\n".join(lines))


def _opening(system: str, request: str) -> Messages:
    return [{"role": "system", "content": system}, {"role": "user", "content": request}]
