"""How well the quality prior predicts models that were left out of its fit."""

from __future__ import annotations

from scripts.fit_quality import REFERENCE, left_out, rows_of

FEWEST_MODELS = 12
"""Groups with fewer measured models say nothing when one is left out."""


def run() -> None:
    """Prints the leave-one-model-out error in logits and the rank correlation, by group."""
    for group in REFERENCE:
        if len({row.model for row in rows_of(group)}) > FEWEST_MODELS:
            print(left_out(group))
