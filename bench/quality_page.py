"""docs/quality.md, from the tables that the program reads and the stored results of bench/quality.py.

    python -m bench.quality_page

The text with its marks is `bench/quality_page.md`; a mark without a value is an error.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from string import Template
from typing import Any

from bench.quality import stored
from knowledge.catalog.records import BenchmarkResult
from knowledge.catalog.store import load_catalog
from scripts.quality_rows import FEWEST, rows_of
from tools.kin import SAME_SIZE
from tools.quality import encoder_table, fit_table
from tools.quant_loss import cache_rows, loss_table, weight_rows
from tools.roles.training import TUNABILITY_POINTS
from tools.score_parts import GRADES
from tools.scores import benchmark_row, benchmark_table, informations, measure_of
from tools.utility import PARTS
from tools.utility import table as utility_table

TEXT = Path(__file__).with_suffix(".md")
PAGE = TEXT.resolve().parent.parent / "docs" / "quality.md"
PRIOR = (
    "constant",
    "log2 of billions of parameters",
    "log2 of billions of active parameters",
    "years since 2024",
    "thinking (1 always, 0.5 can be switched)",
    "years squared",
    "log2 of billions squared, at most 64, divided by 8",
    "base model without chat training",
)
"""What the numbers of `tools.quality.features_of` are."""


def page() -> str:
    """The page of the documentation."""
    values = _method() | _tasks() | _losses() | _utility() | _results() | _unweighed()
    return Template(TEXT.read_text(encoding="utf-8")).substitute(values)


def write() -> None:
    """Writes docs/quality.md."""
    PAGE.write_text(page(), encoding="utf-8")


def _table(columns: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    names = list(columns)
    lines = [names, ["---"] * len(names), *rows]
    return "\n".join("| " + " | ".join(_cell(cell) for cell in line) + " |" for line in lines)


def _cell(value: object) -> str:
    if value is None:
        return ""
    words = f"{value:g}" if isinstance(value, float) else str(value)
    return words.replace("|", "/")


def _share(value: float) -> str:
    return f"{100 * value:g} %"


def _method() -> dict[str, object]:
    """Scale, prior, kin, and what a score weighs."""
    fit, table = fit_table(), benchmark_table()
    group = fit["groups"]["generator"]
    rows = rows_of("generator")
    caution = utility_table()["caution"]
    return {
        "reference": group["reference_board"].split("|")[0] + ", " + group["reference_board"].split("|")[1],
        "reference_level": group["reference_level"],
        "fit_rows": f"{len(rows):,}",
        "fit_models": len({row.model for row in rows}),
        "fit_date": fit["fit_date"],
        "prior_table": _table(("what", "logits"), zip(PRIOR, map(float, group["weights"]), strict=True)),
        "makers": len(group["makers"]),
        "families": len(group["families"]),
        "unknown_maker": group["unknown_maker"],
        "ceiling": group["ceiling"],
        "spread": group["spread"],
        "spread_unknown": group["spread_unknown"],
        "same_size": _share(SAME_SIZE),
        "kin_pseudo": f"{group['kin_pseudo']:g}",
        "kin_shared": _share(group["kin_shared"]),
        "derivative_loss": fit["derivative_loss"],
        "derivative_spread": fit["derivative_spread"],
        "off_axis": table["off_axis_weight"],
        "vendor": table["vendor_factor"],
        "half_life": table["half_life_months"],
        "least_information": table["least_information"],
        "noise": group["noise"],
        "shrink": f"{group['noise'] / group['spread'] ** 2:.2f}",
        "doubts_table": _table(
            ("doubt", "factor", "why"),
            ((name, doubt["factor"], doubt["words"]) for name, doubt in table["doubts"].items()),
        ),
        "grades_table": _table(
            ("grade", "what it rests on", "caution"),
            ((grade, words, caution[grade]) for grade, words in GRADES.items()),
        ),
        "tie": utility_table()["tie_deviations"],
        "tie_why": utility_table()["tie_source"].split(": ", 1)[1],
    }


def _tasks() -> dict[str, object]:
    """The weights by task, and every benchmark."""
    table = benchmark_table()
    axes = [axis for axis in table["axes"] if any(axis in weights for weights in table["tasks"].values())]
    covered = _covered()
    rows = (_benchmark(row, covered.get(number, [])) for number, row in enumerate(table["benchmarks"]))
    return {
        "fewest": FEWEST,
        "tasks_table": _table(
            ("task", *axes),
            ((task, *(weights.get(axis) for axis in axes)) for task, weights in table["tasks"].items()),
        ),
        "benchmarks_table": _table(
            ("benchmark", "axis", "trust", "doubts", "counts", "information", "scores", "newest"), rows
        ),
    }


def _covered() -> dict[int, list[BenchmarkResult]]:
    """The catalog's scores by the number of the row that they count under."""
    rows, catalog = benchmark_table()["benchmarks"], load_catalog()
    numbers = {id(row): number for number, row in enumerate(rows)}
    found: dict[int, list[BenchmarkResult]] = defaultdict(list)
    for model in catalog.models:
        for result in catalog.benchmarks.for_model(model.id):
            row = benchmark_row(result.benchmark)
            if row is not None:
                found[numbers[id(row)]].append(result)
    return found


def _benchmark(row: dict[str, Any], results: list[BenchmarkResult]) -> tuple[object, ...]:
    told = sorted({informations()[r.benchmark] for r in results if r.benchmark in informations()})
    between = f"{told[0]:.2f} to {told[-1]:.2f}" if len(told) > 1 else f"{told[0]:.2f}" if told else None
    what = measure_of(results[0].benchmark) if results else None
    factors = benchmark_table()["doubts"]
    counts = float(row["trust"])
    for doubt in row.get("doubts", ()):
        counts *= factors[doubt]["factor"]
    assert what is None or round(what.trust, 6) == round(counts, 6)
    newest = max((r.as_of for r in results), default=None)
    return (
        row["match"],
        row["axis"],
        row["trust"],
        ", ".join(row.get("doubts", ())),
        round(counts, 2),
        between,
        len(results),
        newest,
    )


def _losses() -> dict[str, object]:
    """Losses of weight formats and cache types with their measurements."""
    table, size = loss_table(), loss_table()["size"]
    known = load_catalog().quantizations
    return {
        "loss_scale": table["scale"],
        "cache_scale": table["cache_scale"],
        "loss_date": table["as_of"],
        "size_params": f"{size['params'] / 1e9:g} billion",
        "size_power": size["power"],
        "size_least": size["least"],
        "size_most": size["most"],
        "task_hard": table["tasks"]["code"],
        "task_default": table["tasks"]["default"],
        "tasks_why": table["tasks_why"],
        "size_why": table["size_why"].rstrip("."),
        "q4_cache": cache_rows()["q4_0"]["keys"],
        "weights_loss_table": _table(
            ("format", "bits", "points", "derivation", "why", "measurements"),
            (
                (name, known[name].bits_per_weight, row["points"], row["derivation"], row["why"], _told(row))
                for name, row in weight_rows().items()
            ),
        ),
        "caches_loss_table": _table(
            ("type", "points of keys", "points of values", "derivation", "why", "measurements"),
            (
                (name, row["keys"], row["values"], row["derivation"], row["why"], _told(row))
                for name, row in cache_rows().items()
            ),
        ),
        "derivations_table": _table(("derivation", "what it means"), table["derivations"].items()),
        "sources_table": _table(
            ("source", "where", "date", "what was measured"),
            (
                (name, s["where"], s["date"], s["what"] + ("" if s["checked"] else " (not read)"))
                for name, s in table["sources"].items()
            ),
        ),
    }


def _told(row: dict[str, Any]) -> str:
    return "; ".join(_measurement(m) for m in row["measurements"])


def _measurement(m: dict[str, Any]) -> str:
    part = f" ({m['part']})" if "part" in m else ""
    if "difference" in m:
        seen = f"{m['difference']:g} lost"
    elif "recovery" in m:
        seen = f"{100 * m['recovery']:.1f} % of {m['full']:g} kept"
    elif "full" in m:
        seen = f"{m['full']:g} to {m['quantized']:g}"
    else:
        return f"{m['model']}: {m['test']} [{m['source']}]"
    return f"{m['model']}, {m['test']}{part}: {seen} [{m['source']}]"


def _utility() -> dict[str, object]:
    table = utility_table()
    comfort = table["comfortable_tokens_per_second"]
    return {
        "utility_source": table["source"].removeprefix("starting point: ").split(" (")[0],
        "utility_table": _table(
            ("priority", *PARTS),
            ((name, *(weights[part] for part in PARTS)) for name, weights in table["weights"].items()),
        ),
        "comfort_least": comfort["least"],
        "comfort_most": comfort["most"],
    }


def _results() -> dict[str, object]:
    found = stored()
    ours, size = found.medians
    return {
        "results_date": found.day,
        "results_fit": found.fit_date,
        "left_out_table": _table(
            ("group", "models left out", "median error (logits)", "standard deviation", "rank correlation"),
            ((one.group, one.models, *(f"{value:.2f}" for value in one.figures)) for one in found.left_out),
        ),
        "boards_table": _table(
            ("board", "publisher", "axis", "models", "with other scores", "ours", "by parameters alone"),
            (
                (b.name, b.publisher, b.axis, b.models, b.scored, f"{b.ours:.2f}", f"{b.by_size:.2f}")
                for b in found.boards
            ),
        ),
        "boards_count": len(found.boards),
        "boards_ours": f"{ours:.2f}",
        "boards_size": f"{size:.2f}",
    }


def _unweighed() -> dict[str, object]:
    """Tasks without boards: encoders, bases for fine-tuning."""
    table, tuning = encoder_table(), benchmark_table()["fine_tuning"]["factors"]
    unchecked = [row for row in table["models"].values() if not row.get("checked", True)]
    return {
        "encoder_benchmark": table["benchmark"],
        "encoder_models": len(table["models"]),
        "encoder_date": table["as_of"],
        "encoder_spread": table["measured_spread"],
        "encoder_unchecked": table["unchecked_spread"],
        "encoder_unchecked_count": len(unchecked),
        "encoder_at": table["expected_at_100m"],
        "encoder_per": table["expected_per_doubling"],
        "encoder_expected": table["expected_spread"],
        "tuning_factors": ", ".join(f"{axis} {factor:g}" for axis, factor in tuning.items()),
        "tunability": TUNABILITY_POINTS,
    }


if __name__ == "__main__":
    write()
