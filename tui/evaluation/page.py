"""The document of `evaluate` as one HTML page: no script, nothing loaded from elsewhere, light and dark."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from importlib.resources import files
from typing import Any

from tools.planning.rubric import ENOUGH, POOR
from tui.evaluation import view
from tui.evaluation.markdown import body
from tui.export.html import POLICY
from tui.export.markdown import literal

Document = Mapping[str, Any]
LEFT, PLOT, RIGHT = 220, 420, 70
ROW, TOP, BOTTOM = 34, 14, 30
MOST_LABEL = 30
"""Characters of a model's name beside its bar; the rest is in the title that a pointer shows."""
STYLE = """
.chart { max-width: 100%; height: auto; }
.chart text { fill: var(--ink); font: 13px system-ui, sans-serif; }
.chart .soft { fill: var(--soft); }
.chart .grid { stroke: var(--line); stroke-width: 1; }
.chart .mark { stroke: var(--soft); stroke-width: 1; stroke-dasharray: 4 3; }
.chart .range { stroke: var(--ink); stroke-width: 2; }
.chart .rate { fill: var(--ink); }
"""


def evaluation_html(document: Document) -> str:
    """The whole report as a page."""
    from markdown_it import MarkdownIt

    markdown = MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")
    style = files("tui").joinpath("export/page.css").read_text(encoding="utf-8")
    opening = markdown.render(f"# {literal(view.title(document))}\n\n{literal(view.setting_text(document))}")
    rest = markdown.render("\n\n".join(part for part in body(document) if part))
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(view.title(document))}, by llm-advisor</title>\n"
        f"<style>\n{style}{STYLE}</style>\n</head>\n<body>\n{opening}{chart_svg(document)}\n{rest}</body>\n</html>\n"
    )


def chart_svg(document: Document) -> str:
    """The pass rates with their intervals and the two lines of the guides, as inline SVG."""
    rows = view.bars(document)
    height = TOP + ROW * len(rows) + BOTTOM
    width = LEFT + PLOT + RIGHT
    told = "; ".join(f"{row.label}: {view.share(row.rate)}" for row in rows)
    spoken = escape(f"Pass rates. {told}", quote=True)
    parts = [
        f'<svg class="chart" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" role="img" aria-label="{spoken}">'
    ]
    for value, kind in ((0.0, "grid"), (0.25, "grid"), (POOR, "mark"), (ENOUGH, "mark"), (1.0, "grid")):
        parts.append(_upright(value, kind, height, view.share(value)))
    for number, row in enumerate(rows):
        parts.append(_bar(row, TOP + ROW * number + ROW / 2))
    return "\n".join([*parts, "</svg>"])


def _x(value: float) -> float:
    return LEFT + PLOT * value


def _upright(value: float, kind: str, height: int, label: str) -> str:
    x = _x(value)
    bottom = height - BOTTOM
    line = f'<line class="{kind}" x1="{x:g}" y1="{TOP}" x2="{x:g}" y2="{bottom}"/>'
    return f'{line}<text class="soft" x="{x:g}" y="{bottom + 18}" text-anchor="middle">{label}</text>'


def _bar(row: view.Bar, y: float) -> str:
    short = row.label if len(row.label) <= MOST_LABEL else row.label[: MOST_LABEL - 1] + "…"
    text = f'<text x="{LEFT - 12}" y="{y + 4:g}" text-anchor="end">{escape(short)}</text>'
    name = f"<title>{escape(row.label)}</title>"
    if row.rate is None:
        return f'<g>{name}{text}<text class="soft" x="{_x(0) + 8:g}" y="{y + 4:g}">not run</text></g>'
    low, high, rate = _x(row.low), _x(row.high), _x(row.rate)
    ends = "".join(
        f'<line class="range" x1="{x:g}" y1="{y - 6:g}" x2="{x:g}" y2="{y + 6:g}"/>' for x in (low, high)
    )
    return (
        f'<g>{name}{text}<line class="range" x1="{low:g}" y1="{y:g}" x2="{high:g}" y2="{y:g}"/>{ends}'
        f'<circle class="rate" cx="{rate:g}" cy="{y:g}" r="5"/>'
        f'<text x="{_x(1) + 12:g}" y="{y + 4:g}">{view.share(row.rate)}</text></g>'
    )
