"""Understanding of free text: typed slot updates with the quoted words, and an intent."""

from __future__ import annotations

from agent.understanding.parser import understand
from agent.understanding.types import Ambiguity, Asked, Conflict, LastAnswer, Mentions, Understanding

__all__ = ["Ambiguity", "Asked", "Conflict", "LastAnswer", "Mentions", "Understanding", "understand"]
