"""The search over the shipped guides keeps its quality when a person adds guides, on the labeled queries."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest

from knowledge.corpus import SHIPPED, Guide, load_guides
from knowledge.evaluation.labeled import load_queries
from knowledge.retrieval import Retriever, open_retriever

# Whoever comes first builds the index, which takes long on a busy machine.
pytestmark = [pytest.mark.index, pytest.mark.timeout(900)]
QUERIES = [query for query in load_queries() if query.parts]
PAGES = 200
WORDS = """
garden river stone window paper music yellow winter kitchen harbor bread letter candle bridge orchard
meadow lantern kettle feather marble thunder velvet cellar saddle compass anchor blanket ribbon chimney
pasture hammer basket mirror whistle barley copper quarry sparrow cottage ladder
"""


def own(name: str, lines: tuple[str, ...]) -> Guide:
    return Guide(f"own/{name}.md", name, "", None, (), lines, 0, "own", f"{name}.md, added 2026-11-21")


def handbook() -> Guide:
    """Two hundred pages of other matters."""
    draw = random.Random(0)
    lines = []
    for number in range(1, PAGES + 1):
        lines += [f"## Page {number}", "", " ".join(draw.choices(WORDS.split(), k=60)) + ".", ""]
    return own("handbook", tuple(lines))


def copies() -> list[Guide]:
    """Copies of shipped guides: one word for word, two with another first line and other figures."""
    guides = {guide.file: guide for guide in load_guides((SHIPPED,))}
    made = [own("copy", guides["quantization.md"].lines)]
    for name in ("kv-cache-and-attention.md", "licenses.md"):
        lines = tuple(line.replace("8", "9").replace("4", "5") for line in guides[name].lines)
        made.append(own(f"changed-{name.removesuffix('.md')}", ("My copy.", "", *lines)))
    return made


def recall(retriever: Retriever) -> float:
    """Share of the parts of the queries that a shipped passage among the first five answers."""
    shares = []
    for query in QUERIES:
        found = [p for p in retriever.search(query.text).passages if p.origin == "shipped"]
        held = {part for p in found for part in query.answered_by(" ".join(p.heading) + "\n" + p.text)}
        shares.append(len(held) / len(query.parts))
    return sum(shares) / len(shares)


def test_own_guides_beside_them_cost_the_shipped_ones_no_place(built_home: Path, tmp_path: Path) -> None:
    # The vectors of the shipped guides are there: only those of the others are made.
    home = shutil.copytree(built_home, tmp_path / "home")
    retriever = open_retriever(home, guides=(*load_guides((SHIPPED,)), handbook(), *copies()))
    try:
        assert retriever.trouble is None, retriever.trouble
        assert sum(chunk.origin == "own" for chunk in retriever.chunks) >= PAGES
        assert not any(chunk.file == "own/copy.md" for chunk in retriever.chunks)
        assert recall(retriever) >= 0.95
        found = retriever.search("how much does a q8_0 cache save").passages
        assert sum(passage.origin == "own" for passage in found) <= 2
    finally:
        retriever.close()
