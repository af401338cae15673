"""Which lines carry a claim, and that a claim which they do not carry is refused."""

from __future__ import annotations

import pytest

from knowledge.corpus import SHIPPED, load_guides
from knowledge.outline import outline
from knowledge.passage_units import units_of
from knowledge.references import find_in
from knowledge.support import best_unit, support

FIRST = 10
TEXT = """### Memory of two models on a card

Qwen3-8B at Q4_K_M takes 5.9 GiB, and Llama 3.1 8B takes 6.1 GiB. A q8_0 cache halves the cache without
visible loss. Fine-tuning may not be needed above 70%. The model does not fit in 4 GB.

Memory by size, with 8K of context:

| model | VRAM (GB) | file | share | speed |
| --- | --- | --- | --- | --- |
| Qwen3-8B | 5.9 | 5.03 GB | 30.6% | fast |
| Qwen3-14B | 10.2 | 9.00 GB | 45% | slow |
| bge-m3 | 1.1 | 600 MB | 25% | fast |

1. Set the context to what you use.
2. Quantize the cache to `q8_0`, which needs flash attention.

```bash
ollama run qwen3:8b --keepalive 10m
```
"""
HEADING = ("Memory", "Memory of two models on a card")


def _lines(claim: str) -> tuple[int, int] | None:
    found = support(claim, TEXT, FIRST, HEADING)
    return (found.first, found.last) if found is not None else None


@pytest.mark.parametrize(
    ("claim", "lines"),
    [
        ("Qwen3-8B takes 5.9 GiB at Q4_K_M.", (12, 12)),
        ("Qwen3-8B takes about 6 GiB at Q4_K_M.", (12, 12)),
        ("A q8_0 cache halves the cache without visible loss.", (12, 13)),
        ("Above 70 % fine-tuning may not be needed.", (13, 13)),
        ("The model does not fit in 4 GB.", (13, 13)),
        ("Qwen3-14B: 10.2 GB of VRAM", (20, 20)),
        ("bge-m3: a file of 600 MB", (21, 21)),
        ("bge-m3: a share of 25%", (21, 21)),
        ("Quantize the cache to q8_0: it needs flash attention.", (24, 24)),
        ("Qwen3-8B: 5.9 GB of VRAM; Qwen3-14B: 10.2 GB of VRAM", (19, 20)),
        ("ollama run qwen3:8b", (27, 27)),
    ],
)
def test_a_claim_finds_its_lines(claim: str, lines: tuple[int, int]) -> None:
    assert _lines(claim) == lines


@pytest.mark.parametrize(
    "claim",
    [
        "Qwen3-8B takes 6.9 GiB at Q4_K_M.",  # another figure
        "Qwen3-8B takes 5.93 GiB at Q4_K_M.",  # more exact than the source
        "Gemma 3 takes 5.9 GiB at Q4_K_M.",  # another model
        "Qwen3-8B takes 5.9 GiB at Q6_K.",  # another quantization
        "Ollama takes 5.9 GiB.",  # a name at the beginning of the sentence
        "Qwen3-8B takes 6.1 GiB at Q4_K_M.",  # the figure of the model beside it
        "Qwen3-8B: 10.2 GB of VRAM",  # the figure of another row
        "bge-m3: a file of 600 GB",  # another unit
        "bge-m3: a share of 30.6%",  # another row's share
        "Qwen3-8B: a share of 25%",
        "Above 70 % fine-tuning is needed.",  # the negation is gone
        "The model fits in 4 GB.",
        "A q8_0 cache does not halve the cache without visible loss.",
        "Set the temperature of the sampler to zero.",  # nothing of it is there
        "Three models take 5.9 GiB.",
    ],
)
def test_a_claim_that_the_passage_does_not_hold_is_refused(claim: str) -> None:
    assert _lines(claim) is None


def test_names_of_the_heading_count_where_no_row_has_them_for_itself() -> None:
    rows = "| Q8_0 | 8.7 GB |\n| Q4_K_M | 5.0 GB |\n"
    text = f"### Files of Qwen3-8B\n\n| quantization | file |\n| --- | --- |\n{rows}"
    assert support("Qwen3-8B: 5 GB in Q4_K_M", text, 1, ("Files of Qwen3-8B",)) is not None
    assert support("Qwen3-8B: 8.7 GB in Q4_K_M", text, 1, ("Files of Qwen3-8B",)) is None
    both = text.replace("| Q8_0 |", "| Qwen3-8B in Q8_0 |")
    assert support("Qwen3-8B: 5 GB in Q4_K_M", both, 1, ("Files of Qwen3-8B",)) is None


def test_the_opposite_direction_is_no_support() -> None:
    text = "# Speed\n\nLarge models are slow.\n\nAbove 10 users vLLM is faster than Ollama.\n"
    assert support("Above 10 users vLLM is faster than Ollama.", text, 1) is not None
    assert support("Above 10 users vLLM is slower than Ollama.", text, 1) is None
    assert support("Below 10 users vLLM is faster than Ollama.", text, 1) is None


def test_units_are_sentences_items_rows_and_lines_of_code() -> None:
    units = units_of(TEXT, FIRST)
    assert [(u.kind, u.first, u.last) for u in units] == [
        ("sentence", 12, 12),
        ("sentence", 12, 13),
        ("sentence", 13, 13),
        ("sentence", 13, 13),
        ("sentence", 15, 15),
        ("row", 19, 19),
        ("row", 20, 20),
        ("row", 21, 21),
        ("item", 23, 23),
        ("item", 24, 24),
        ("code", 27, 27),
    ]
    assert units[5].text.startswith("model: Qwen3-8B; VRAM (GB): 5.9 GB; file: 5.03 GB")
    assert units[5].lead == "Memory by size, with 8K of context:"


def test_the_line_that_answers_a_question() -> None:
    end = FIRST + len(TEXT.split("\n"))
    found = best_unit("how large is the file of bge-m3?", TEXT, FIRST, (FIRST, end))
    assert found is not None
    assert found.first == 21
    assert best_unit("how large is the file of bge-m3?", TEXT, FIRST, (FIRST, 13)) != found
    assert best_unit("zebra crossing", TEXT, FIRST, (FIRST, end)) is None


@pytest.mark.parametrize("guide", load_guides((SHIPPED,)), ids=lambda guide: guide.file)
def test_every_sentence_of_every_guide_supports_itself(guide: object) -> None:
    from knowledge.corpus import Guide

    assert isinstance(guide, Guide)
    checked = missed = 0
    for heading in outline(guide):
        section = find_in(guide, heading)
        for unit in units_of(section.text, section.first):
            if unit.kind != "code":
                checked += 1
                found = section.supporting(unit.text)
                missed += found is None or not found.first <= unit.first <= unit.last <= found.last
    assert checked
    assert missed <= 0.15 * checked
