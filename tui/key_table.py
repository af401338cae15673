"""The keys that count where the focus is, and everything that can be done: made from what binds them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from textual.binding import ActiveBinding, Binding
from textual.dom import DOMNode
from textual.screen import Screen

from tui.actions import ACTIONS

KeyRow = tuple[str, str]
"""Keys in words, and what they do."""
NAMES = {
    "slash": "/",
    "delete": "Del",
    "pageup": "Page Up",
    "pagedown": "Page Down",
    "escape": "Esc",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "space": "Space",
}


def key_name(key: str) -> str:
    """`ctrl+r` as people write it: `Ctrl+R`; one letter stays small."""
    return NAMES.get(key) or (key if len(key) == 1 else key_words(key))


def key_words(key: str) -> str:
    """`ctrl+r` as people write it: `Ctrl+R`."""
    return "+".join(part.capitalize() for part in key.split("+")) if key else ""


def topic_of(focused: DOMNode | None, screen: Screen[Any]) -> str:
    """The section of the help on what has the focus: the nearest widget around it that names one."""
    nodes: Iterable[DOMNode] = focused.ancestors_with_self if focused is not None else [screen]
    for node in nodes:
        topic = getattr(node, "help_topic", "")
        if topic:
            return str(topic)
    return ""


def keys_here(screen: Screen[Any]) -> list[KeyRow]:
    """The keys that count now: of what has the focus, of what is around it, and of the screen.

    The same action stands once, with all its keys.
    """
    rows: dict[tuple[str, str], list[str]] = {}
    for active in own_keys(screen):
        rows.setdefault((active.binding.action, _words(active)), []).append(_shown(active.binding))
    return [(" ".join(dict.fromkeys(keys)), words) for (_, words), keys in rows.items()]


def own_keys(screen: Screen[Any]) -> list[ActiveBinding]:
    """The keys that count now, without the dozens by which a library's widgets move a cursor."""
    return [
        active
        for active in screen.active_bindings.values()
        if active.binding.description
        and (active.binding.key, active.binding.action) in _own(type(active.node))
    ]


def actions_table() -> list[KeyRow]:
    """Everything that can be done in the chat: its key, its typed command, its words."""
    rows = []
    for one in ACTIONS:
        keys = [key_name(one.key)] if one.key else []
        typed = [f"{one.typed} {one.takes}".strip()] if one.typed else []
        rows.append((", ".join([*keys, *typed]) or "Ctrl+P", f"{one.title}: {one.help}"))
    return rows


def _words(active: ActiveBinding) -> str:
    """What a key does."""
    binding = active.binding
    more = active.tooltip or binding.tooltip
    return f"{binding.description}: {more}" if more else binding.description


def _own(kind: type[DOMNode]) -> set[tuple[str, str]]:
    """Keys and actions that classes of this program declare."""
    declared = [one for one in kind.__mro__ if one.__module__.startswith("tui.")]
    return {
        (binding.key, binding.action)
        for one in declared
        for binding in Binding.make_bindings(one.__dict__.get("BINDINGS", ()))
    }


def _shown(binding: Binding) -> str:
    return binding.key_display or key_name(binding.key)
