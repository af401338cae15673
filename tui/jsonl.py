"""`chat --json`: one JSON object a line in, events out, exactly one `turn_end` an input line."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing
from typing import Any, BinaryIO

from agent.events import Event, Failure, Message, Question, Status, TurnEnd
from agent.protocol import Session, SessionFactory
from knowledge.errors import AdvisorError, UsageError
from tui.error_log import note_error
from tui.event_stream import each
from tui.json_requests import MAX_LINE, json_object
from tui.line_source import read_lines
from tui.model_commands import JSON_COMMANDS, json_turn
from tui.output import write_json

MAX_TEXT = 1_000_000
"""Characters of a message; nobody writes more by hand."""


async def run(open_session: SessionFactory, stdin: BinaryIO) -> int:
    """Holds the conversation until the input ends.

    Raises:
        AdvisorError: The session cannot be opened.
    """
    session = await open_session()
    try:
        await each(session.open(), _put_opening)
        async with aclosing(read_lines(stdin, MAX_LINE)) as lines:
            async for line in lines:
                await _turn(session, line)
    finally:
        await session.close()
    return 0


def _put_opening(event: Event) -> None:
    """Nothing is asked before the first input: a question that was open is told as what was said last."""
    _put(Message(event.text) if isinstance(event, Question) else event)


async def _turn(session: Session, line: bytes) -> None:
    """Answers one line; whatever goes wrong, the turn ends and the next line is read."""
    try:
        await each(_events(session, json_object(line)), _put)
    except AdvisorError as error:
        _put(Failure(error.code, error.message, error.hint))
    except BrokenPipeError:
        raise  # nobody reads any more
    except Exception as error:
        note_error(error)
        _put(
            Failure(
                "internal",
                f"Something went wrong inside the advisor ({type(error).__name__}).",
                "The conversation is kept; send the message again or `llm-advisor doctor --report`.",
            )
        )
    write_json(TurnEnd().as_json(), line=True)


def _events(session: Session, message: Mapping[str, Any]) -> AsyncIterator[Event]:
    """The turn that an input object asks for.

    Raises:
        UsageError: The object is neither a text nor a known command.
    """
    if message.get("command") in JSON_COMMANDS:
        return json_turn(session.models, message)
    if "command" in message:
        return _command(session, message)
    text = message.get("text")
    if set(message) != {"text"} or not isinstance(text, str):
        raise UsageError(
            "An input line holds a text or a command.",
            hint='Send {"text": "..."} or {"command": "recommend"}.',
        )
    if len(text) > MAX_TEXT:
        raise UsageError(f"The message is longer than {MAX_TEXT:,} characters.", hint="Send the gist of it.")
    # JSON may hold halves of surrogate pairs, which no file and no terminal can store.
    return session.say(text.encode("utf-8", "replace").decode("utf-8"))


def _command(session: Session, message: Mapping[str, Any]) -> AsyncIterator[Event]:
    """The turn of a command.

    Raises:
        UsageError: There is no such command, or it holds something else than it takes.
    """
    command, keys = message["command"], set(message)
    if command == "branch" and keys == {"command", "name"} and isinstance(message["name"], str):
        return session.branch(message["name"])
    if command == "branch":
        raise UsageError("A branch has a name.", hint='Send {"command": "branch", "name": "bigger-card"}.')
    if command == "change":
        slot, text = message.get("slot"), message.get("text")
        if keys != {"command", "slot", "text"} or not (isinstance(slot, str) and isinstance(text, str)):
            raise UsageError(
                "A change has a slot and a text; an empty text takes the need back.",
                hint='Send {"command": "change", "slot": "context", "text": "64k"}.',
            )
        return session.change(slot, text.encode("utf-8", "replace").decode("utf-8"))
    turns = {"recommend": session.recommend, "undo": session.undo, "return": session.leave}
    if not isinstance(command, str) or command not in turns or keys != {"command"}:
        raise UsageError(
            "The commands are `recommend`, `change`, `undo`, `branch`, `return`, `model`, `pull` and `cost`.",
            hint='Send {"command": "recommend"}.',
        )
    return turns[command]()


def _put(event: Event) -> None:
    """Prints an event as it comes; `_turn` prints the end of the turn, and signs of life are for screens."""
    if not isinstance(event, Status | TurnEnd):
        write_json(event.as_json(), line=True)
