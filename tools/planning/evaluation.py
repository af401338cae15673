"""The five steps of evaluating a shared base: what the program computed for each, and what is left to do."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from knowledge.catalog.records import ModelRecord
from tools.citing import citation
from tools.fit_model import FitWish, fit_model
from tools.planning.base_review import Target, table
from tools.planning.migration import Retraining, Reviewed, cases_for, meaningful_gain
from tools.quality import quality_of

GIB = 1 << 30
GUIDE = "evaluating-candidates.md"
SMALL_GAIN = 0.05
TASK = "chat"


@dataclass(frozen=True, slots=True)
class Step:
    """One step: computed figures as sentences, and the work that is left."""

    number: int
    name: str
    computed: tuple[str, ...]
    to_do: str
    claim: str
    """What the guide says of the step."""
    heading: str

    def as_json(self) -> dict[str, Any]:
        return {
            "step": self.number,
            "name": self.name,
            "computed": list(self.computed),
            "to_do": self.to_do,
            "citation": citation(self.claim, GUIDE, self.heading),
        }


def steps(
    reviewed: Sequence[Reviewed],
    target: Target,
    *,
    looked: int | None,
    cases: int,
    retrain: Callable[[ModelRecord], Retraining],
) -> tuple[Step, ...]:
    """The five steps for a base and its candidates.

    Args:
        reviewed: the current base, then the candidates.
        target: the weakest machine.
        looked: models that were searched; None where the candidates were named.
        cases: cases of the own benchmark suite.
        retrain: training of one adapter on a base.
    """
    computed = {
        1: _filtered(reviewed[1:], looked),
        2: [_score(each) for each in reviewed],
        3: [_noise(cases)],
        4: [_trainability(each, retrain(each.model)) for each in reviewed],
        5: [_practice(each, target) for each in reviewed],
    }
    return tuple(
        Step(
            row["step"], row["name"], tuple(computed[row["step"]]), row["todo"], row["claim"], row["heading"]
        )
        for row in table()["steps"]
    )


def _filtered(found: Sequence[Reviewed], looked: int | None) -> list[str]:
    if looked is not None:
        names = ", ".join(each.model.name for each in found) or "none"
        return [
            f"{looked:,} chat models of this size looked at; of those that meet all requirements the best of "
            f"each family: {names}",
            f"ordered by {table()['ordered_by']}",
            *(f"{each.model.name} is kept as the one {each.kept}" for each in found if each.kept),
        ]
    lines = []
    for each in found:
        missed = [f"{c.name} ({c.status}: {c.figure})" for c in each.hard if c.status != "yes"]
        lines.append(f"{each.model.name}: {'; '.join(missed) if missed else 'meets all'}")
    return lines


def _score(each: Reviewed) -> str:
    quality = quality_of(each.model.id, TASK)
    how = "from public scores" if quality.measured else "an estimate from size and age"
    tuned = next(check.figure for check in each.soft if check.name == "response to fine-tuning")
    score = f"{TASK} {quality.score:.0f} +- {quality.spread:.0f} of 100 ({how})"
    return f"{each.model.name}: {score}; tuning: {tuned}"


def _noise(cases: int) -> str:
    return (
        f"with {cases:,} cases a difference of {100 * meaningful_gain(cases):.0f} points is more than noise; "
        f"{100 * SMALL_GAIN:.0f} points would need {cases_for(SMALL_GAIN):,} cases"
    )


def _trainability(each: Reviewed, run: Retraining) -> str:
    e = run.way.estimate
    fused = " with fused cross-entropy" if run.way.request.fused_cross_entropy else ""
    return (
        f"{each.model.name}: a test adapter takes about {e.total_bytes / GIB:.1f} GiB to train with "
        f"QLoRA{fused} "
        f"({e.low_bytes / GIB:.1f} to {e.high_bytes / GIB:.1f}), and {run.adapter_bytes / 1e6:.0f} MB on disk"
    )


def _practice(each: Reviewed, target: Target) -> str:
    if each.held is None:
        return f"{each.model.name}: memory is not known"
    context = min(target.context, each.model.context_length or target.context)
    answer = fit_model(each.model, target.machine, FitWish(quant=table()["quant"], context=context))
    configuration = answer.candidate.configuration if answer.candidate else None
    speed = "speed not known"
    if configuration is not None and configuration.speed is not None:
        s = configuration.speed
        speed = f"about {s.low:.0f}-{s.high:.0f} tok/s on a processor with DDR4 memory"
    low, high = each.held.needed("low") / GIB, each.held.needed("high") / GIB
    return (
        f"{each.model.name}: about {low:.1f} to {high:.1f} GiB of {target.ram_bytes / GIB:g} with "
        f"{context:,} "
        f"tokens, {speed} (estimate)"
    )


def verdict(current: Reviewed, best: Reviewed | None, cases: int) -> dict[str, Any]:
    """Whether to change the base: only a missed requirement decides by itself; scores shorten the list."""
    gain = meaningful_gain(cases)
    if best is None:
        return {"change": "no", "text": "No candidate meets the hard requirements: keep the base."}
    if current.fails:
        missed = ", ".join(check.name for check in current.hard if check.status == "no")
        text = (
            f"{current.model.name} misses a hard requirement ({missed}): plan the change to "
            f"{best.model.name}, once "
            "steps 3 to 5 confirm it."
        )
        return {"change": "yes", "text": text, "gain_needed": round(gain, 4)}
    first, second = quality_of(current.model.id, TASK), quality_of(best.model.id, TASK)
    ahead, spread = second.score - first.score, math.hypot(first.spread, second.spread)
    sure = "more than" if abs(ahead) > 2 * spread else "within"
    how = (
        "By public scores" if first.measured and second.measured else "By an estimate (not all are measured)"
    )
    text = (
        f"{how} {best.model.name} is {abs(ahead):.0f} points "
        f"{'ahead of' if ahead >= 0 else 'behind'} "
        f"{current.model.name}, {sure} twice the uncertainty of {spread:.0f}: a reason to evaluate it, none "
        "to change. Change "
        f"for a gain of at least {100 * gain:.0f} points on {cases:,} own cases (twice the standard "
        "error at 70 %) after "
        "the same training, with no loss elsewhere."
    )
    return {"change": "open", "text": text, "gain_needed": round(gain, 4)}
