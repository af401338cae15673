"""How many tokens a request takes: before it is made, and as it was counted."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

CHARACTERS_PER_TOKEN = 3.2
"""Low on purpose: JSON and other languages than English take more tokens than English prose."""
MESSAGE_TOKENS = 16
"""At most what a chat template adds to a message."""
SENT_AND_LOST = frozenset({"timeout", "cut"})
"""Failures after which the server may have charged for an answer that never came."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one request."""

    prompt: int
    answer: int
    cached: int = 0
    stated: bool = True
    """Counted by the server; otherwise by a tokenizer that need not be the model's."""


def about_tokens(messages: Sequence[dict[str, Any]], tools: Sequence[dict[str, Any]] | None) -> int:
    """About how many tokens a request takes."""
    text = json.dumps([*messages, *(tools or ())], ensure_ascii=False)
    return int(len(text) / CHARACTERS_PER_TOKEN) + 4 * len(messages)


def most_tokens(messages: Sequence[dict[str, Any]], tools: Sequence[dict[str, Any]] | None) -> int:
    """How many tokens a request takes at most: no tokenizer makes more tokens than there are bytes."""
    text = json.dumps([*messages, *(tools or ())], ensure_ascii=False)
    return len(text.encode()) + MESSAGE_TOKENS * (len(messages) + len(tools or ()))
