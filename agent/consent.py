"""Tools with side effects or cost run only when the person says yes: the question, the wait and the deed."""

from __future__ import annotations

import asyncio
import time
from contextlib import aclosing
from typing import Any

from agent.events import CONFIRM, Status, ToolCall
from agent.pulling import checked_tag, pull
from agent.standing import NO, YES, wish_question
from agent.state import Outcome, State, spoken
from agent.travel import COMMANDS
from agent.understanding.replies import read_reply
from agent.understanding.text import prepare
from agent.understanding.types import Asked
from agent.voice import Emit, VoiceError
from knowledge.errors import UsageError
from knowledge.settings import load_settings
from tools.registry import PULL, run_guarded

LEFT = "I left it as it is."


def ask_consent(state: State, outcome: Outcome, emit: Emit) -> State:
    """Asks about the tool that a model would call; a question that was open before stays open."""
    wish = outcome["wish"]
    question = wish_question(wish)
    emit(question)
    said = [*state.get("messages", []), spoken("advisor", question.text)]
    return State(wish=wish, messages=said, outcome=Outcome())


def take_consent(state: State, given: dict[str, Any]) -> State:
    """What the answer leads to: the deed, a word that it was left, or, where it is none, its own turn."""
    if given.get("command") in COMMANDS:
        return State(input=given, route="understand")  # where nothing comes of it, the question stays open
    text = str(given.get("text", ""))
    reply = read_reply(prepare(text), Asked(CONFIRM, (YES, NO))) if text else None
    change = State(input=given, wish=None)
    if reply is None or reply.option is None:
        return State(**change | {"route": "understand"})
    heard = [*state.get("messages", []), spoken("user", text)]
    if reply.option == YES:
        done = Outcome(wish=state.get("wish") or {})
        return State(**change | {"route": "act", "outcome": done, "messages": heard})
    left = Outcome(kind="reply", text=LEFT)
    return State(**change | {"route": "respond", "outcome": left, "messages": heard})


async def act(state: State, emit: Emit, *, offline: bool) -> State:
    """Runs the tool that the person said yes to, and says what came of it.

    Args:
        state: `outcome.wish` is the tool.
        emit: takes the events.
        offline: the network is forbidden, which all of these tools need.
    """
    wish = state.get("outcome", Outcome()).get("wish") or {}
    name, arguments = str(wish.get("tool", "")), dict(wish.get("arguments", {}))
    emit(Status(f"running {name}"))
    started = time.monotonic()
    try:
        if offline:
            raise UsageError("--offline forbids the network.", hint="Start again without --offline.")
        if name == PULL:
            document = await _pulled(str(arguments.get("model", "")), emit)
        else:
            document = await asyncio.to_thread(run_guarded, name, arguments)
    except UsageError as error:
        document = {"error": error.as_json()}
    emit(ToolCall(name, arguments, document, round(time.monotonic() - started, 3)))
    return State(outcome=Outcome(kind="reply", text=_told(document), deed="error" not in document))


async def _pulled(name: str, emit: Emit) -> dict[str, Any]:
    """Downloads a model into Ollama and tells how far it is.

    Raises:
        UsageError: the name is none.
    """
    tag = checked_tag(name)
    settings = await asyncio.to_thread(load_settings)
    try:
        async with aclosing(pull(tag, settings.connect_seconds)) as steps:
            async for step in steps:
                emit(step)
    except VoiceError as error:
        return {"error": {"code": error.code, "message": error.message, "hint": error.hint}}
    return {"pulled": tag, "commands": [f"ollama run {tag}"]}


def _told(document: dict[str, Any]) -> str:
    """The result of a guarded tool in a few sentences, from the result alone."""
    failed = document.get("error")
    if failed:
        return f"That did not work: {failed['message']} {failed.get('hint', '')}".strip()
    if "pulled" in document:
        lines = [
            f"**{document['pulled']}** is in Ollama now. "
            f"`/model ollama_chat/{document['pulled']}` lets it word the answers here."
        ]
    else:
        lines = [f"**{document['model']}** is among your models now."]
    if document.get("unknown"):
        lines.append(f"Not known of it: {', '.join(document['unknown'])}.")
    lines += [f"- `{command}`" for command in document.get("commands", ())]
    return "\n".join(lines)
