"""How many tokens the parts of a prompt may take, and the one window that follows for a session.

A window that changes makes Ollama load the model again (https://github.com/Aider-AI/aider/issues/4687), so
that it is computed once: the largest parts that meet in one prompt and the answer, with a margin, but no more
than the model supports and than fits its memory beside the weights.
"""

from __future__ import annotations

from dataclasses import dataclass

from tools.chat_model import needed_bytes, places_of
from tools.hardware_types import Machine
from tools.model_calls.tokens import CHARACTERS_PER_TOKEN
from tools.ollama_models import ServerModel

FULL = 0.8
"""Share of the window for prompt and answer; servers cut the front of a longer prompt without a word."""
RULES = 700
"""Tokens of the system text and of the request to repair, with its list of what is wrong."""
TOOLS = 2_600
"""Tokens of the five largest tools in view."""
MOST_RESULT = 6_000
"""Characters of a tool result."""
RESULTS = 4_000
"""Tokens of tool results that are held at once: two of the longest; the oldest give way."""
CONTEXT = 900
"""Tokens of what is known of the conversation."""
MOST_ASKED = 4_000
"""Characters of a question."""
QUESTION = 1_250
DRAFT = 900
ANSWER = 1_200
"""Tokens of a local model's answer, whose reasoning is switched off."""
WINDOW_STEP = 1_024
SMALLEST_WINDOW = 4_096
"""Below this no prompt of ours fits; a model with less is used as it is."""


def wanted_window() -> int:
    """Tokens of the window in which everything fits, in whole steps."""
    parts = RULES + TOOLS + RESULTS + CONTEXT + QUESTION + DRAFT + 2 * ANSWER  # the second one is repaired
    return -(-int(parts / FULL) // WINDOW_STEP) * WINDOW_STEP


def answer_tokens(window: int) -> int:
    """Tokens that an answer of a local model may have."""
    return min(ANSWER, window // 5)


@dataclass(frozen=True, slots=True)
class Shares:
    """Characters that the parts of a question's prompt may take, so that all of them fit together."""

    question: int
    told: int
    """Of the conversation; slots and decision stand at its beginning."""
    draft: int
    result: int
    """Of each tool result, and of the facts together where the tools are no longer offered."""


def shares_of(prompt_tokens: int, answer: int) -> Shares:
    """The shares of a prompt.

    Args:
        prompt_tokens: what the whole prompt may take.
        answer: tokens of an answer: a repaired one is asked for with the first one in the prompt.
    """
    left = int(max(0, prompt_tokens - answer - RULES) * CHARACTERS_PER_TOKEN)
    question = min(MOST_ASKED, left * 15 // 100)
    told = min(int(CONTEXT * CHARACTERS_PER_TOKEN), left // 2)
    draft = min(int(DRAFT * CHARACTERS_PER_TOKEN), left // 5)
    return Shares(question, told, draft, min(MOST_RESULT, left - question - told - draft))


@dataclass(frozen=True, slots=True)
class Window:
    """The window of a session, and what bounded it."""

    tokens: int
    note: str | None = None
    """Where memory left less than what is wanted."""


def window_for(model: ServerModel, machine: Machine | None, loaded_bytes: int = 0) -> Window:
    """The window of a session with a model.

    Args:
        model: with its size and shape, as far as the server tells.
        machine: where the server runs; None where that is another machine.
        loaded_bytes: what the server holds on the accelerators now, and would give back.
    """
    wanted = min(wanted_window(), model.context or wanted_window())
    per_token = model.cache_bytes_per_token
    if machine is None or not model.size_bytes or not per_token:
        return Window(wanted)
    fixed = needed_bytes(model, 0)
    for place in places_of(machine, loaded_bytes):
        fitting = (place.room_bytes - fixed) // per_token
        if fitting >= min(wanted, SMALLEST_WINDOW):
            if fitting >= wanted:
                return Window(wanted)
            tokens = fitting // WINDOW_STEP * WINDOW_STEP
            return Window(tokens, f"{model.name} gets a window of {tokens:,} tokens: memory holds no more.")
    # It fits nowhere whole: the server splits it, or says that it cannot.
    return Window(min(wanted, SMALLEST_WINDOW))
