"""The document of `evaluate` as rows and sentences, from which text, Markdown and HTML are made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tui.plaintext import clean, shorten, usd

Document = Mapping[str, Any]
MOST_REASON = 160


@dataclass(frozen=True, slots=True)
class Table:
    """A titled table."""

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    right: tuple[int, ...] = ()
    """Columns of numbers."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One model in the chart; shares between 0 and 1, None where nothing was measured."""

    label: str
    rate: float | None
    low: float
    high: float


def share(value: float | None) -> str:
    """A share as a percentage."""
    return "none yet" if value is None else f"{100 * value:.0f} %"


def interval(row: Document | None) -> str:
    """An interval in percent."""
    return "" if row is None else f"{100 * row['low']:.0f} to {100 * row['high']:.0f} %"


def line(value: object) -> str:
    """Runtime text on one line without control characters."""
    return clean(value, one_line=True)


def title(document: Document) -> str:
    """The report's title."""
    return f"Evaluation: {line(document['rubric']['name'])}"


def setting_text(document: Document) -> str:
    """How it was run, in one sentence."""
    s, run = document["settings"], document["run"]
    parts = [
        f"{document['rubric']['scenarios']:,} scenarios",
        f"{s['repeats']} {'run' if s['repeats'] == 1 else 'runs'} each",
        f"temperature {s['temperature']:g}",
        f"seed {s['seed']}",
        f"answers up to {s['max_tokens']:,} tokens",
    ]
    parts += ["with reasoning"] if s["thinking"] else []
    parts += [f"models at {line(s['endpoint'])}"] if s["endpoint"] else []
    at_judge = f" at {line(s['judge_endpoint'])}" if s["judge_endpoint"] else ""
    parts += [f"judge {line(s['judge'])}{at_judge}"] if s["judge"] else []
    parts += [f"measured until {run['last'][:10]}"] if run["finished"] and run["last"] else []
    return ", ".join(parts) + "."


def bars(document: Document) -> list[Bar]:
    """The chart's rows."""
    rows = []
    for row in document["models"]:
        found = row["interval_95"] or {"low": 0.0, "high": 1.0}
        rows.append(Bar(line(row["model"]), row["pass_rate"], found["low"], found["high"]))
    return rows


def models_table(document: Document) -> Table:
    """Each model's rate, interval, time and cost."""
    several = document["settings"]["repeats"] > 1
    head = ["model", "passed", "pass rate", "95 % interval"]
    head += [f"pass^{document['settings']['repeats']}", f"pass@{document['settings']['repeats']}"] * several
    head += ["median time", "cost"]
    unpriced = document["cost"]["unpriced"]
    rows = [_model_row(row, document["settings"]["repeats"], unpriced) for row in document["models"]]
    return Table("Models", tuple(head), tuple(rows), tuple(range(1, len(head))))


def _model_row(row: Document, repeats: int, unpriced: Sequence[str]) -> tuple[str, ...]:
    k = str(repeats)
    more = [share((row[name] or {}).get(k)) for name in ("pass_hat", "pass_at")] if repeats > 1 else []
    seconds = row["seconds"]
    return (
        line(row["model"]),
        f"{row['passed']:,} of {row['answers']:,}",
        share(row["pass_rate"]),
        interval(row["interval_95"]),
        *more,
        f"{seconds['median']:.1f} s" if seconds else "",
        _cost(row, unpriced),
    )


def _cost(row: Document, unpriced: Sequence[str]) -> str:
    if not row["answers"]:
        return ""
    if row["model"] in unpriced:
        return "unknown"
    return usd(row["usd"]) if row["usd"] else "free"


def verdicts(document: Document) -> list[str]:
    """What each rate says about fine-tuning."""
    rows = []
    for row in document["models"]:
        if row["verdict"] is not None:
            rows.append(
                f"{line(row['model'])}: {share(row['pass_rate'])} ({interval(row['interval_95'])}), "
                f"{row['verdict']['text']}."
            )
        elif row["error"] is not None:
            rows.append(f"{line(row['model'])}: {line(row['error']['message'])}")
    return rows


def differences(document: Document) -> list[str]:
    """Each pair of models in a sentence."""
    return [
        f"{line(row['text'])}; difference {100 * row['difference']:+.0f} points "
        f"({100 * row['interval_95']['low']:+.0f} to {100 * row['interval_95']['high']:+.0f}), "
        f"p = {row['p_corrected']:.3g} by the {row['test']}"
        + (", corrected for several pairs." if len(document["differences"]) > 1 else ".")
        for row in document["differences"]
    ]


def scenarios_table(document: Document) -> Table:
    """Each scenario with each model."""
    names = [row["model"] for row in document["models"]]
    rows = []
    for scenario in document["scenarios"]:
        cells = [_cell(scenario["results"][name]) for name in names]
        rows.append((line(scenario["id"]), *cells, ", ".join(map(line, scenario["tags"]))))
    return Table("Scenarios", ("scenario", *map(line, names), "tags"), tuple(rows))


def _cell(result: Document) -> str:
    if not result["runs"]:
        return "not run"
    if result["runs"] == 1:
        return "passed" if result["passed"] else "failed"
    return f"{result['passed']} of {result['runs']}"


def tags_table(document: Document) -> Table | None:
    """Pass rates of each tag; None where there are no tags."""
    names = [row["model"] for row in document["models"]]
    found: dict[str, dict[str, str]] = {}
    sizes: dict[str, int] = {}
    for row in document["models"]:
        for tag in row["tags"]:
            sizes[tag["tag"]] = tag["scenarios"]
            found.setdefault(tag["tag"], {})[row["model"]] = (
                f"{share(tag['pass_rate'])} ({interval(tag['interval_95'])})"
            )
    if not found:
        return None
    rows = [
        (line(tag), f"{sizes[tag]}", *(cells.get(name, "") for name in names)) for tag, cells in found.items()
    ]
    return Table("By tag", ("tag", "scenarios", *map(line, names)), tuple(rows), (1,))


def failures(document: Document) -> list[str]:
    """Why scenarios failed, in the order of the file."""
    several = len(document["models"]) > 1
    rows = []
    for scenario in document["scenarios"]:
        for name, result in scenario["results"].items():
            if result["reasons"]:
                who = f" ({line(name)})" if several else ""
                reasons = "; ".join(shorten(line(reason), MOST_REASON) for reason in result["reasons"])
                rows.append(f"{line(scenario['id'])}{who}: {reasons}")
    return rows


def judge_lines(document: Document) -> list[str]:
    """What is to be said of the judge."""
    judge = document["judge"]
    if judge is None:
        return []
    rows = [line(text) for text in judge["warnings"]]
    found = judge["agreement"]
    if found is not None:
        value = f", kappa {found['kappa']:.2f}" if found["kappa"] is not None else ""
        rows.append(
            f"Judge and deterministic checks agree on {found['agreed']} of {found['answers']} answers"
            f"{value}; the judge passed {found['judge_passed_what_checks_failed']} that they failed, and "
            f"failed {found['judge_failed_what_checks_passed']} that they passed."
        )
    if judge["lengths"] is not None:
        rows.append(
            f"Answers that it passed have {judge['lengths']['passed']:,} characters in the median, those "
            f"that it failed {judge['lengths']['failed']:,}."
        )
    return rows


def bias_lines(document: Document) -> list[str]:
    """What is known of judges, a sentence each."""
    biases = document["judge"]["biases"] if document["judge"] is not None else []
    return [f"{bias['name'].capitalize()}: {bias['text']}" for bias in biases]


def cost_text(document: Document) -> str:
    """What the run cost."""
    cost = document["cost"]
    text = f"Cost so far {usd(cost['usd'])}" if cost["usd"] else "No cost"
    text += f" of at most {usd(cost['max_usd'])}" if cost["max_usd"] is not None else ""
    if cost["unpriced"]:
        told = f"no price is known of {', '.join(map(line, cost['unpriced']))}"
        text = f"{text}; {told}" if cost["usd"] else f"The cost is not known: {told}"
    return f"{text}."


def progress_text(document: Document) -> str | None:
    """How much of it there is; None where that is all."""
    run = document["run"]
    if document["complete"]:
        return None
    return f"Not complete: {run['finished']:,} of {run['total']:,} runs are finished."


def citations(document: Document) -> Sequence[str]:
    """The guides' lines that verdicts rest on, once each."""
    found = [row["verdict"]["citation"] for row in document["models"] if row["verdict"] is not None]
    return list(dict.fromkeys(f"{line(one['text'])} ({line(one['locator'])})" for one in found))
