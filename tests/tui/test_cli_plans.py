"""`plan tokens`, `plan finetune` and `plan migration` through the command line."""

from __future__ import annotations

import json

import pytest

from tests.tui.cli_help import Program

CALLS = [
    ("tokens",),
    ("tokens", "--model", "qwen3-8b", "--exchanges", "40", "--examples", "2000", "--epochs", "3"),
    ("tokens", "--budget", "16200", "--context", "20k"),
    ("finetune", "gemma-3-12b", "--hardware", "A10G", "--base-pass-rate", "80", "--examples", "1000"),
    ("finetune", "--hardware", "RTX 3090", "--use-hardware", "RTX 4060 8GB"),
    ("finetune", "qwen3-4b", "--hardware", "CPU only, 16 GB"),
    ("migration", "qwen3-4b", "--adapters", "math, code", "--switch-date", "2099-09-01"),
    ("migration", "qwen3-4b", "--candidates", "llama-3.2-3b,Ministral-3-3B-Instruct-2512,qwen3-1.7b-base"),
]


@pytest.mark.parametrize("call", CALLS, ids=lambda call: "-".join(call)[:40])
@pytest.mark.parametrize("why", [False, True])
def test_texts_fit_80_columns_and_end_well(program: Program, call: tuple[str, ...], why: bool) -> None:
    outcome = program("plan", *call, *(["--why"] if why else []))
    assert outcome.status == 0, outcome.err
    # An address of a source is never broken.
    assert max(len(line) for line in outcome.out.split("\n") if "https://" not in line) <= 80
    assert "None" not in outcome.out
    assert ("Sources" in outcome.out) is why


@pytest.mark.parametrize("call", CALLS, ids=lambda call: "-".join(call)[:40])
def test_json_is_one_document(program: Program, call: tuple[str, ...]) -> None:
    outcome = program("plan", *call, "--json")
    assert outcome.status == 0
    assert {"basis", "citations", "caveats"} <= set(outcome.document)


def test_the_text_of_tokens_holds_the_guides_example(program: Program) -> None:
    out = " ".join(program("plan", "tokens").out.split())
    assert "29 at most; plan for 20 to 25" in out
    assert "a K is 1,024; with 1,000 it is 16,000" in out
    assert "says 28" in out


def test_the_text_of_finetune_says_what_is_not_settled(program: Program) -> None:
    out = program("plan", "finetune", "gemma-3-12b", "--hardware", "A10G", "--base-pass-rate", "80%").out
    flat = " ".join(out.split())
    assert "95 % interval 58% to 92%, which includes 70%: not settled" in flat
    assert "distil labs, older, 2025-06" in flat
    assert flat.index("distil labs, 2026-03-17") < flat.index("distil labs, older")
    assert "4.29 GB" in flat


def test_the_text_of_migration_marks_what_is_missed(program: Program) -> None:
    out = program("plan", "migration", "qwen3-4b", "--candidates", "llama-3.2-3b", "--json")
    assert out.status == 1
    assert out.document["error"]["code"] == "no_candidate"
    shown = program("plan", "migration", "qwen3-4b", "--candidates", "llama-3.2-3b,qwen3.5-4b")
    assert shown.status == 0
    assert "NO llama3.2" in shown.out
    assert "stated 12% too low" in shown.out


def test_a_switch_too_soon_is_said(program: Program) -> None:
    out = program("plan", "migration", "qwen3-4b", "--switch-date", "2020-01-01").out
    assert "that day is past" in out
    assert "the earliest switch" in out


@pytest.mark.parametrize(
    ("call", "status"),
    [
        (("tokens", "--budget", "1000"), 1),
        (("tokens", "--budget", "lots"), 2),
        (("tokens", "--nonsense"), 2),
        (("finetune", "no-such-model-xyz"), 1),
        (("finetune", "qwen3-4b", "--hardware", "the moon"), 2),
        (("finetune", "qwen3-4b", "--method", "prayer"), 2),
        (("migration",), 2),
        (("migration", "qwen3-4b", "--switch-date", "soon"), 2),
    ],
)
def test_mistakes_end_with_a_sentence_a_hint_and_the_right_status(
    program: Program, call: tuple[str, ...], status: int
) -> None:
    outcome = program("plan", *call)
    assert outcome.status == status
    assert outcome.err.startswith("Error: ")
    assert "Hint: " in outcome.err
    assert "Traceback" not in outcome.err
    assert "code" in program("plan", *call, "--json").document["error"]


def test_json_lines_answer_in_order(program: Program) -> None:
    lines = [{"budget": 8192}, {"budget": "x"}, {"model": "qwen3-8b", "exchanges": 3}]
    stdin = "\n".join(json.dumps(line) for line in lines).encode()
    found = program("plan", "tokens", "--json", "--stdin", stdin=stdin).lines
    assert [("error" in line) for line in found] == [False, True, False]
    assert found[2]["wanted"]["needed_tokens"] == 3000
