"""The figures of a plan that answer one question, a few lines a topic; see `agent/plans.py`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from agent.plan_words import cost, finetune, migration, pretrain, stack, tokens

Document = Mapping[str, Any]

SAYERS: dict[str, Callable[[Document], list[str]]] = {
    **{f"tokens.{name}": say for name, say in tokens.SAYERS.items()},
    **{f"finetune.{name}": say for name, say in finetune.SAYERS.items()},
    **{f"pretrain.{name}": say for name, say in pretrain.SAYERS.items()},
    **{f"cost.{name}": say for name, say in cost.SAYERS.items()},
    **{f"stack.{name}": say for name, say in stack.SAYERS.items()},
    **{f"migration.{name}": say for name, say in migration.SAYERS.items()},
}
"""From a topic to the lines that answer it out of a plan's document: the answer first, then its grounds."""
