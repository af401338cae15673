"""Checking an architecture against the stated parameters: settles open choices, confirms what fits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from knowledge.catalog.parameters import implied_parameters
from knowledge.catalog.records import Architecture, Recurrent
from knowledge.shapes.draft import COUNTED_ATTENTION, UNKNOWN_ATTENTION, Draft, spread
from knowledge.shapes.families import Family
from knowledge.shapes.rows import Row, integer

CONFIRMED = 0.005
"""Relative difference to the stated parameters below which the shape counts as confirmed."""
EXPLAINED = 0.03
"""Relative difference above which the shape is said not to reproduce the stated parameters."""
NEXTN_SHARE = 0.045
"""Most that a multi-token prediction block adds to the stored parameters."""
MISSES = "the shape misses the stated parameters"
TOWER_SHARE = 0.45
"""Most that a vision or audio tower takes of the stored parameters."""


def settle(draft: Draft, row: Row, family: Family) -> Architecture:
    """Check the draft against the stated parameters: settle open choices, and mark what is confirmed."""
    stated = integer(row, "params_total")
    if stated is None:
        return draft.done()
    context = integer(row, "context_length") or integer(row, "max_seq")
    best, open_tie = _best(draft, row, family, stated, context)
    implied = implied_parameters(best, context_length=context)
    if implied is None:
        return best
    beside = stated - implied
    extra, confirmed = dict(best.extra), abs(beside) <= CONFIRMED * stated
    if family.wrapper and 0 < beside <= TOWER_SHARE * stated:
        extra["vision_params"], confirmed = beside, True
    elif family.nextn and not confirmed and 0 < beside <= NEXTN_SHARE * stated:
        extra["nextn_predict_layers"], confirmed = 1, True
    notes = list(draft.notes)
    if not confirmed or (family.wrapper and draft.confirmable):
        notes += draft.confirmable
    if draft.fields.get("attention_layers") is None and best.attention_layers is not None:
        notes = [COUNTED_ATTENTION if note == UNKNOWN_ATTENTION else note for note in notes]
    if open_tie:
        notes.append("whether the output shares the embedding is not stated")
    if abs(beside) > EXPLAINED * stated and not confirmed:
        share = f"{100 * beside / stated:+.0f} %"
        notes.append(f"{MISSES} by {share}: weights come from the parameter count")
    updates = {"extra": extra, "approximations": tuple(notes), "measured": confirmed and not notes}
    return best.model_copy(update=updates)


def _best(
    draft: Draft, row: Row, family: Family, stated: int, context: int | None
) -> tuple[Architecture, bool]:
    """The variant that the parameter count speaks for, and whether tied embeddings stay open.

    A stated tie is kept unless only the other one reproduces the count; class defaults are no statement.
    """

    def distance(candidate: Architecture) -> float:
        return _distance(candidate, stated, family, context)

    source = cast("Mapping[str, str]", row.get("field_sources") or {}).get("tied_embeddings", "")
    tie = cast("bool | None", row.get("tied_embeddings"))
    found = _variants(draft)
    if all(distance(candidate) == float("inf") for candidate in found):
        return draft.done(), False
    own = [candidate for candidate in found if candidate.tied == tie] if tie is not None else []
    if family.wrapper:
        fits = [candidate for candidate in found if distance(candidate) <= TOWER_SHARE]
        if own and "class default" not in source and distance(own[0]) < 1:
            return min(own, key=distance), False
        return min(fits or found, key=distance), len({candidate.tied for candidate in fits}) > 1
    best = min(found, key=distance)
    if own and min(map(distance, own)) <= CONFIRMED:
        return min(own, key=distance), False
    if own and "class default" not in source and distance(best) > CONFIRMED:
        return min(own, key=distance), False
    return best, False


def _variants(draft: Draft) -> list[Architecture]:
    """The draft under each value of what may be open: tie, adjusted feed-forward, attention layers."""
    base = draft.done()
    widths = [base.ff]
    if base.arch == "lfm2" and base.ff is not None:
        widths.append(-(-int(2 * base.ff / 3) // 256) * 256)
    found = [base.model_copy(update={"tied": tie, "ff": ff}) for tie in (False, True) for ff in widths]
    if base.arch in ("lfm2", "lfm2moe") and base.attention_layers is None:
        found += [option for candidate in found for option in _with_convolutions(candidate)]
    return found


def _with_convolutions(base: Architecture) -> list[Architecture]:
    """Every possible number of attention layers, spread evenly; the parameter count tells which holds."""
    options = []
    for count in range(1, base.layers):
        flags = tuple(spread(count, [True] * base.layers))
        recurrent = Recurrent(
            layers=tuple(not flag for flag in flags),
            conv_kernel=3,
            inner=base.hidden,
            state=0,
            groups=0,
            dt_rank=0,
            kind="short_conv",
        )
        options.append(base.model_copy(update={"attention_layers": flags, "recurrent": recurrent}))
    return options


def _distance(candidate: Architecture, stated: int, family: Family, context: int | None) -> float:
    implied = implied_parameters(candidate, context_length=context)
    if implied is None:
        return float("inf")
    if family.wrapper and implied > stated:
        return 10.0 + (implied - stated) / stated
    return abs(stated - implied) / stated
