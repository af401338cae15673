"""What came of an evaluation, in words: pass rates side by side, what sets them apart, what that decides."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tools.evaluated import Apart, Evaluated, Passed
from tools.planning.rubric import ENOUGH, POOR

Document = Mapping[str, Any]
MOST_CAVEATS = 3
TUNE = {
    "above": "Fine-tuning may not be needed: {model} passes {rate} untuned. I recommend it as it is{prompt}; "
    "say **fine-tune it anyway** to go on with the fine-tune.",
    "below": "Fine-tuning should help: {model} passes only {rate} untuned. It stays the base to fine-tune.",
    "between": "Whether to fine-tune is open: {model} passes {rate} untuned, between 50 and 70 %. "
    "Try the prompt, examples and retrieval first. It stays the base, should you fine-tune.",
    "open": "Whether to fine-tune is still open: {model} passes {rate} untuned, and the interval holds "
    "{lines}{more}. Try the prompt, examples and retrieval first. It stays the base, should you fine-tune.",
}


def results_words(document: Document, command: str) -> tuple[str, list[dict[str, str]]]:
    """The pass rates of a run, side by side, with the paired test, and where to read the rest.

    Args:
        document: of the run.
        command: that shows the whole report.
    """
    rows = document["models"]
    known = [row for row in rows if row["verdict"] is not None]
    lines, single = [], len(rows) == 1
    for row in known:
        low, high = (100 * row["interval_95"][end] for end in ("low", "high"))
        lines.append(
            f"{'' if single else '- '}`{row['model']}` passes {row['passed']} of {row['answers']} scenarios: "
            f"{100 * row['pass_rate']:.0f} % ({low:.0f} to {high:.0f} % at 95 %)."
        )
    if single and known:
        lines[0] += f" {_sentence(known[0]['verdict']['text'])}"
    lines += [f"- {_difference(row)}" for row in document["differences"]]
    if trouble := _trouble(document):
        lines += ["", trouble] if lines else [trouble]
    if known:
        lines += [f"- Mind: {caveat}" for caveat in document["caveats"][:MOST_CAVEATS]]
        usd = document["cost"]["usd"]
        cost = f"It cost ${usd:.4f}. " if usd else ""
        lines += ["", f"{cost}The whole report, with each scenario: `{command}`."]
    return "\n".join(lines), [row["verdict"]["citation"] for row in known[:1] if single]


def _difference(row: Document) -> str:
    """The paired test with its p value."""
    return f"{row['text']}: p = {row['p']:.2g} ({row['test']})."


def _trouble(document: Document) -> str:
    """Why there is less than was asked for, and how to go on."""
    failed = [row for row in document["models"] if row["error"]]
    error = failed[0]["error"] if failed else document.get("error")
    if not error and all(row["verdict"] for row in document["models"]):
        return ""
    error = error or {"message": "No scenario was finished.", "hint": ""}
    whose = f"`{failed[0]['model']}`: " if failed and len(document["models"]) > 1 else ""
    told = f"{whose}{error['message']} {error['hint']}".strip()
    return f"That did not work: {told} What is finished is kept: **evaluate** goes on with the rest."


def decided_words(found: Evaluated) -> str:
    """What an evaluation decides, in a sentence or two."""
    if found.tune:
        return _tune_words(found.passed[0])
    return _tie_words(found, found.apart) if found.apart is not None else ""


def _tune_words(base: Passed) -> str:
    held = [f"{100 * line:.0f} %" for line in (POOR, ENOUGH) if base.low <= line <= base.high]
    more = base.text.partition("; ")[2]
    return TUNE[base.code].format(
        model=base.model,
        rate=f"{100 * base.rate:.0f} %",
        lines=" and ".join(held),
        more=f"; {more}" if more else "",
        prompt=", with a better prompt for what still fails" if base.passed < base.answers else "",
    )


def _tie_words(found: Evaluated, test: Apart) -> str:
    first, second = found.of(test.first), found.of(test.second)
    if first is None or second is None:
        return ""
    points = 100 * abs(test.difference)
    if test.shown:
        better, worse = (first, second) if test.better == test.first else (second, first)
        return (
            f"The scenarios break the tie: {better.model} passes {points:.0f} points more than {worse.model} "
            f"on the same ones, more than chance explains (p = {test.p:.2g})."
        )
    if test.needed is None:
        more = "more scenarios would hardly show one, so take the one that is cheaper or faster for you"
    else:
        more = f"about {test.needed:,} scenarios would show it, if it stays as it is"
    tested = f"{test.scenarios} scenarios"
    gap = f"the gap of {points:.0f} points may be chance" if points >= 1 else "they passed as many"
    return (
        f"The tie stays: {tested} show no difference between {first.model} and {second.model}"
        f"; {gap} (p = {test.p:.2g}), and {more}."
    )


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:].rstrip('.')}."
