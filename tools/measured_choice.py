"""What an evaluation of a person's scenarios decides: ties, and whether a base is fine-tuned at all.

All of it is a function of the brief; without an evaluation nothing is changed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from tools.brief import Brief
from tools.candidates import Candidate, Change, Reason
from tools.evaluated import Apart, Evaluated, Passed, good_enough, is_better
from tools.memory.types import Evidence
from tools.needs import ModelWish
from tools.roles.common import Ranked

Ties = Callable[[Candidate, Candidate], bool]
FIRST_OF_ALL = "Run the untrained model on your own rubric first"
"""Beginning of the guides' advice that an evaluation of the person's own scenarios has followed."""


def as_it_is(brief: Brief) -> Brief:
    """The brief without the fine-tune, where a base was shown to pass enough untuned and runs here."""
    lead = good_enough(brief.evaluated) if brief.role == "finetune-base" else None
    if lead is None:
        return brief
    plain = replace(brief, role="generator")
    return plain if _alone(lead, plain) is not None else brief


def _lead(brief: Brief) -> Passed | None:
    """The base that takes the place of its own fine-tune."""
    tuned = brief.training.method not in ("none", "scratch")
    return good_enough(brief.evaluated) if brief.role == "generator" and tuned else None


def _alone(lead: Passed, brief: Brief) -> Candidate | None:
    """The option of that model; None where it does not meet the needs."""
    from tools.roles import generator

    found = generator.rank(replace(brief, wish=ModelWish(named=(lead.model_id,))), keep=2)
    return next(iter(found.candidates), None)


def with_lead(ranked: Ranked, brief: Brief, count: int) -> Ranked:
    """The options with the base that passed enough among them."""
    lead = _lead(brief)
    if lead is None or brief.wish.named or any(c.model_id == lead.model_id for c in ranked.candidates):
        return ranked
    option = _alone(lead, brief)
    if option is None:
        return ranked
    kept = ranked.candidates[: max(0, count - 1)]
    return Ranked([*kept, option], ranked.rejected)


def by_scenarios(options: list[Candidate], brief: Brief, is_tie: Ties) -> list[Candidate]:
    """The options, best first: a tie for the first place goes to the one that was shown to pass more.

    Args:
        options: best first.
        brief: with what was evaluated.
        is_tie: whether two options are too close to tell apart.
    """
    if not brief.evaluated or not options:
        return options
    lead = _lead(brief)
    order = sorted(options, key=lambda c: lead is None or c.model_id != lead.model_id)
    if lead is not None and order[0].model_id == lead.model_id:
        return order
    been = []
    while True:
        first = order[0]
        been.append(first)
        better = next((c for c in order[1:] if is_tie(c, first) and _beats(c, first, brief)), None)
        if better is None or better in been:
            return order
        order = [better, *(c for c in order if c is not better)]


def is_settled(candidate: Candidate, best: Candidate, brief: Brief) -> bool:
    """Whether what was measured tells an option apart from the first one."""
    lead = _lead(brief)
    return _beats(best, candidate, brief) or (lead is not None and best.model_id == lead.model_id)


def _beats(one: Candidate, other: Candidate, brief: Brief) -> bool:
    return is_better(brief.evaluated, one.model_id, other.model_id)


def measured_advantage(best: str | None, other: str | None, brief: Brief) -> str:
    """What was measured for one model id against another, in a few words; empty where nothing was shown."""
    if not is_better(brief.evaluated, best, other):
        return ""
    row = [row for row in brief.evaluated if row.ids == {best, other}][-1]
    mine, its = row.of(best), row.of(other)
    if mine is None or its is None:
        return ""
    return f"it passes {100 * mine.rate:.0f} % of {row.whose} against {100 * its.rate:.0f} %"


def with_evidence(candidate: Candidate, brief: Brief) -> Candidate:
    """An option with what it passed before its other reasons, and among what its quality rests on."""
    rows = [(row, mine) for row in brief.evaluated if (mine := row.of(candidate.model_id)) is not None]
    if not rows:
        return candidate
    reasons = [reason for row, mine in reversed(rows) for reason in _reasons(row, mine, candidate)]
    followed = any(row.own and row.tune for row, _ in rows)
    why = [r for r in candidate.why if not (followed and r.text.startswith(FIRST_OF_ALL))]
    basis = tuple(_evidence(row, mine) for row, mine in reversed(rows))
    quality = replace(candidate.quality, basis=(*basis, *candidate.quality.basis))
    return replace(candidate, why=(*reasons, *why), quality=quality)


def _evidence(row: Evaluated, mine: Passed) -> Evidence:
    counted = f"{mine.passed} of {mine.answers} on {row.day}, rubric {row.rubric}"
    return Evidence("measurement", f"{row.whose}: {counted}", mine.served_as)


def _reasons(row: Evaluated, mine: Passed, candidate: Candidate) -> list[Reason]:
    evidence = _evidence(row, mine)
    missing = f" ({mine.missing} without an answer)" if mine.missing else ""
    said = (
        f"Passes {mine.passed} of {mine.answers} of {row.whose}{'' if row.own else ', which are not yours'} "
        f"({row.rubric}), measured {row.day}: {mine.words}{missing}"
    )
    test = row.apart
    if test is not None and mine.model_id in (test.first, test.second):
        other = row.of(test.second if mine.model_id == test.first else test.first)
        said += f"; {_beside(test, mine, other.model)}" if other is not None else ""
    reasons = [Reason(f"{said}.", (evidence,))]
    if row.tune and candidate.role in ("finetune-base", "generator"):
        reasons.append(Reason(f"{mine.text[:1].upper()}{mine.text[1:].rstrip('.')}.", (evidence, _guide())))
    return reasons


def _beside(test: Apart, mine: Passed, other: str) -> str:
    """The paired test, as it is for one of the two."""
    points = 100 * abs(test.difference)
    if test.shown:
        sign = "more" if test.better == mine.model_id else "fewer"
        return f"that is {points:.0f} points {sign} than {other} on the same ones (p = {test.p:.2g})"
    return f"no difference to {other} is shown (p = {test.p:.2g})"


def _guide() -> Evidence:
    from tools.citing import guide
    from tools.evaluation.document import CLAIM, GUIDE, HEADING

    return guide(GUIDE, HEADING, CLAIM)


def tune_anyway(brief: Brief) -> tuple[Change, ...]:
    """How to go on with the fine-tune that was left out; nothing where none was."""
    lead = _lead(brief)
    if lead is None:
        return ()
    return (
        Change(
            "you want the fine-tune all the same (say: fine-tune it anyway)",
            f"{lead.model} stays the base to fine-tune, and what it leaves failing is what to train for",
        ),
    )
