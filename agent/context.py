"""What a model is shown of the conversation: never all of it, and never less than slots and decision.

The needs and the last recommendation are always whole, and what was recommended before is named. The last
messages come with them as far as there is room; of the earlier ones a summary remains that code writes, so
that it says the same each time: how many there were and what the person asked or said in them, newest first.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from agent.prompt_budget import CONTEXT
from agent.state import Spoken, State, needs_of
from tools.model_calls.tokens import CHARACTERS_PER_TOKEN

DECIDED = "Recommended last, best first: "
RECENT = 6
"""Messages that are shown in their own words."""
MESSAGE_CHARACTERS = 320
EARLIER_CHARACTERS = 60
MOST_BEFORE = 8
"""Earlier recommendations that are told."""


def conversation_text(state: State, tokens: int = CONTEXT) -> str:
    """The conversation for a prompt, in about `tokens` tokens; slots and decision at any price."""
    parts = [_known(state), *_decided(state)]
    room = int(tokens * CHARACTERS_PER_TOKEN) - sum(map(len, parts))
    said = state.get("messages", [])
    # The last one is the question itself, which the prompt holds anyway.
    past = said[:-1] if said and said[-1]["role"] == "user" else said
    recent, shown = _recent(past, room)
    earlier = _earlier(past[: len(past) - shown], room - len(recent))
    return "\n\n".join(part for part in (*parts, recent, earlier) if part)


def decision_in(text: str) -> str:
    """The part of such a text that tells the last decision; what people wrote never is one."""
    return next((part for part in text.split("\n\n") if part.startswith(DECIDED)), "")


def _known(state: State) -> str:
    values = {slot: filled.get("value") for slot, filled in needs_of(state).as_json().items()}
    return f"What is known of the person: {json.dumps(values, ensure_ascii=False)}"


def _decided(state: State) -> list[str]:
    last = state.get("last", [])
    if last:
        return [f"{DECIDED}{', '.join(last)}{_before(state.get('led', []), last[0])}"]
    return ["Decided last: nothing fits these needs."] if state.get("answered") else []


def _before(led: list[str], now: str) -> str:
    """What came first in the recommendations before the last one: the first of them, and the newest."""
    past = led[:-1] if led[-1:] == [now] else led
    kept = past if len(past) <= MOST_BEFORE else [past[0], "\u2026", *past[1 - MOST_BEFORE :]]
    return f"\nRecommended before that, oldest first: {', '.join(kept)}" if kept else ""


def _recent(past: Sequence[Spoken], room: int) -> tuple[str, int]:
    """The last messages as far as there is room, oldest first, and how many they are."""
    lines: list[str] = []
    for message in reversed(past[-RECENT:]):
        line = f"{message['role']}: {_cut(message['text'], MESSAGE_CHARACTERS)}"
        if sum(map(len, lines)) + len(line) > room - 40:
            break
        lines.insert(0, line)
    return ("Said before:\n" + "\n".join(lines) if lines else ""), len(lines)


def _earlier(past: Sequence[Spoken], room: int) -> str:
    """What the person said in the messages before, newest first, as far as there is room."""
    if not past:
        return ""
    text = f"Earlier, in {len(past)} messages, the person also said:"
    quoted = [_cut(m["text"], EARLIER_CHARACTERS) for m in reversed(past) if m["role"] == "user"]
    for quote in dict.fromkeys(quoted):
        if len(text) + len(quote) + 5 > room:
            break
        text += f' "{quote}";'
    return text.rstrip(";") if text.endswith(";") else ""


def _cut(text: str, most: int) -> str:
    """The beginning of a text on one line."""
    line = " ".join(text.split())
    return line if len(line) <= most else line[: most - 1] + "\u2026"
