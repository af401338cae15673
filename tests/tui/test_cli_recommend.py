"""`recommend`, `fit`, `compare` and the catalog commands through the command line."""

from __future__ import annotations

import json

import pytest

from tests.tui.cli_help import Program

LLAMA, QWEN = "meta-llama/Llama-3.1-8B-Instruct", "Qwen/Qwen2.5-7B-Instruct"
ARGUMENTS = (
    "--task",
    "coding",
    "--hardware",
    "RTX 3090 + 64GB RAM",
    "--context",
    "32k",
    "--license",
    "commercial",
)
CONTRACT = {"needs", "assumptions", "candidates", "rejected", "would_change"}


def test_recommend_prints_the_document_of_the_contract(program: Program) -> None:
    outcome = program("recommend", *ARGUMENTS, "--json")
    assert outcome.status == 0
    document = outcome.document
    assert set(document) >= CONTRACT
    best = document["candidates"][0]
    assert best["memory"]["fits"] is True
    assert best["context"] >= 32768
    assert all(reason["evidence"] for reason in best["why"])
    assert document["needs"]["task"]["value"]["name"] == "code"


def test_recommend_as_text_names_the_model_its_reasons_and_assumptions(program: Program) -> None:
    document = program("recommend", *ARGUMENTS, "--json").document
    text = program("recommend", *ARGUMENTS)
    assert document["candidates"][0]["model"] in text.out
    for title in ("Why", "To run it", "Needs", "Assumed", "What would change it", "Sources"):
        assert f"\n{title}\n" in text.out
    assert "\n\n\n" not in text.out
    why = program("recommend", *ARGUMENTS, "--why")
    assert len(why.out) > len(text.out)
    assert "Formula" in why.out


def test_nothing_that_fits_is_printed_whole_with_an_error(program: Program) -> None:
    argv = (
        "recommend",
        "--task",
        "code",
        "--hardware",
        "GTX 1650",
        "--context",
        "1M",
        "--deployment",
        "local",
    )
    outcome = program(*argv, "--json")
    assert outcome.status == 1
    assert set(outcome.document) >= {*CONTRACT, "error"}
    assert outcome.document["candidates"] == []
    text = program(*argv)
    assert text.status == 1
    assert "Error: " in text.err


def test_recommend_reads_json_lines(program: Program) -> None:
    lines = program(
        "recommend",
        "--json",
        "--stdin",
        stdin=[
            {"task": "chat", "hardware": "RTX 4090"},
            {"colour": "red"},
            {"task": "chat", "hardware": "RTX 9099"},
        ],
    ).lines
    assert lines[0]["candidates"]
    assert [line["error"]["code"] for line in lines[1:]] == ["usage", "unknown_gpu"]


def test_fit_answers_with_the_keys_of_a_candidate(program: Program) -> None:
    outcome = program("fit", LLAMA, "--hardware", "RTX 3090", "--json")
    assert outcome.status == 0
    document = outcome.document
    assert set(document) >= {
        "model",
        "quant",
        "engine",
        "context",
        "memory",
        "speed",
        "max_context",
        "alternatives",
    }
    assert document["memory"]["fits"] is True
    text = program("fit", LLAMA, "--hardware", "RTX 3090", "--why")
    assert "largest context" in text.out
    assert "tok/s" in text.out


def test_fit_keeps_what_is_given(program: Program) -> None:
    document = program(
        "fit", LLAMA, "--hardware", "RTX 3090", "--quant", "Q8_0", "--context", "4096", "--json"
    ).document
    assert (document["quant"], document["context"]) == ("Q8_0", 4096)


def test_fit_of_what_does_not_fit_names_the_constraint_and_the_change(program: Program) -> None:
    outcome = program(
        "fit", "meta-llama/Llama-3.1-70B-Instruct", "--hardware", "GTX 1650, 8 GB RAM", "--json"
    )
    assert outcome.status == 1
    assert outcome.document["error"]["message"]
    assert "would_change" in outcome.document


@pytest.mark.parametrize(
    "argv",
    [
        ("compare", LLAMA, QWEN),
        ("compare", LLAMA, "gpt-4o", "--hardware", "RTX 3090"),
        ("benchmarks", "Qwen2.5-Coder-32B-Instruct"),
        ("models", "list", "qwen3"),
        ("models", "show", LLAMA),
        ("models", "show", "gpt-4o"),
        ("gpus", "list"),
        ("gpus", "show", "RTX", "3090"),
        ("hardware",),
        ("hardware", "2x", "RTX", "3090"),
    ],
    ids=" ".join,
)
def test_facts_have_text_and_json(program: Program, argv: tuple[str, ...]) -> None:
    text, document = program(*argv), program(*argv, "--json", "--offline")
    assert (text.status, document.status) == (0, 0)
    assert text.out.strip()
    assert "None" not in text.out
    assert "\x1b" not in text.out
    assert json.loads(document.out)


@pytest.mark.parametrize(
    ("argv", "status"),
    [
        (("compare", LLAMA), 2),
        (("compare", LLAMA, "no such model xyz"), 1),
        (("benchmarks", "no such model xyz"), 1),
        (("models", "show"), 2),
        (("models",), 2),
        (("models", "lst"), 2),
        (("gpus", "show", "RTX 9099"), 1),
        (("gpus", "show", "A100"), 1),
        (("hardware", "RTX 9099"), 1),
        (("fit", LLAMA, "--hardware", "RTX 9099"), 1),
        (("fit", LLAMA, "--min-speed", "0"), 2),
        (("recommend", "--context", "0"), 2),
        (("recommend", "--needs", "/no/such/file.json"), 2),
        (("search",), 2),
        (("search", "?!"), 2),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_mistakes_end_with_a_sentence_and_the_right_status(
    program: Program, argv: tuple[str, ...], status: int
) -> None:
    outcome = program(*argv)
    assert outcome.status == status
    if status:
        assert outcome.out == ""
        assert outcome.err.startswith("Error: ")
        assert "Traceback" not in outcome.err
