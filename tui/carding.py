"""Which card is asked for, and the work behind it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tui.claims import line_of, maps_of
from tui.comparing import options_of, settings_of
from tui.model_card import Card, read_card
from tui.plaintext import is_number

Document = Mapping[str, Any]
KEPT = ("quant", "engine", "kv_cache_type", "parallel", "gpu_layers", "cpu_moe_layers")
"""Of an option's configuration: what memory depends on beside the context."""


def card_name(recommendation: Document, selected: int, typed: str) -> str:
    """The model that is meant: what was typed, else the option shown; empty where there is neither."""
    options = options_of(recommendation)
    if typed.strip() or not options:
        return typed.strip()
    return options[min(max(selected, 0), len(options) - 1)].name


def load_card(recommendation: Document, selected: int, name: str) -> Card:
    """Work a card out; takes some tenths of a second, for a thread.

    Args:
        recommendation: of the conversation; its options' configurations and needs are used.
        selected: the option shown, whose configuration holds where several are of one model.
        name: the model, as a person types it.

    Raises:
        UnknownNameError: No model has this name; carries the nearest.
        AmbiguousNameError: Several models could be meant.
    """
    from knowledge.errors import AdvisorError
    from tools.commands.card import CardQuery, model_card
    from tools.commands.lookups import any_model_named, machine_named

    model, _ = any_model_named(name)
    model_id = line_of(getattr(model, "id", None) or getattr(model, "key", ""))
    settings = settings_of(recommendation)
    given: dict[str, Any] = {"model": name, "task": settings.task, "hardware": settings.hardware}
    option = _option(recommendation, selected, model_id)
    if "context" in settings.model_fields_set or option:
        given["context"] = option.get("context") or settings.context
    given |= {key: option[key] for key in KEPT if option.get(key) is not None}
    if settings.hardware is not None:
        try:
            machine_named(settings.hardware)
        except AdvisorError:
            del given["hardware"]
    document = model_card(CardQuery(**given))
    if option.get("quality"):
        document["quality"] = option["quality"]  # as the recommendation reckoned it, for all of its tasks
    return read_card(document)


def _option(recommendation: Document, selected: int, model_id: str) -> Document:
    """The option of this model; the one shown where it is that."""
    entries = maps_of(recommendation.get("candidates"))
    ordered = [*entries[selected : selected + 1], *entries]
    fitting = (entry for entry in ordered if line_of(entry.get("model_id")) == model_id)
    found: Document = next(fitting, {})
    return found if found.get("kind") == "local" and is_number(found.get("context")) else {}
