"""The result of a run as a document: rates, intervals, verdicts, differences, the judge, the cost."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import combinations
from statistics import median
from typing import Any

from tools.citing import citation
from tools.evaluation.agreement import judge_document
from tools.evaluation.answers import Graded, Spent
from tools.evaluation.runner import Result
from tools.evaluation.statistics import (
    LEVEL,
    Estimate,
    Tally,
    compare,
    estimate,
    holm,
    pass_at,
    pass_hat,
    t_quantile,
    wilson_of,
)
from tools.planning.rubric import ENOUGH, POOR, Verdict, scenarios_to_settle, verdict_of

Document = dict[str, Any]
FORMAT = 1
MOST_REASONS = 3
SHOWN_ANSWER = 600
"""Characters of an answer in the document; the journal has all of it."""
GUIDE, HEADING = "finetune-chat-base.md", "Is fine-tuning worth it: the 70 % and 50 % thresholds"
CLAIM = "above 70% of the scenarios fine-tuning may not be needed; below 50% it should help significantly"
ADVICE: dict[Verdict, str] = {
    "above": "above 70 %: fine-tuning may not be needed; improve the prompt first",
    "between": "between 50 and 70 %: try the prompt, examples and retrieval first; look at what fails",
    "below": "below 50 %: fine-tuning should help",
    "open": "it cannot be told yet",
}


def document_of(result: Result, *, interrupted: bool = False) -> Document:
    """The document of a run, finished or not.

    Args:
        result: what is known.
        interrupted: the person stopped it.
    """
    plan = result.plan
    by_model = {name: [run for run in result.runs if run.key.model == name] for name in plan.models}
    document: Document = {
        "format": FORMAT,
        "rubric": {
            "name": plan.rubric.name,
            "description": plan.rubric.description,
            "scenarios": len(plan.rubric.scenarios),
            "digest": plan.rubric.digest,
        },
        "settings": plan.as_json(),
        "run": _run(result),
        "models": [_model(result, name, runs) for name, runs in by_model.items()],
        "differences": _differences(by_model),
        "scenarios": _scenarios(result, by_model),
        "judge": judge_document(result),
        "cost": _cost(result),
        "complete": result.complete,
        "interrupted": interrupted,
    }
    document["caveats"] = _caveats(result, document)
    if (error := _error(result)) is not None:
        document["error"] = error
    return document


def _run(result: Result) -> Document:
    return {
        "id": result.plan.identity,
        "began": _iso(result.kept.began),
        "last": _iso(result.kept.ended),
        "finished": len(result.runs),
        "total": len(result.plan.work()),
        "resumed": result.resumed,
        "journal": str(result.folder) if result.folder is not None else None,
    }


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat(timespec="seconds") if moment is not None else None


def tallies_of(runs: Sequence[Graded]) -> dict[str, Tally]:
    """Passed and all runs of each scenario."""
    found: dict[str, Tally] = {}
    for run in runs:
        passed, all_runs = found.get(run.key.scenario, Tally(0, 0))
        found[run.key.scenario] = Tally(passed + run.passed, all_runs + 1)
    return found


def _model(result: Result, name: str, runs: Sequence[Graded]) -> Document:
    tallies = tallies_of(runs)
    total = len(result.plan.rubric.scenarios) * result.plan.settings.repeats
    known = result.kept.models.get(name, {})
    failure = result.failures.get(name)
    row: Document = {
        "model": name,
        "server": known.get("server"),
        "honors": known.get("honors"),
        "scenarios": len(tallies),
        "answers": len(runs),
        "passed": sum(run.passed for run in runs),
        "missing": total - len(runs),
        "pass_rate": None,
        "interval_95": None,
        "verdict": None,
        **_repeated(list(tallies.values()), result.plan.settings.repeats),
        "tags": _tags(result, tallies),
        "replaced": result.kept.replaced.get(name, 0),
        "cut_short": sum(any(turn.cut_short for turn in run.done.answered.turns) for run in runs),
        **_spent(result.spent.get(name, Spent()), runs),
        "note": known.get("note"),
        "error": None
        if failure is None
        else {"code": failure.code, "message": failure.message, "hint": failure.hint},
    }
    if tallies:
        found = estimate(list(tallies.values()))
        row["pass_rate"] = round(found.rate, 6)
        row["interval_95"] = {
            "low": round(found.low, 6),
            "high": round(found.high, 6),
            "method": found.method,
            "cases": round(found.cases, 2),
        }
        row["verdict"] = verdict_document(found, len(tallies))
    return row


def _spent(spent: Spent, runs: Sequence[Graded]) -> Document:
    seconds = [run.done.answered.spent.seconds for run in runs if run.done.answered.spent.requests]
    return {
        "prompt_tokens": spent.prompt_tokens,
        "answer_tokens": spent.answer_tokens,
        "tokens_estimated": spent.estimated,
        "usd": round(spent.usd, 6),
        "seconds": {"median": round(median(seconds), 3), "longest": round(max(seconds), 3)}
        if seconds
        else None,
    }


def _repeated(tallies: Sequence[Tally], repeats: int) -> Document:
    """pass^k and pass@k for every k up to the repeats; nothing without repeats."""
    if repeats == 1:
        return {"pass_hat": None, "pass_at": None}
    ks = range(1, repeats + 1)
    hat = {str(k): value for k in ks if (value := pass_hat(tallies, k)) is not None}
    at = {str(k): value for k in ks if (value := pass_at(tallies, k)) is not None}
    return {
        "pass_hat": {k: round(value, 6) for k, value in hat.items()},
        "pass_at": {k: round(value, 6) for k, value in at.items()},
    }


def _tags(result: Result, tallies: dict[str, Tally]) -> list[Document]:
    rows = []
    tags = dict.fromkeys(tag for scenario in result.plan.rubric.scenarios for tag in scenario.tags)
    for tag in tags:
        own = [tallies[s.id] for s in result.plan.rubric.scenarios if tag in s.tags and s.id in tallies]
        if own:
            found = estimate(own)
            interval = {"low": round(found.low, 6), "high": round(found.high, 6)}
            rows.append(
                {
                    "tag": tag,
                    "scenarios": len(own),
                    "pass_rate": round(found.rate, 6),
                    "interval_95": interval,
                }
            )
    return rows


def verdict_document(found: Estimate, scenarios: int) -> Document:
    """What a pass rate says about fine-tuning, and whether it says it for sure.

    Args:
        found: the rate with its interval.
        scenarios: that it was measured on.
    """
    per_scenario = found.cases / scenarios
    clustered = found.method != "Wilson"

    def interval(number: int) -> tuple[float, float]:
        quantile = (t_quantile(number - 1),) if clustered else ()
        return wilson_of(found.rate, number * per_scenario, *quantile)

    code = verdict_of(found.low, found.high)
    more = None
    text = ADVICE[code]
    if code == "open":
        crossed = [line for line in (POOR, ENOUGH) if found.low <= line <= found.high]
        text = f"{text}: the interval holds {' and '.join(f'{100 * line:.0f} %' for line in crossed)}"
        settled = scenarios_to_settle(found.rate, scenarios, interval)
        more = settled - scenarios if settled is not None else None
        if more is not None:
            scenarios_more = "scenario" if more == 1 else "scenarios"
            text += f"; about {more:,} more {scenarios_more} would decide, if the rate stays as it is"
        else:
            text += "; the rate is so near to the line that more scenarios would hardly decide"
    return {
        "code": code,
        "text": text,
        "more_scenarios": more,
        "thresholds": {"poor": POOR, "enough": ENOUGH},
        "citation": citation(
            CLAIM,
            GUIDE,
            HEADING,
        ),
    }


def _differences(by_model: dict[str, list[Graded]]) -> list[Document]:
    rows: list[Document] = []
    for first, second in combinations(by_model, 2):
        one, other = tallies_of(by_model[first]), tallies_of(by_model[second])
        pairs = [(one[name], other[name]) for name in one if name in other]
        if not pairs:
            continue
        found = compare(pairs)
        rows.append(
            {
                "first": first,
                "second": second,
                "difference": round(found.difference, 6),
                "interval_95": {"low": round(found.low, 6), "high": round(found.high, 6)},
                "p": found.p,
                "scenarios": found.scenarios,
                "only_first": found.only_first,
                "only_second": found.only_second,
                "test": found.method,
            }
        )
    for row, corrected in zip(rows, holm([row["p"] for row in rows]), strict=True):
        row["p_corrected"] = corrected
        row["shown"] = corrected < LEVEL
        row["text"] = _difference_text(row)
    return rows


def _difference_text(row: Document) -> str:
    points = 100 * abs(row["difference"])
    names, counts = (row["first"], row["second"]), (row["only_first"], row["only_second"])
    if row["difference"] < 0:
        names, counts = names[::-1], counts[::-1]
    where = f"better in {counts[0]} of {row['scenarios']} scenarios, worse in {counts[1]}"
    if row["shown"]:
        return f"{names[0]} passes {points:.0f} points more than {names[1]} ({where})"
    if points < 0.5:
        return f"no difference shown: {names[0]} against {names[1]} ({where})"
    return f"{names[0]} is {points:.0f} points ahead of {names[1]}, which may be chance ({where})"


def _scenarios(result: Result, by_model: dict[str, list[Graded]]) -> list[Document]:
    found: dict[tuple[str, str], list[Graded]] = {}
    for name, runs in by_model.items():
        for run in runs:
            found.setdefault((run.key.scenario, name), []).append(run)
    return [
        {
            "id": scenario.id,
            "tags": list(scenario.tags),
            "results": {name: _outcome(found.get((scenario.id, name), [])) for name in by_model},
        }
        for scenario in result.plan.rubric.scenarios
    ]


def _outcome(runs: Sequence[Graded]) -> Document:
    failed = [run for run in runs if not run.passed]
    reasons = list(dict.fromkeys(reason for run in failed for reason in run.reasons))
    shown = failed[0] if failed else runs[0] if runs else None
    turns = shown.done.answered.turns if shown is not None else ()
    return {
        "passed": len(runs) - len(failed),
        "runs": len(runs),
        "reasons": reasons[:MOST_REASONS],
        "answer": turns[-1].text[:SHOWN_ANSWER] if turns else None,
        "calls": [call.name for call in turns[-1].calls] if turns else [],
    }


def _cost(result: Result) -> Document:
    return {
        "usd": round(result.usd, 6),
        "max_usd": result.plan.settings.max_cost,
        "unpriced": [name for name, about in result.kept.models.items() if not about.get("priced", True)],
        "stopped": result.stopped,
    }


def _caveats(result: Result, document: Document) -> list[str]:
    plan = result.plan
    told = []
    missing = document["run"]["total"] - document["run"]["finished"]
    if missing:
        told.append(
            f"No answer came in {missing:,} of {document['run']['total']:,} runs: they are not counted, and "
            "the same command goes on with them."
        )
    elif result.resumed == len(result.runs) and result.kept.ended is not None:
        told.append(
            f"Nothing was asked: these answers are of {result.kept.ended.date().isoformat()}; --fresh "
            "measures anew."
        )
    if plan.settings.repeats > 1 and plan.settings.temperature == 0:
        told.append(
            "At temperature 0 repeats show the scatter of the server only; for the consistency that people "
            "meet, repeat at the temperature of the application."
        )
    for row in document["models"]:
        if row["cut_short"]:
            told.append(
                f"{row['model']}: answers that were cut off: {row['cut_short']:,}; raise `max_tokens`."
            )
        told += [
            f"{row['model']}: {name} is not taken by this model."
            for name, how in (row["honors"] or {}).items()
            if how.startswith("not")
        ]
    if undecided := sum(any(each.passed is None for each in run.findings) for run in result.runs):
        told.append(f"Runs with a check that could not be decided, and so is not passed: {undecided:,}.")
    if (k := plan.settings.repeats) > 1:
        told.append(
            f"pass^{k} is the chance that {k} runs of a scenario all pass, pass@{k} that at least one does."
        )
    told += [_replaced(name, runs) for name, runs in result.kept.replaced.items() if runs]
    if result.kept.damaged:
        told.append(f"Damaged lines of the record: {result.kept.damaged:,}. Their runs are asked again.")
    return told


def _replaced(name: str, runs: int) -> str:
    """That another model has the name since."""
    return (
        f"{name} was pulled anew while this record was kept: {runs:,} of its finished runs are of the model "
        "that had the name before. --fresh asks all of them again."
    )


def _error(result: Result) -> Document | None:
    """Why there is less than was asked for; the ceiling first."""
    if result.stopped is not None:
        return {
            "code": "cost",
            "message": result.stopped,
            "hint": "What is finished is kept: the same command with a higher --max-cost goes on.",
        }
    failures = [*filter(None, [result.judge_failure]), *result.failures.values()]
    if failures:
        failure = failures[0]
        return {"code": failure.code, "message": failure.message, "hint": failure.hint}
    if result.misses:
        failure = result.misses[0][1]
        return {
            "code": failure.code,
            "message": failure.message,
            "hint": f"{failure.hint} What is finished is kept: the same command asks for the rest.".lstrip(),
        }
    return None
