"""What a corrected figure rests on, in words and as evidence."""

from __future__ import annotations

from dataclasses import replace

from tools.calibration.types import Calibration, Here
from tools.memory.types import Evidence

DISAGREE = (
    "The models that were measured on this machine are not off their estimates alike, which widens the "
    "interval of this one's speed: `bench` of this model settles it."
)
SOURCE = "measured on this machine with `bench`"
_WHOLE = 100.0
"""Tokens per second from which no decimals are told."""
_NAMED = 3
"""Models that are named; more are counted."""


def evidence_of(here: Here) -> Evidence:
    """The measurement behind a figure."""
    what = _models(here) + (f" {here.quant}" if here.quant else "")
    return Evidence("measurement", SOURCE, f"{what}, {' and '.join(here.engines)}, {here.day}")


def basis_of(here: Here, estimate: float) -> str:
    """What was measured and what the estimate alone says.

    Args:
        here: What the figure was corrected by.
        estimate: Tokens per second before.
    """
    return f"{here.words}; the estimate alone is {_rate(estimate)} tokens/s"


def worded(here: Here) -> Here:
    """With its words, which are the same for thousands of configurations."""
    return replace(here, words=_words(here))


def _words(here: Here) -> str:
    if here.rate is not None:
        said = f"{measured_here(here)} ({here.engine}, {here.quant}, {_length(here)})"
        if here.basis == "scaled":
            said += ", scaled by the ratio of the estimates"
        elif here.basis == "others":
            said += f", from which the estimate is corrected by {here.factor:.2f}"
    else:
        said = f"estimate corrected by {here.factor:.2f}: {_models(here)} measured on this machine with "
        said += f"{' and '.join(here.engines)} on {here.day}"
    if here.across:
        said += f"; {across_words(here)}"
    if here.disagree:
        said += "; the models measured do not agree, which widens the interval"
    if here.same_accelerators:
        said += "; this machine has the accelerators that were named"
    return said


def note_of(here: Here, estimate: float) -> str:
    """Measurement and estimate side by side, for beside a speed: parts of a line each, joined by semicolons.

    Args:
        here: What the figure was corrected by.
        estimate: Tokens per second before.
    """
    if here.basis == "measured":
        # At this length, which may lie between two that were measured: what is compared is of one length.
        parts = [f"measured here on {here.day}: {_rate(here.factor * estimate)} tok/s"]
    elif here.rate is not None:
        at = f"at {here.tokens:,} tokens" + (f", {here.parallel} at once" if here.parallel > 1 else "")
        parts = [f"measured here on {here.day}: {_rate(here.rate.mid)} tok/s as {here.quant} {at}"]
    elif len(here.models) == 1:
        parts = [f"corrected by {here.models[0]}, measured here on {here.day}"]
    else:
        parts = [f"corrected by {len(here.models)} models measured here, the newest on {here.day}"]
    if here.across:
        parts.append(f"measured with {' and '.join(here.engines)}, another engine: counts in part")
    return "; ".join([*parts, f"estimate alone {_rate(estimate)} tok/s"])


def note_for_all(calibration: Calibration) -> str:
    """For a list of speeds: what they are corrected by, in a sentence."""
    rows = calibration.observations
    models, engines = (
        dict.fromkeys(row.name for row in rows),
        dict.fromkeys(row.subject.engine for row in rows),
    )
    what = next(iter(models)) if len(models) == 1 else f"{len(models)} models"
    with_what = f"{what} with {' and '.join(engines)}, the newest on {rows[0].day}"
    return (
        f"Speeds are corrected by what was measured on this machine ({with_what}); engines with the same "
        "kernels count in part, others not at all."
    )


def measured_here(here: Here) -> str:
    """`measured here on 2026-11-20: 41.2 tokens/s`; for a model's own measurement."""
    assert here.rate is not None
    return f"measured here on {here.day}: {_rate(here.rate.mid)} tokens/s"


def across_words(here: Here) -> str:
    """That the engine is another one."""
    return (
        f"{' and '.join(here.engines)} is another engine with the same kernels, so the measurement "
        "is carried over only in part"
    )


def caveats_of(here: Here) -> tuple[str, ...]:
    """What a person must know before trusting a corrected figure."""
    if not here.doubtful:
        return (DISAGREE,) if here.disagree else ()
    fast = here.gain > 1
    times = f"{here.gain:.1f} times as fast as" if fast else f"{1 / here.gain:.1f} times slower than"
    reading = " in reading prompts" if here.quantity == "prompt" else ""
    said = f"A run of `bench` on this machine was {times} estimated{reading}"
    if here.rate is not None:
        return (
            f"{said}: this model's speed is taken from it all the same. Check that the server ran this very "
            "model on these devices, and measure again.",
        )
    return (f"{said}: it hardly counts for other models. Measure again, or measure another model.",)


def _rate(value: float) -> str:
    return f"{value:.1f}" if value < _WHOLE else f"{value:,.0f}"


def _models(here: Here) -> str:
    if len(here.models) <= _NAMED:
        return ", ".join(here.models)
    return f"{', '.join(here.models[:_NAMED])} and {len(here.models) - _NAMED} more"


def _length(here: Here) -> str:
    if here.quantity == "prompt":
        return f"a prompt of {here.tokens:,} tokens"
    at_once = f", {here.parallel} conversations at once" if here.parallel > 1 else ""
    return f"{here.tokens:,} tokens in the cache{at_once}"
