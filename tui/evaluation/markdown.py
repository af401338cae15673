"""The document of `evaluate` as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from tui.evaluation import view
from tui.evaluation.text import chart_lines
from tui.evaluation.view import Table
from tui.export.markdown import literal

Document = Mapping[str, Any]


def evaluation_markdown(document: Document) -> str:
    """The whole report; ends with a line end."""
    parts = [
        f"# {literal(view.title(document))}",
        literal(view.setting_text(document)),
        "```\n" + "\n".join(chart_lines(document)) + "\n```",
        *body(document),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def body(document: Document) -> list[str]:
    """Everything after the chart, as blocks of Markdown."""
    tags = view.tags_table(document)
    return [
        literal(view.progress_text(document) or ""),
        _table(view.models_table(document)),
        _section("What it says about fine-tuning", view.verdicts(document)),
        _section("Differences between models", view.differences(document)),
        f"## Scenarios\n\n{_table(view.scenarios_table(document))}",
        f"## {tags.title}\n\n{_table(tags)}" if tags is not None else "",
        _section("Why scenarios failed", view.failures(document)),
        _section("The judge", [*view.judge_lines(document), *view.bias_lines(document)]),
        _section("Notes", [*document["caveats"], view.cost_text(document)]),
        _section("Sources", view.citations(document)),
    ]


def _section(title: str, rows: Iterable[str]) -> str:
    lines = [f"- {literal(row)}" for row in rows]
    return f"## {title}\n\n" + "\n".join(lines) if lines else ""


def _table(found: Table) -> str:
    lines = [_row(found.head), _row("---:" if at in found.right else "---" for at in range(len(found.head)))]
    lines[1] = lines[1].replace("\\", "")
    return "\n".join([lines[0], lines[1], *map(_row, found.rows)])


def _row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cell if set(cell) <= {"-", ":"} else literal(cell) for cell in cells) + " |"
