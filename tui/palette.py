"""What the command palette offers in the chat: only what can be done now."""

from __future__ import annotations

from collections.abc import Iterator

from textual.app import SystemCommand

from tui.screens.chat import ChatScreen
from tui.widgets.messages import UserMessage
from tui.widgets.recommendation import RecommendationBlock


def chat_commands(chat: ChatScreen) -> Iterator[SystemCommand]:
    """Commands of the conversation as it stands."""
    yield SystemCommand("Recommend now", "With assumptions for what is not known", chat.action_recommend)
    if chat.can_stop:
        yield SystemCommand("Stop", "Stop the running answer", chat.action_stop)
    blocks = list(chat.query(RecommendationBlock))
    if blocks:
        block = blocks[-1]
        yield SystemCommand("Go to the recommendation", "And open its sources by digit", chat.action_answer)
        yield SystemCommand("Copy the recommendation", "As Markdown", block.action_copy)
        if block.candidate is not None and block.candidate.commands:
            yield SystemCommand("Copy a command", "Of the option shown", block.action_copy_command)
    if chat.query(UserMessage):
        yield SystemCommand("Export the conversation", "As Markdown, into this folder", chat.action_export)
        yield SystemCommand("Take back", "The last answer, with what you said (F4)", chat.action_undo)
        yield SystemCommand("Branch", "Go aside for a what-if (F5)", chat.action_branch)
    if chat.presenter.branch:
        yield SystemCommand("Return", "From the branch to where it began (F6)", chat.action_return)
    yield SystemCommand("Model", "Who words the answers (F8)", chat.action_model)
    yield SystemCommand("Cost", "What the conversation cost so far", chat.action_cost)
    yield SystemCommand("Needs", "Show or fold the panel", chat.action_needs)
