"""Draws the layers of ARCHITECTURE.md, from the import contract of pyproject.toml.

    python scripts/layers.py

writes `docs/pictures/layers.svg`. The order is the one that import-linter enforces; what each layer is for
is the first line of its package.
"""

from __future__ import annotations

import ast
import tomllib
from pathlib import Path
from xml.sax.saxutils import escape

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "docs" / "pictures" / "layers.svg"
WIDTH, BOX, GAP, TOP = 860, 96, 34, 74
PARTS = {
    "tui": "screen · plain lines · JSON lines · command line · browser (serve) · other agents (mcp)",
    "agent": "graph · interview · understanding · explanation · grounding · language models · sessions",
    "tools": "memory · fit · speed · quality · licenses · prices · plans · recommendation · registry",
    "knowledge": "catalog of models, cards, licenses, scores · guides · search · own guides · settings",
}
STYLE = """
.box { fill: #f4f2ed; stroke: #256985; stroke-width: 1.5; }
.name { font: bold 18px monospace; fill: #256985; }
.text { font: 14px sans-serif; fill: #2a2e35; }
.parts { font: 13px sans-serif; fill: #5b6270; }
.arrow { stroke: #5b6270; stroke-width: 1.5; fill: none; marker-end: url(#tip); }
.tip { fill: #5b6270; }
@media (prefers-color-scheme: dark) {
  .box { fill: #191d23; stroke: #7fb4ca; }
  .name { fill: #7fb4ca; }
  .text { fill: #d8dbe0; }
  .parts { fill: #a2a9b4; }
  .arrow { stroke: #a2a9b4; }
  .tip { fill: #a2a9b4; }
}
"""


def layers() -> list[str]:
    """The packages from the top down, as the import contract has them."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contract = next(one for one in settings["tool"]["importlinter"]["contracts"] if one["type"] == "layers")
    return [str(layer) for layer in contract["layers"]]


def purpose(package: str) -> str:
    """The first line of a package's docstring."""
    module = ast.parse((ROOT / package / "__init__.py").read_text(encoding="utf-8"))
    return (ast.get_docstring(module) or "").split("\n", 1)[0].rstrip(".")


def box(package: str, top: int) -> str:
    """One layer."""
    return "\n".join(
        [
            f'<rect class="box" x="20" y="{top}" width="{WIDTH - 40}" height="{BOX}" rx="8"/>',
            f'<text class="name" x="40" y="{top + 30}">{package}/</text>',
            f'<text class="text" x="40" y="{top + 56}">{escape(purpose(package))}</text>',
            f'<text class="parts" x="40" y="{top + 79}">{escape(PARTS[package])}</text>',
        ]
    )


def picture() -> str:
    """The whole picture as SVG."""
    packages = layers()
    drawn = []
    for place, package in enumerate(packages):
        top = TOP + place * (BOX + GAP)
        drawn.append(box(package, top))
        drawn.append(f'<path class="arrow" d="M {WIDTH // 2} {top - GAP + 4} V {top - 6}"/>')
    height = TOP + len(packages) * (BOX + GAP)
    label = "Layers of llm-advisor; imports point down only: " + ", ".join(packages)
    people = "people, scripts and other agents"
    return f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img">
<title>{escape(label)}</title>
<style>{STYLE}</style>
<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto">
<path class="tip" d="M 0 0 L 8 4 L 0 8 z"/></marker></defs>
<text class="text" x="{WIDTH // 2}" y="28" text-anchor="middle">{people}</text>
{chr(10).join(drawn)}
<text class="parts" x="{WIDTH // 2}" y="{height - 8}" text-anchor="middle">imports point down only</text>
</svg>
"""


def main() -> None:
    """Write the picture."""
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    TARGET.write_text(picture(), encoding="utf-8")
    print(f"wrote {TARGET.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
