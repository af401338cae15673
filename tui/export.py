"""Writes the conversation on the screen to a Markdown file."""

from __future__ import annotations

import asyncio
import re
from datetime import datetime
from pathlib import Path

from textual.dom import DOMNode

from tui.answer_text import conversation_markdown
from tui.plaintext import shorten
from tui.widgets.messages import AdvisorMessage, FailureMessage, UserMessage, WordedAnswer
from tui.widgets.question import QuestionMessage
from tui.widgets.recommendation import RecommendationBlock


def conversation_parts(root: DOMNode) -> list[tuple[str, str]]:
    """Who said what, in order: pairs of speaker and Markdown."""
    parts: list[tuple[str, str]] = []
    for widget in root.query("#conversation > *"):
        if isinstance(widget, UserMessage):
            parts.append(("You", widget.text))
        elif isinstance(widget, WordedAnswer):
            parts.append(("Advisor", widget.lead))
        elif isinstance(widget, AdvisorMessage | RecommendationBlock):
            parts.append(("Advisor", widget.plain()))
        elif isinstance(widget, QuestionMessage):
            parts.append(("Advisor", widget.text))
        elif isinstance(widget, FailureMessage):
            parts.append(("Problem", f"{widget.message} {widget.hint}".strip()))
    return parts


async def write_conversation(root: DOMNode, name: str, folder: Path | None = None) -> tuple[Path, str]:
    """Write it into `folder` (the current one by default), under a name that is not taken.

    Returns:
        The path, and one sentence on what went wrong (empty where nothing did).
    """
    text = conversation_markdown(f"Conversation with llm-advisor: {name}", conversation_parts(root))
    stem = re.sub(r"[^\w.-]+", "-", name).strip("-.") or "conversation"
    target = (folder or Path.cwd()) / f"llm-advisor-{stem}-{datetime.now().astimezone():%Y%m%d-%H%M%S}.md"
    try:
        await asyncio.to_thread(target.write_text, text, encoding="utf-8")
    except OSError as error:
        return target, f"The file could not be written: {shorten(error.strerror or error, 80)}"
    return target, ""
