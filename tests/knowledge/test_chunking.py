from __future__ import annotations

import itertools
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.chunking import MAX_CHARACTERS, MAX_TOKENS, Chunk, chunk_guide, chunk_guides, estimate_tokens
from knowledge.corpus import Guide, load_guides, parse_guide
from knowledge.embedding_worker import weights_folder
from knowledge.markdown_blocks import plain
from tests.knowledge.fakes import MEMORY

WORDS = st.text(st.sampled_from("abcdefgh"), min_size=1, max_size=9)
SENTENCE = st.lists(WORDS, min_size=1, max_size=25).map(lambda words: " ".join(words) + ".")


@st.composite
def blocks(draw: st.DrawFn) -> str:
    """One block of Markdown, small or far too large for a passage."""
    kind = draw(st.sampled_from(["heading", "text", "lead", "list", "table", "code"]))
    count = draw(st.integers(1, 40))
    sentence = draw(SENTENCE)
    if kind == "heading":
        return "#" * draw(st.integers(1, 4)) + " " + sentence
    if kind == "text":
        return "\n".join([sentence] * draw(st.integers(1, 12)))
    if kind == "lead":
        return sentence[:-1] + ":"
    if kind == "list":
        mark = draw(st.sampled_from(["- ", "1. "]))
        return "\n".join(f"{mark}{number} {sentence}" for number in range(count))
    if kind == "table":
        rows = [f"| row {number} | {sentence} |" for number in range(count)]
        return "\n".join(["| name | what |", "|---|---|", *rows])
    return "\n".join(["```sh", *(f"run {number} {sentence}" for number in range(count)), "```"])


guides = st.lists(blocks(), min_size=1, max_size=10).map(
    lambda parts: parse_guide("made.md", "---\ntitle: Made\n---\n\n" + "\n\n".join(parts) + "\n")
)


def covered(chunks: list[Chunk]) -> set[int]:
    return {line for chunk in chunks for line in range(chunk.first_line, chunk.last_line + 1)}


def assert_sound(guide: Guide, chunks: list[Chunk]) -> None:
    """What holds for the passages of every guide."""
    written = {
        number
        for number, line in enumerate(guide.lines, 1)
        if number > guide.body_start and line.strip() and not re.fullmatch(r"\s*(-\s*){3,}", line)
    }
    assert written <= covered(chunks), f"lines in no passage: {sorted(written - covered(chunks))[:5]}"
    assert [chunk.first_line for chunk in chunks] == sorted(chunk.first_line for chunk in chunks)
    for chunk in chunks:
        assert guide.body_start < chunk.first_line <= chunk.last_line <= len(guide.lines)
        assert 0 < len(chunk.text) <= MAX_CHARACTERS
        assert chunk.heading[0] == guide.title
        assert (chunk.file, chunk.guide, chunk.as_of) == (guide.file, guide.title, guide.as_of)


@settings(deadline=None)  # A busy machine is not a defect.
@given(guides)
def test_every_line_lies_in_a_passage_of_bounded_size(guide: Guide) -> None:
    assert_sound(guide, list(chunk_guide(guide)))


@settings(deadline=None)  # A busy machine is not a defect.
@given(guides)
def test_no_view_passes_the_token_limit(guide: Guide) -> None:
    for chunk in chunk_guide(guide):
        assert all(estimate_tokens(view) <= MAX_TOKENS + 2 for view in chunk.views)  # two roundings


@settings(deadline=None)  # A busy machine is not a defect.
@given(guides)
def test_rows_stay_whole_and_every_part_of_a_table_has_its_header(guide: Guide) -> None:
    for chunk in chunk_guide(guide):
        rows = [line for line in chunk.text.split("\n") if line.startswith("|")]
        assert all(row in guide.lines for row in rows)
        if rows:
            assert rows[:2] == ["| name | what |", "|---|---|"]


@settings(deadline=None)  # A busy machine is not a defect.
@given(guides)
def test_fences_are_closed_in_every_passage(guide: Guide) -> None:
    for chunk in chunk_guide(guide):
        assert chunk.text.count("```") % 2 == 0


@settings(deadline=None)  # A busy machine is not a defect.
@given(guides)
def test_ids_are_unique_and_survive_a_move(guide: Guide) -> None:
    chunks = chunk_guides([guide])
    assert len({chunk.id for chunk in chunks}) == len(chunks)
    moved = parse_guide("made.md", "---\ntitle: Made\n---\n\n\n\n" + "\n".join(guide.lines[4:]))
    assert [chunk.id for chunk in chunk_guides([moved])] == [chunk.id for chunk in chunks]


@settings(deadline=None)  # A busy machine is not a defect.
@given(st.text(max_size=3_000))
def test_any_text_is_cut_without_an_error(text: str) -> None:
    for chunk in chunk_guide(parse_guide("any.md", text)):
        assert len(chunk.text) <= MAX_CHARACTERS
        assert chunk.views


def test_headings_lines_and_kinds_of_a_guide() -> None:
    chunks = list(chunk_guide(parse_guide("memory.md", MEMORY)))
    assert [(chunk.heading[1:], chunk.first_line, chunk.last_line, chunk.kind) for chunk in chunks] == [
        ((), 8, 10, "text"),
        (("Weights", "Size by quantization"), 12, 21, "table"),
        (("Cache",), 23, 28, "list"),
    ]
    assert "| Q4_K_M | 4.9 GB |" in chunks[1].text
    assert chunks[1].text.startswith("Size of an 8B model by quantization:\n\n| quantization |")
    assert "Q4_K_M | 4.9 GB" in chunks[1].views[0]
    assert "---" not in chunks[1].views[0]


def test_parts_of_a_table_repeat_the_lead_in_but_count_only_their_own_lines() -> None:
    rows = "\n".join(f"| model {number} | {number}.5 GB of memory on the card |" for number in range(60))
    guide = parse_guide("a.md", f"# A\n\nMemory by model:\n\n| model | memory |\n|---|---|\n{rows}\n")
    parts = list(chunk_guide(guide))
    assert len(parts) > 3
    assert all(
        part.text.startswith("Memory by model:\n\n| model | memory |\n|---|---|\n| model ") for part in parts
    )
    assert parts[0].first_line == 1
    assert all(later.first_line == earlier.last_line + 1 for earlier, later in itertools.pairwise(parts))
    assert parts[-1].last_line == len(guide.lines)


def test_code_is_cut_between_lines_and_fenced_again() -> None:
    lines = [f"python train.py --step {number} --rate 0.0003" for number in range(200)]
    parts = list(chunk_guide(parse_guide("a.md", "# A\n\n```bash\n" + "\n".join(lines) + "\n```\n")))
    assert len(parts) > 3
    assert all(part.text.startswith("```bash\npython") and part.text.endswith("\n```") for part in parts)
    assert [line for part in parts for line in part.text.split("\n")[1:-1]] == lines


def test_a_table_without_rows_is_not_lost() -> None:
    header = " | ".join(f"column {number} of the table" for number in range(120))
    chunks = list(chunk_guide(parse_guide("a.md", f"# A\n\n| {header} |\n|{'---|' * 120}\n")))
    assert "column 0 of" in chunks[0].text
    assert "column 119 of" in chunks[-1].text


def test_a_row_that_is_too_wide_is_read_in_several_views() -> None:
    row = " | ".join(f"cell {number} holds some words" for number in range(60))
    (chunk,) = chunk_guide(parse_guide("a.md", f"# A\n\n| a |{' |' * 59}\n|{'---|' * 60}\n| {row} |\n"))
    assert len(chunk.views) > 1
    assert all(view.startswith("A\n") and estimate_tokens(view) <= MAX_TOKENS for view in chunk.views)
    assert "".join(view.removeprefix("A\n") for view in chunk.views) == plain(chunk.text)


@pytest.mark.parametrize(
    "text", ["x" * 9_000, "| a | b |\n|---|---|\n| " + "y" * 9_000 + " | z |", "- " + "w " * 5_000]
)
def test_one_endless_line_is_cut_by_force(text: str) -> None:
    guide = parse_guide("a.md", text)
    chunks = list(chunk_guide(guide))
    assert_sound(guide, chunks)
    assert len(chunks) > 3


def test_a_guide_that_ends_in_a_heading_keeps_it() -> None:
    chunks = list(chunk_guide(parse_guide("a.md", "# A\n\ntext\n\n## Nothing here\n")))
    assert [chunk.heading for chunk in chunks] == [("A",), ("A", "Nothing here")]


@pytest.mark.parametrize("guide", load_guides(), ids=lambda guide: guide.file)
def test_shipped_guides_keep_the_rules(guide: Guide) -> None:
    chunks = list(chunk_guide(guide))
    assert_sound(guide, chunks)
    tables = {line for line in guide.lines if line.startswith("|")}
    for chunk in chunks:
        assert all(line in tables for line in chunk.text.split("\n") if line.startswith("|"))


def test_estimate_is_near_the_embedders_own_count() -> None:
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(weights_folder() / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    views = [view for chunk in chunk_guides(load_guides()) for view in chunk.views]
    real = [len(tokenizer.encode(view).ids) for view in views]
    guessed = sum(map(estimate_tokens, views))
    assert 0.95 <= guessed / sum(real) <= 1.2
    assert max(real) <= MAX_TOKENS, "heading path included"
    for chunk in chunk_guides(load_guides()):
        assert len(chunk.views) == 1, "every shipped passage is read at once"
        assert chunk.asked, "every shipped section has its questions"
        assert len(tokenizer.encode(chunk.asked).ids) <= 256
