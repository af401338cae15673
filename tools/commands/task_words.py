"""Words for a task that leave nothing to understand, for requests with exact values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import BeforeValidator

from tools.needs import Task

TASK_WORDS: Mapping[str, Task] = {
    "agentic": "agent",
    "agents": "agent",
    "assistant": "chat",
    "chatbot": "chat",
    "chatting": "chat",
    "classifier": "classification",
    "classify": "classification",
    "coding": "code",
    "conversation": "chat",
    "embed": "embedding",
    "embedder": "embedding",
    "embeddings": "embedding",
    "extract": "extraction",
    "math": "reasoning",
    "maths": "reasoning",
    "programming": "code",
    "rerank": "reranking",
    "reranker": "reranking",
    "software development": "code",
    "summaries": "summarization",
    "summarisation": "summarization",
    "summarize": "summarization",
    "summarizing": "summarization",
    "translate": "translation",
    "translating": "translation",
    "translator": "translation",
}
"""Other words for a task that leave nothing to understand."""


def task_word(value: object) -> object:
    """A word for a task as the task's own name."""
    if not isinstance(value, str):
        return value
    word = value.strip().lower()
    return TASK_WORDS.get(word, word)


TaskWord = Annotated[Task, BeforeValidator(task_word)]
"""A task, also by another word for it."""
