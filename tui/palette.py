"""What the command palette offers in the chat: only what can be done now."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from textual.app import SystemCommand
from textual.screen import Screen

from tui.actions import ACTIONS, Action
from tui.screens.chat import ChatScreen


def chat_commands(chat: ChatScreen) -> Iterator[SystemCommand]:
    """Commands of the conversation as it stands; each tells its key."""
    for action in ACTIONS:
        if action.listed and chat.stands(action.when):
            yield SystemCommand(action.title, words_of(action), _run(chat, action))


def screen_commands(screen: Screen[Any]) -> Iterator[SystemCommand]:
    """What the keys of another screen do, as far as it is possible now."""
    for active in screen.active_bindings.values():
        binding = active.binding
        if active.node is screen and active.enabled and binding.tooltip:
            key = binding.key_display or binding.key
            yield SystemCommand(
                binding.description, f"{binding.tooltip} ({key})", _act(screen, binding.action)
            )


def words_of(action: Action) -> str:
    """What it does, with its key or its typed command."""
    by = key_words(action.key) or f"{action.typed} {action.takes}".strip()
    return f"{action.help} ({by})" if by else action.help


def key_words(key: str) -> str:
    """`ctrl+r` as people write it: `Ctrl+R`."""
    return "+".join(part.capitalize() for part in key.split("+")) if key else ""


def _act(screen: Screen[Any], action: str) -> Callable[[], None]:
    def run() -> None:
        screen.call_later(screen.run_action, action)

    return run


def _run(chat: ChatScreen, action: Action) -> Callable[[], None]:
    def run() -> None:
        chat.call_later(chat.run_action, action.name)

    return run
