"""The document of `evaluate` as text for a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tui.evaluation import view
from tui.evaluation.view import Table
from tui.output import bold, bullets, section, table, wrapped
from tui.plaintext import clean, usd

Document = Mapping[str, Any]
CELLS = 40
"""Width of the chart."""
CENT = 0.01
FEW = 12
"""Reasons that are told without --why."""


def evaluation_lines(document: Document, why: bool) -> list[str]:
    """The lines of any document of `evaluate`.

    Args:
        document: of a run, a dry run, or a copied example.
        why: all scenarios and reasons.
    """
    if "written" in document and "example" in document:
        return wrapped(f"The example {document['example']} is in {clean(document['written'])}.")
    if "estimate" in document:
        return _estimate(document)
    lines = [bold(view.title(document)), *wrapped(view.setting_text(document))]
    lines += wrapped(progress) if (progress := view.progress_text(document)) is not None else []
    if not document["run"]["finished"]:
        return lines  # tables of nothing; why is told as the error
    lines += ["", *chart_lines(document)]
    lines += ["", *_table(view.models_table(document))]
    lines += section("What it says about fine-tuning", bullets(view.verdicts(document)))
    lines += section("Differences", bullets(view.differences(document)))
    lines += section("Scenarios", _table(view.scenarios_table(document)))
    if why and (tags := view.tags_table(document)) is not None:
        lines += section(tags.title, _table(tags))
    lines += section("Why scenarios failed", _failures(document, why))
    lines += section("The judge", bullets([*view.judge_lines(document), *_biases(document, why)]))
    lines += section("Notes", bullets(document["caveats"]))
    lines += ["", *wrapped(view.cost_text(document))]
    if why:
        lines += section("Sources", bullets(view.citations(document)))
        lines += wrapped(f"Record of the run: {document['run']['journal']}")
    for path in document.get("written", ()):
        lines += wrapped(f"Written: {path}")
    return lines


def _table(found: Table) -> list[str]:
    return table(found.rows, found.head, found.right, whole=(0,))


def _biases(document: Document, why: bool) -> list[str]:
    if why or document["judge"] is None:
        return view.bias_lines(document)
    names = ", ".join(bias["name"] for bias in document["judge"]["biases"])
    return [f"Known biases of judges: {names}; --why says what is done about each."]


def _failures(document: Document, why: bool) -> list[str]:
    rows = view.failures(document)
    shown = rows if why else rows[:FEW]
    more = [f"and {len(rows) - len(shown):,} more; --why tells all"] if len(rows) > len(shown) else []
    return bullets([*shown, *more])


def chart_lines(document: Document) -> list[str]:
    """The pass rates as a chart of plain characters: `=` the interval, `o` the rate, `|` the two lines."""
    rows = view.bars(document)
    width = max((len(row.label) for row in rows), default=0)
    lines = []
    for row in rows:
        cells = [" "] * (CELLS + 1)
        for mark in (0.5, 0.7):
            cells[round(mark * CELLS)] = "|"
        if row.rate is not None:
            low, high = round(row.low * CELLS), round(row.high * CELLS)
            cells[low : high + 1] = ["="] * (high - low + 1)
            cells[round(row.rate * CELLS)] = "o"
        lines.append(f"  {row.label.ljust(width)}  [{''.join(cells)}] {view.share(row.rate)}")
    scale = [" "] * (CELLS + 8)
    for mark, label in ((0.0, "0"), (0.5, "50"), (0.7, "70"), (1.0, "100 %")):
        at = round(mark * CELLS) + 1 - len(label) // 2 * (mark > 0)
        scale[at : at + len(label)] = label
    return [*lines, f"  {' ' * width}  {''.join(scale)}".rstrip()] if lines else []


def _estimate(document: Document) -> list[str]:
    found, rubric = document["estimate"], document["rubric"]
    seconds = found["seconds"]
    lines = [bold(f"Not run: {view.line(rubric['name'])}, {rubric['scenarios']:,} scenarios")]
    if found["finished"]:
        lines += wrapped(f"{found['finished']:,} runs are finished already and are not asked again.")
    rows = [
        [
            row["model"],
            f"{row['requests']:,}",
            f"{row['prompt_tokens']:,}",
            f"{row['answer_tokens']:,}",
            _dollars(row["usd"]),
            _dollars(row["most_usd"]),
            row["basis"],
        ]
        for row in found["models"]
    ]
    head = ("model", "requests", "tokens in", "tokens out", "cost", "at most", "speed")
    lines += ["", *table(rows, head, right=range(1, 6), whole=(0,))]
    time = f"{rough_time(seconds['low'])} to {rough_time(seconds['high'])}"
    lines += ["", *wrapped(f"Estimate: {found['requests']:,} requests, about {time}, {total_cost(found)}.")]
    return lines


def total_cost(found: Document) -> str:
    """The cost of an estimate in words."""
    if found["usd"] is None:
        return "cost unknown, because the price of a model is not known"
    if not found["most_usd"]:
        return "no cost"
    if found["most_usd"] < CENT:
        return "less than a cent"
    return f"about {usd(found['usd'])}, at most {usd(found['most_usd'])}"


def _dollars(value: float | None) -> str:
    if value is None or value == 0:
        return "unknown" if value is None else "free"
    return usd(value) if value >= CENT else "under a cent"


def rough_time(seconds: float) -> str:
    """Seconds as seconds, minutes or hours."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{round(seconds / 60)} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
