"""The memory of a training run as a bar, for a base that is fine-tuned: use and training are two pictures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tui.answer import Bar
from tui.claims import line_of, map_of
from tui.needs_view import TRAINING
from tui.plaintext import gib, is_number, tokens

PARTS = (
    ("weights", ("weights_bytes",)),
    ("adapters, gradients, optimizer", ("adapter_bytes", "gradient_bytes", "optimizer_bytes")),
    ("activations, logits", ("activation_bytes", "logits_bytes")),
    ("overhead", ("overhead_bytes",)),
)
"""The parts that are drawn, and the fields of the contract that each one sums up."""
IN_USE = "Context, quantization and cache are those of use, after training: the keys change that alone."


def training_bar(entry: Mapping[str, Any] | None) -> Bar | None:
    """The training run of a candidate on its machine; None where it is no base to train."""
    training = map_of((entry or {}).get("training"))
    if not is_number(training.get("total_bytes")):
        return None
    found = ((name, sum(_bytes(training, field) for field in fields)) for name, fields in PARTS)
    machine = map_of(training.get("hardware"))
    name = line_of(machine.get("name"))
    room = machine.get("available_bytes")
    where = f" on {name}" if name else ""
    return Bar(f"Training{where}", tuple(found), int(room) if is_number(room) else None)


def training_words(entry: Mapping[str, Any] | None) -> tuple[str, ...]:
    """How it is trained and the interval of the estimate; empty where it is no base to train."""
    training = map_of((entry or {}).get("training"))
    if not is_number(training.get("total_bytes")):
        return ()
    method = str(training.get("method") or "")
    length = training.get("sequence_length")
    each = f" with examples of {tokens(length)} tokens" if is_number(length) else ""
    low, high = training.get("low_bytes"), training.get("high_bytes")
    span = f", between {gib(low)} and {gib(high)}" if is_number(low) and is_number(high) else ""
    way = TRAINING.get(method, line_of(method))
    told = f"Training ({way}){each} takes about {gib(training['total_bytes'])}{span} (estimate)."
    return IN_USE, told


def _bytes(training: Mapping[str, Any], field: str) -> int:
    value = training.get(field)
    return int(value) if is_number(value) else 0
