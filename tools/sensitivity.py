"""What would change the answer: the same ranking with one need changed or one piece of hardware replaced.

Each need is a ladder of steps away from what was asked for; the nearest step that gives another answer is
told. Where nothing fits, the same ladders say what to give up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial

from tools.brief import Brief
from tools.candidates import Candidate, Change, Rejected
from tools.roles.common import Ranked
from tools.sensitivity_machines import larger, multiplied, nowhere, roomiest, upgrades, with_machine
from tools.wishes import loosenings, without_choice

Ranker = Callable[[Brief, int], Ranked]
WORTH_SAYING = 2.0
"""Points of expected quality below which another model is not worth a line."""
WORTH_THE_SAME = 1.0
"""The same, for another configuration of the same model."""
MOST = 5
SPEEDS = (20.0, 30.0, 50.0, 80.0, 120.0, 200.0)
"""Tokens per second that somebody might need at least."""


@dataclass(frozen=True, slots=True)
class Step:
    """The needs with one thing changed."""

    condition: str
    brief: Brief
    tighter: bool = False
    """More is asked for, not less: another first place is news, whatever its quality."""


Ladder = Callable[[Brief, Candidate | None], Iterator[Step]]


def _memory(brief: Brief, best: Candidate | None) -> Iterator[Step]:
    if brief.mode == "api":
        return
    if brief.machine is None:
        for words, machine in nowhere():
            yield Step(f"you had {words}", replace(brief, machine=machine))
        return
    for words, machine in larger(brief.machine):
        yield Step(f"you had {words}", with_machine(brief, machine))


def _devices(brief: Brief, best: Candidate | None) -> Iterator[Step]:
    if brief.mode != "api" and brief.machine is not None:
        for words, machine in multiplied(brief.machine):
            yield Step(f"you had {words}", with_machine(brief, machine))


def _upgrade(brief: Brief, best: Candidate | None) -> Iterator[Step]:
    if brief.mode != "api" and brief.machine is not None and brief.role != "pretrain-config":
        for words, machine in upgrades(brief.machine, training=brief.role == "finetune-base"):
            yield Step(f"you bought {words}", with_machine(brief, machine))


def _trainer(brief: Brief, best: Candidate | None) -> Iterator[Step]:
    if brief.training_machine not in (None, brief.machine):
        assert brief.training_machine is not None
        for words, machine in larger(brief.training_machine):
            yield Step(f"you trained on {words}", replace(brief, training_machine=machine))


def _shorter(brief: Brief, best: Candidate | None) -> Iterator[Step]:
    context = brief.context // 2
    while context >= 2048 and (best is None or context >= brief.context // 4):
        yield Step(f"{context:,} tokens of context were enough", replace(brief, context=context))
        context //= 2


def _longer(brief: Brief, best: Candidate | None) -> Iterator[Step]:
    if best is None or brief.role != "generator":
        return
    for factor in (2, 4, 8):
        context = factor * brief.context
        yield Step(
            f"{context:,} tokens of context were needed", replace(brief, context=context), tighter=True
        )


def _slower(brief: Brief, best: Candidate | None) -> Iterator[Step]:
    if brief.speed_is_hard or brief.min_speed > 10:
        slower = brief.min_speed / 3
        yield Step(f"{slower:.0f} tokens per second were enough", replace(brief, min_speed=slower))


def _faster(brief: Brief, best: Candidate | None) -> Iterator[Step]:
    c = best.configuration if best is not None else None
    if c is None or c.speed is None or brief.role != "generator":
        return
    for speed in SPEEDS:
        if speed > max(c.speed.mid, brief.min_speed):
            asked = replace(brief, min_speed=speed, speed_is_hard=True)
            yield Step(f"{speed:.0f} tokens per second were needed", asked, tighter=True)
            return


def _license(brief: Brief, best: Candidate | None) -> Iterator[Step]:
    if brief.license.permissive_only or brief.license.use == "commercial":
        loose = brief.license.model_copy(
            update={"permissive_only": False, "use": "personal", "redistribute": False}
        )
        yield Step("the license did not matter (private use)", replace(brief, license=loose))


def _wish(brief: Brief, best: Candidate | None) -> Iterator[Step]:
    free = without_choice(brief.wish)
    if brief.wish != free:
        yield Step("another model or size were welcome", replace(brief, wish=free))
    for words, loosened in loosenings(brief.wish):
        yield Step(words, replace(brief, wish=loosened))


def _features(brief: Brief, best: Candidate | None) -> Iterator[Step]:
    for feature in brief.features:
        rest = tuple(other for other in brief.features if other != feature)
        yield Step(f"{feature.replace('_', ' ')} were not needed", replace(brief, features=rest))
    if any(code != "en" for code in brief.languages):
        yield Step("English alone were enough", replace(brief, languages=("en",)))


def _api(brief: Brief, best: Candidate | None) -> Iterator[Step]:
    assumed = any(assumption.slot == "deployment" for assumption in brief.assumptions)
    if brief.mode == "local" and assumed and brief.role == "generator":  # who said "local" meant it
        yield Step("an API were allowed", replace(brief, mode="either"))


def _budget(brief: Brief, best: Candidate | None) -> Iterator[Step]:
    usd = brief.budget.usd_per_month
    if usd is not None:
        more = brief.budget.model_copy(update={"usd_per_month": 3 * usd})
        yield Step(f"the budget were ${3 * usd:,.0f} a month", replace(brief, budget=more))


HARDWARE: tuple[Ladder, ...] = (_memory, _devices, _upgrade)
LOOSER: tuple[Ladder, ...] = (
    _memory,
    _devices,
    _trainer,
    _shorter,
    _slower,
    _license,
    _wish,
    _features,
    _upgrade,
    _api,
    _budget,
)
TIGHTER: tuple[Ladder, ...] = (_longer, _faster)


def _outcome(step: Step, found: Candidate, best: Candidate | None) -> str | None:
    """What the changed needs give, or None where it is not worth saying."""
    c = found.configuration
    detail = f" {c.quant}" if c and found.kind == "local" and c.quant else ""
    if best is None:
        return f"{found.model}{detail} would be possible"
    gap = found.quality.score - best.quality.score
    if found.model_id == best.model_id and found.model == best.model:
        mine, its = found.configuration, best.configuration
        other = mine and its and (mine.quant, mine.kv_cache_type) != (its.quant, its.kv_cache_type)
        if not other or abs(gap) < WORTH_THE_SAME or (gap < 0 and not step.tighter):
            return None
        how, now = (f"{c.quant} with a {c.kv_cache_type} cache" for c in (mine, its) if c is not None)
        return f"{found.model} could run as {how} instead of {now}, {_points(found, best)}"
    if step.tighter:
        return f"{found.model}{detail} would take its place, {_points(found, best)}"
    if gap < WORTH_SAYING:
        return None
    return f"{found.model}{detail} would lead, {_points(found, best)}"


def _points(found: Candidate, best: Candidate) -> str:
    gap = found.quality.points_over(best.quality)
    points, word = abs(gap), "more" if gap >= 0 else "less"
    if not points:
        return "at about the same expected quality"
    return f"about {points} point{'' if points == 1 else 's'} {word} expected quality"


def _nearest(
    steps: Iterable[Step], best: Candidate | None, first: Callable[[Brief], Candidate | None]
) -> Change | None:
    """The first step of a ladder that gives another answer."""
    for step in steps:
        found = first(step.brief)
        if found is None:
            if step.tighter and best is not None:
                return Change(step.condition, "nothing would fit any more")
            continue
        outcome = _outcome(step, found, best)
        if outcome is not None:
            return Change(step.condition, outcome)
    return None


def _enough(
    brief: Brief,
    best: Candidate | None,
    rejected: tuple[Rejected, ...],
    first: Callable[[Brief], Candidate | None],
) -> bool:
    """Whether no hardware can give another answer: then none of it is tried, step by step, in vain."""
    if best is None or brief.machine is None or brief.mode == "api":
        return False
    if brief.role in ("embedder", "reranker", "classifier"):
        return not any(one.constraint == "memory" for one in rejected)
    step = Step("", with_machine(brief, roomiest(brief.machine)))
    found = first(step.brief)
    return found is not None and _outcome(step, found, best) is None


def _first(ranker: Ranker, brief: Brief) -> Candidate | None:
    return next(iter(ranker(brief, 1).candidates), None)


def what_would_change(
    brief: Brief, candidates: tuple[Candidate, ...], rejected: tuple[Rejected, ...], ranker: Ranker
) -> tuple[Change, ...]:
    """The few changes that would give another answer, each the nearest of its kind.

    Args:
        brief: the needs as they stand.
        candidates: what was recommended, best first; empty where nothing fits.
        rejected: what was excluded.
        ranker: ranks changed needs.
    """
    best = candidates[0] if candidates else None
    first = partial(_first, ranker)
    found: list[Change] = []
    idle = HARDWARE if _enough(brief, best, rejected, first) else ()
    if brief.machine is not None and not brief.machine.devices:
        idle = tuple(ladder for ladder in idle if ladder is not _upgrade)  # a first card is fast as well
    for ladder in (*LOOSER, *TIGHTER):
        if ladder in idle:
            continue
        change = _nearest(ladder(brief, best), best, first)
        if change is not None:
            found.append(change)
        if len(found) >= MOST:
            break
    if best is None and not found:
        found.append(Change("a smaller model or shorter context were acceptable", _smallest(rejected)))
    return tuple(found)


def better_hardware(brief: Brief, candidates: tuple[Candidate, ...], ranker: Ranker) -> tuple[Change, ...]:
    """What hardware alone would change: more memory, more devices, another machine to train on or to buy.

    Args:
        brief: the needs as they stand.
        candidates: what was recommended, best first; empty where nothing fits.
        ranker: ranks changed needs.
    """
    best, first = next(iter(candidates), None), partial(_first, ranker)
    found = (_nearest(ladder(brief, best), best, first) for ladder in (*HARDWARE, _trainer))
    return tuple(change for change in found if change is not None)


def _smallest(rejected: tuple[Rejected, ...]) -> str:
    first = rejected[0] if rejected else None
    return f"the nearest miss is {first.model}: {first.reason}" if first else "see the excluded models"
