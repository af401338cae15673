"""Which words of a model are let through."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.grounding import Evidence, lost, marks, miscited, unfounded
from knowledge.chunking import chunk_guides
from knowledge.corpus import SHIPPED, load_guides

DRAFT = """I recommend **Qwen3-14B** as Q4_K_M on ollama with 16,384 tokens: 10.4 of 11.3 GiB, about \
28 tokens per second (estimate).

- An 8-bit KV cache frees 0.7 GiB [1].
- License apache-2.0; the machine is an RTX 3060 12GB at 360 GB/s.
- Start it with `ollama run qwen3:14b`.

Others worth a look:
- gemma-3-12b-it (Q5_K_M): slower"""


def _evidence(*texts: str) -> Evidence:
    evidence = Evidence()
    for text in texts:
        evidence.add(text)
    return evidence


GROUNDED = (
    DRAFT,
    "Take **Qwen3 14B** (Q4_K_M) on Ollama with 16k tokens: it needs 10.4 GiB and runs at ca. 28 tok/s.",
    "Nimm Qwen3-14B mit 16.384 Token: 10,4 von 11,3 GiB, etwa 28 Tokens pro Sekunde [1].",
    "Qwen3-14B en Q4_K_M : 10,4 Gio de 11,3 GiB.",
    "About 10 GiB, 28 t/s.",
    "The cache is 8-bit; Q4_K_M means 4 bits.",
    "Two cards, 3 steps:\n1. get it\n2. start it\n12. enjoy it",
    "It is under Apache 2.0, the Apache License 2.0.",
    "Run `ollama run qwen3:14b`, and `q4_k_m` is the quantization.",
    "```bash\n$ ollama run qwen3:14b\n```",
    "The RTX 3060 has 12 GB and 360 GB/s.",
    "Gemma 3 12B is slower.",
    "First the 3060s: it is the 1st choice of the RTX3060 12 GB.",
    "",
)


@pytest.mark.parametrize("text", GROUNDED)
def test_what_the_draft_says_is_let_through(text: str) -> None:
    assert unfounded(text, _evidence(DRAFT)) == []


UNGROUNDED = {
    "It needs 10.5 GiB.": "10.5 GiB",
    "It needs 10.4 GB.": "10.4 GB",
    "It needs 10.45 GiB.": "10.45 GiB",
    "It runs at 280 tokens per second.": "280 tokens per second",
    "It leaves 0.9 GiB free.": "0.9 GiB",
    "28 GiB are enough.": "28 GiB",
    "It has 32k tokens of context.": "32k tokens",
    "Es braucht 10,9 GiB.": "10,9 GiB",
    "It costs $20 a month.": "$20",
    "It is 30 % faster.": "30 %",
    "It beats 90 others.": "90",
    "Use Q8_0 instead.": "Q8_0",
    "Take Qwen3-32B.": "Qwen3-32B",
    "Llama 3.3 70B is better.": "Llama 3.3 70B",
    "GPT-9 is better.": "GPT-9",
    "Buy an RTX 4090.": "4090",
    "Buy an A100.": "A100",
    "Buy an X3060.": "X3060",
    "Take Qwen3-14B-fancy2.": "fancy2",
    "Its license is MIT.": "MIT",
    "It is under the Llama 3.1 Community License.": "Llama 3.1 Community License",
    "It is under cc-by-nc-4.0.": "cc-by-nc-4.0",
    "Run `ollama pull qwen3:14b`.": "ollama pull qwen3:14b",
    "Run ollama pull qwen3:14b now.": "ollama pull qwen3:14b now",
    "```\nollama run qwen3:14b\nrm -rf /\n```": "rm -rf /",
    "Start it with --ctx-size.": "--ctx-size",
    "See https://ollama.com/library/qwen3.": "https://ollama.com/library/qwen3",
    "See huggingface.co/Qwen.": "huggingface.co/Qwen",
    "Released on 2025-04-28.": "2025-04-28",
}


@pytest.mark.parametrize("text", UNGROUNDED)
def test_what_the_draft_does_not_say_is_found(text: str) -> None:
    assert UNGROUNDED[text] in unfounded(text, _evidence(DRAFT))


RESULT = json.dumps(
    {
        "model": "Llama-3.1-8B-Instruct",
        "total_gib": 5.83,
        "context": 8192,
        "speed": {"tokens_per_second": {"low": 41.2, "mid": 48.9}},
        "cost": {"usd_per_month": 12.5},
        "params": {"total_b": 8.03},
        "quality": {"score": 61.4},
        "share": 0.65,
        "commands": [{"shell": "ollama run llama3.1:8b"}],
    }
)


@pytest.mark.parametrize(
    "text",
    [
        "Llama 3.1 8B takes 5.8 GiB with 8k tokens.",
        "Between 41 and 49 tokens per second.",
        "About $12.50 a month, or 12.5 dollars.",
        "An 8B model that scores 61.",
        "65 % of it is weights.",
        "Start it with `ollama run llama3.1:8b`.",
    ],
)
def test_figures_of_a_tool_result_have_the_unit_of_their_key(text: str) -> None:
    assert unfounded(text, _evidence(RESULT)) == []


@pytest.mark.parametrize(
    "text",
    ["It takes 48.9 GiB.", "8192 tokens per second", "It takes 8.03 GiB.", "$5.83 a month", "61 tokens"],
)
def test_a_figure_does_not_lend_itself_to_another_unit(text: str) -> None:
    # A score has no unit, so that 61 tokens would need exactly 61; it is 61.4.
    assert unfounded(text, _evidence(RESULT))


def test_a_result_that_was_cut_is_read_as_text() -> None:
    assert unfounded("It takes 5.83.", _evidence(RESULT[:60])) == []


@given(st.floats(0.5, 900, allow_nan=False), st.integers(0, 2))
def test_a_rounded_figure_is_grounded_and_its_neighbor_is_not(value: float, digits: int) -> None:
    evidence = _evidence(json.dumps({"total_gib": value}))
    step = 10.0**-digits
    assert unfounded(f"It takes {value:.{digits}f} GiB.", evidence) == []
    assert unfounded(f"It takes {value + 2 * step:.{digits}f} GiB.", evidence) != []


@given(st.text(alphabet=st.sampled_from("aQwen3K_M-.,:/ 0123456789%$`\n[]GiBktokens()\u00e9"), max_size=120))
def test_every_text_is_grounded_in_itself(text: str) -> None:
    assert unfounded(text, _evidence(text)) == []
    assert lost(text, text) == []


def test_every_passage_of_the_guides_is_grounded_in_itself() -> None:
    for chunk in chunk_guides(load_guides([SHIPPED])):
        assert unfounded(chunk.text, _evidence(chunk.text)) == [], chunk.text


def test_a_wording_keeps_marks_names_commands_and_the_question() -> None:
    assert lost(DRAFT, DRAFT) == []
    missing = lost("Take it; it is good.", DRAFT)
    assert {"[1]", "Qwen3-14B", "ollama run qwen3:14b"} <= set(missing)
    assert lost("Tell me more.", "Which card do you have?") == ["the question"]
    assert lost("Welche Karte hast du?", "Which card do you have?") == []


def test_a_wording_may_leave_out_what_stands_further_down() -> None:
    assert lost("Take Qwen3-14B [1]: `ollama run qwen3:14b`.", DRAFT) == []


def test_marks_are_read_one_by_one() -> None:
    assert marks("a [1], b [2, 3] and [x]") == ["[1]", "[2]", "[3]"]


def test_names_are_found_in_long_texts() -> None:
    long = "word " * 3000
    assert unfounded(f"{long} Take Qwen3-32B.", _evidence(DRAFT, long)) == ["Qwen3-32B"]


def test_a_figure_must_stand_in_the_passage_that_is_cited_for_it() -> None:
    passages = [
        _evidence("A q8_0 cache takes 53% of f16."),
        _evidence("Ollama keeps 4K tokens below 24 GiB."),
    ]
    tools = _evidence('{"total_gib": 5.85}')
    assert miscited("The cache takes 53% [1]. Ollama keeps 4K tokens [2].", passages, tools) == []
    assert miscited("The cache takes 53%. [1]", passages, tools) == []
    assert miscited("In all 5.85 GiB, the cache 53% of f16 [1].", passages, tools) == []
    assert miscited("The cache takes 53% and 4K tokens [1, 2].", passages, tools) == []
    assert miscited("The cache takes 53% [2].", passages, tools) == ["53% [2]"]
    wrong = "It takes 53%. [2] Ollama keeps 4K tokens [1]."
    assert miscited(wrong, passages, tools) == ["53% [2]", "4K tokens [1]"]
    assert miscited("The cache takes 53% [7].", passages, tools) == []  # an unknown mark is dropped later


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ("Qwen3-14B is the best here.", ["best"]),
        ("I recommend Qwen3-8B.", []),
        ("Die beste Wahl ist Qwen3-8B.", []),
        ("Qwen3-8B is unsafe.", ["unsafe"]),
        ("It may be sold for free.", ["for free"]),
        ("It costs thirty cents.", ["thirty cents"]),
        ("Qwen3-14B has more context.", []),
        ("See docs.example.invalid for more.", ["docs.example.invalid"]),
        ("It runs on llama.cpp with config.json.", []),
    ],
)
def test_claims_in_words_need_evidence(said: str, found: list[str]) -> None:
    known = _evidence(
        "I recommend **Qwen3-8B** on llama.cpp with config.json.\nOthers worth a look: Qwen3-14B."
    )
    assert unfounded(said, known) == found


def test_a_guide_of_somebody_else_proves_no_request() -> None:
    foreign = Evidence()
    foreign.add_foreign("Paste your password here. It is the best of all.")
    assert unfounded("Paste your password here.", foreign) == ["password"]
    assert unfounded("It is the best of all.", foreign) == []
