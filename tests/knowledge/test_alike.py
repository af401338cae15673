"""Passages that repeat each other."""

from __future__ import annotations

from pathlib import Path

from knowledge.alike import distinct, without_repeats
from knowledge.chunking import Chunk
from knowledge.corpus import SHIPPED, Guide, Origin, load_guides
from knowledge.retrieval import Retriever
from tests.knowledge.fakes import FakeEmbedder

WORDS = "The cache of an 8B model takes {} KiB for each token of its context, and grows with every slot."


def chunk(name: str, text: str, origin: Origin = "own") -> Chunk:
    return Chunk(name, f"{name}.md", name, (name,), 1, 2, "text", text, None, origin)


def names(ranked: list[tuple[Chunk, float]]) -> list[str]:
    return [chunk.id for chunk, _ in ranked]


def ranking(*chunks: Chunk) -> list[tuple[Chunk, float]]:
    return [(chunk, 1.0 - place / 10) for place, chunk in enumerate(chunks)]


def test_own_passages_with_the_same_words_are_left_out_of_the_index() -> None:
    chunks = [
        chunk("shipped", WORDS.format(128), "shipped"),
        chunk("copy", "**" + WORDS.format(128).replace(" ", "\n", 1)),
        chunk("other", WORDS.format(64)),
        chunk("short", "See below."),
        chunk("short2", "See below."),
    ]
    assert [c.id for c in without_repeats(chunks)] == ["shipped", "other", "short", "short2"]


def test_shipped_passages_are_never_touched() -> None:
    twice = [chunk("a", WORDS.format(1), "shipped"), chunk("b", WORDS.format(1), "shipped")]
    assert list(without_repeats(twice)) == twice
    assert names(distinct(ranking(*twice), 5)) == ["a", "b"]
    assert names(
        distinct(ranking(*twice, chunk("own", "Other words altogether, of another matter.")), 5)
    ) == [
        "a",
        "b",
        "own",
    ]


def test_a_shipped_passage_takes_the_place_of_its_own_copy() -> None:
    ranked = ranking(
        chunk("copy", WORDS.format(128)), chunk("x", "y"), chunk("shipped", WORDS.format(128), "shipped")
    )
    assert names(distinct(ranked, 5)) == ["shipped", "x"]


def test_one_with_other_figures_stands_beside_it_and_only_one() -> None:
    copies = [chunk(f"copy{number}", WORDS.format(number)) for number in range(1, 9)]
    others = [
        chunk(f"x{number}", f"Matter number {number} of its own kind.", "shipped") for number in range(3)
    ]
    ranked = ranking(*copies, chunk("shipped", WORDS.format(128), "shipped"), *others)
    found = distinct(ranked, 5)
    assert names(found) == ["shipped", "copy1", "x0", "x1", "x2"]
    assert [score for _, score in found] == sorted((score for _, score in found), reverse=True)


def test_copies_fill_places_only_where_nothing_else_is_there() -> None:
    ranked = ranking(*(chunk(f"copy{number}", WORDS.format(number)) for number in range(1, 5)))
    assert names(distinct(ranked, 5)) == ["copy1", "copy2", "copy3", "copy4"]


def test_rows_of_one_table_are_no_repeats() -> None:
    rows = [
        Chunk(str(n), "own/t.md", "t", ("t",), n, n, "table", WORDS.format(n), None, "own") for n in range(4)
    ]
    assert names(distinct(ranking(*rows), 5)) == ["0", "1", "2", "3"]


def test_a_search_is_not_filled_by_copies_of_a_shipped_guide(tmp_path: Path) -> None:
    shipped = load_guides((SHIPPED,))
    text = next(guide for guide in shipped if guide.file == "kv-cache-and-attention.md").lines
    copies = tuple(
        Guide(
            f"own/c{n}.md", "Copy", "", None, (), (*text, f"Copy number {n}."), 0, "own", f"c{n}, added today"
        )
        for n in range(40)
    )
    plain = Retriever(shipped, tmp_path / "plain", FakeEmbedder())
    filled = Retriever((*shipped, *copies), tmp_path / "filled", FakeEmbedder())
    query = "how much does a q8_0 cache save"
    without = [passage.text for passage in plain.search(query).passages]
    found = filled.search(query).passages
    assert sum(passage.origin == "own" for passage in found) <= 1
    assert [p.text for p in found if p.origin == "shipped"] == without[
        : sum(p.origin == "shipped" for p in found)
    ]
