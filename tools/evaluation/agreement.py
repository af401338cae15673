"""The judge held against the deterministic checks of the same answers, and what is to be said of it."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import Any

from tools.evaluation.answers import LAST, Finding, Graded
from tools.evaluation.judge import BIASES
from tools.evaluation.kinship import related
from tools.evaluation.runner import Result
from tools.evaluation.statistics import kappa

FEW = 30
"""Answers below which agreement says little; the guides ask for as many grades of people."""
POOR_KAPPA = 0.4
FEW_FOR_KAPPA = 10
"""Answers below which a low kappa may well be chance."""
TEXT = frozenset({"exact", "contains", "regex", "numeric", "json_schema"})
"""Checks of what an answer says, as the judge's are; which tools it called is another question."""
JUDGE = frozenset({"judge"})


def judge_document(result: Result) -> dict[str, Any] | None:
    """What is known of the judge; None where there is none."""
    plan = result.plan
    if plan.judge is None or not plan.judged:
        return None
    counted = _counts(result.runs)
    warnings = [
        f"The judge {plan.judge} {how}: {model} may be favored."
        if how != "is the model under test"
        else f"The judge {plan.judge} is a model under test: it grades itself."
        for model in plan.models
        if (how := related(plan.judge, model)) is not None
    ]
    agreement = _agreement(counted)
    return {
        "model": plan.judge,
        "biases": [{"name": name, "text": text} for name, text in BIASES],
        "warnings": warnings + _doubts(agreement),
        "agreement": agreement,
        "lengths": _lengths(result.runs),
        "usd": round(result.judge_spent.usd, 6),
    }


def both_kinds(findings: Sequence[Finding]) -> tuple[bool, bool] | None:
    """Whether the judge's checks of an answer and the deterministic ones of its text pass.

    Groups of one kind count with it; those of both, tool calls and what could not be decided do not.
    None where one of the kinds is missing.

    Args:
        findings: of one answer.
    """
    decided = [each for each in findings if each.passed is not None]
    judged = [each.passed is True for each in decided if each.leaves == JUDGE]
    fixed = [each.passed is True for each in decided if each.leaves and each.leaves <= TEXT]
    return (all(judged), all(fixed)) if judged and fixed else None


def _counts(runs: Sequence[Graded]) -> dict[tuple[bool, bool], int]:
    """How often each pair of results came, over all answers."""
    counted = dict.fromkeys(((True, True), (True, False), (False, True), (False, False)), 0)
    for run in runs:
        answers: dict[str, list[Finding]] = {}
        for each in run.findings:
            answers.setdefault(each.turn, []).append(each)
        for findings in answers.values():
            if (pair := both_kinds(findings)) is not None:
                counted[pair] += 1
    return counted


def _agreement(counted: dict[tuple[bool, bool], int]) -> dict[str, Any] | None:
    n = sum(counted.values())
    if n == 0:
        return None
    both, lenient, strict, neither = (
        counted[pair] for pair in ((True, True), (True, False), (False, True), (False, False))
    )
    value = kappa(both, lenient, strict, neither)
    return {
        "answers": n,
        "agreed": both + neither,
        "share": round((both + neither) / n, 6),
        "kappa": round(value, 6) if value is not None else None,
        "judge_passed_what_checks_failed": lenient,
        "judge_failed_what_checks_passed": strict,
    }


def _doubts(agreement: dict[str, Any] | None) -> list[str]:
    if agreement is None:
        return [
            "No scenario has both a judge and a deterministic check: nothing here tells how far the judge is "
            "right."
        ]
    told = []
    if agreement["answers"] < FEW:
        told.append(
            f"Judge and deterministic checks meet in {agreement['answers']} "
            f"{'answer' if agreement['answers'] == 1 else 'answers'} only; compare about {FEW} with grades "
            "of your own."
        )
    kappa_says = agreement["kappa"] is not None and agreement["answers"] >= FEW_FOR_KAPPA
    if kappa_says and agreement["kappa"] < POOR_KAPPA:
        told.append(
            f"The judge hardly agrees with the deterministic checks (kappa {agreement['kappa']:.2f}); they "
            "need not ask the same, but look at some answers."
        )
    lenient, strict = (
        agreement["judge_passed_what_checks_failed"],
        agreement["judge_failed_what_checks_passed"],
    )
    if lenient >= 3 and lenient > 2 * strict:
        told.append(
            f"The judge passed {lenient} answers that a deterministic check failed: it may be lenient."
        )
    return told


def _lengths(runs: Sequence[Graded]) -> dict[str, int] | None:
    """Median characters of the answers that the judge passed and failed."""
    lengths: dict[bool, list[int]] = {True: [], False: []}
    for run in runs:
        judged = [each.passed is True for each in run.findings if each.leaves == JUDGE and each.turn == LAST]
        if judged and run.done.answered.turns:
            lengths[all(judged)].append(len(run.done.answered.turns[-1].text))
    if not lengths[True] or not lengths[False]:
        return None
    return {"passed": round(median(lengths[True])), "failed": round(median(lengths[False]))}
