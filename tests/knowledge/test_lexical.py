from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.chunking import chunk_guides
from knowledge.corpus import parse_guide
from knowledge.lexical import LexicalIndex, concepts, content_words, tokenize
from tests.knowledge.fakes import LICENSES, MEMORY

CHUNKS = chunk_guides([parse_guide("memory.md", MEMORY), parse_guide("licenses.md", LICENSES)])


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("Q4_K_M", {"q4_k_m"}),
        ("Llama-3.1-8B", {"llama-3.1-8b", "llama", "8b"}),
        ("RTX 3090", {"rtx3090", "3090", "rtx"}),
        ("24 GB", {"24gb", "24"}),
        ("24GiB", {"24gb", "24gib"}),
        ("32K context", {"32k", "32768", "context"}),
        ("32,768 tokens", {"32768", "token"}),
        ("16-bit", {"16-bit", "16bit"}),
        ("an 8 billion model", {"8b", "model"}),
        ("70%", {"70%", "70"}),
        ("llama.cpp", {"llama.cpp", "llamacpp", "cpp"}),
        ("C++", {"c++", "c"}),
        ("4\u00d7 RTX 4090", {"4x", "rtx4090"}),
        ("Caf\u00e9", {"cafe"}),
    ],
)
def test_names_and_sizes_stay_whole(text: str, tokens: set[str]) -> None:
    assert tokens <= set(tokenize(text))


def test_words_without_a_subject_are_left_out() -> None:
    assert content_words("how much of the memory do I need for models and a model") == [
        "memori",
        "need",
        "model",
    ]
    assert content_words("how do I") == []


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("VRAM", "GPU memory"),
        ("ctx", "context length"),
        ("block size", "context window"),
        ("quantisation", "quantization"),
        ("finetuning", "fine-tune"),
        ("licence", "license"),
        ("reranker", "cross-encoder"),
        ("tok/s", "tokens per second"),
    ],
)
def test_spellings_of_a_concept_share_a_token(one: str, other: str) -> None:
    assert set(concepts(one)) & set(concepts(other))


def test_a_concept_needs_its_whole_spelling() -> None:
    assert not concepts("a window cleaner")
    assert not set(concepts("16-bit LoRA")) & set(concepts("QLoRA"))


@pytest.mark.parametrize(
    ("query", "heading"),
    [
        ("q4_k_m", "Size by quantization"),
        ("context cache", "Cache"),
        ("licence for 700 million users", "Llama"),
        ("may I use it commercially", "Apache 2.0"),
    ],
)
def test_the_passage_with_the_words_leads(query: str, heading: str) -> None:
    scores = LexicalIndex(CHUNKS).scores(query)
    assert CHUNKS[int(scores.argmax())].heading[-1] == heading
    assert scores.max() > 0


def test_nothing_in_common_scores_nothing() -> None:
    index = LexicalIndex(CHUNKS)
    assert index.scores("zebra crossing").max() == 0
    assert LexicalIndex(()).scores("anything").shape == (0,)
    assert index.rarity("zebra") > index.rarity("revenu") > index.rarity("cach")


@settings(deadline=None)  # A busy machine is not a defect.
@given(st.text(max_size=200))
def test_any_text_gives_lower_case_tokens(text: str) -> None:
    assert all(token and token == token.lower() and " " not in token for token in tokenize(text))
    concepts(text)
