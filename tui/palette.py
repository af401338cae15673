"""What the command palette offers in the chat: only what can be done now."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from textual.app import SystemCommand
from textual.dom import DOMNode
from textual.screen import Screen

from tui.actions import ACTIONS, Action
from tui.key_table import key_name, key_words, own_keys
from tui.screens.chat import ChatScreen

EVERYWHERE = ("theme", "log", "help", "leave")
"""Actions that the application itself has, so that they are possible over every screen."""


def chat_commands(chat: ChatScreen) -> Iterator[SystemCommand]:
    """Commands of the conversation as it stands; each tells its key."""
    for action in ACTIONS:
        if action.listed and chat.stands(action.when):
            yield SystemCommand(action.title, _plain(words_of(action)), _run(chat, action))


def screen_commands(screen: Screen[Any]) -> Iterator[SystemCommand]:
    """What the keys of another screen do where the focus is, and what is possible on every screen."""
    seen = set()
    for active in own_keys(screen):
        binding = active.binding
        if active.enabled and active.node is not screen.app and binding.action not in seen:
            seen.add(binding.action)
            key = binding.key_display or key_name(binding.key)
            told = f"{active.tooltip or binding.tooltip} ({key})".lstrip()
            yield SystemCommand(binding.description, told, _act(screen, active.node, binding.action))
    for action in ACTIONS:
        if action.name in EVERYWHERE:
            yield SystemCommand(action.title, _plain(words_of(action)), _act(screen, screen.app, action.name))


def words_of(action: Action) -> str:
    """What it does, with its key or its typed command."""
    by = key_words(action.key) or f"{action.typed} {action.takes}".strip()
    return f"{action.help} ({by})" if by else action.help


def _plain(text: str) -> str:
    """Words for the palette, which reads its help as markup: `[FILE]` is no style."""
    return text.replace("[", "\\[")


def _act(screen: Screen[Any], node: DOMNode, action: str) -> Callable[[], None]:
    def run() -> None:
        screen.call_later(screen.app.run_action, action, default_namespace=node)

    return run


def _run(chat: ChatScreen, action: Action) -> Callable[[], None]:
    def run() -> None:
        chat.call_later(chat.run_action, action.name)

    return run
