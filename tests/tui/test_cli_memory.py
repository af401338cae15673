"""`memory` through the command line: text, JSON, JSON lines, exit statuses, bad input."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.tui.cli_help import Program

MODEL = "meta-llama/Llama-3.1-8B-Instruct"


def test_text_has_units_and_the_interval_and_fits_80_columns(program: Program) -> None:
    outcome = program("memory", MODEL, "--context", "32k", "--hardware", "2x RTX 3090 + 64 GB")
    assert outcome.status == 0
    assert outcome.out.startswith(f"{MODEL}\n")
    assert "  weights" in outcome.out
    assert " GiB to " in outcome.out
    assert "It fits: " in outcome.out
    assert "Each device" in outcome.out
    assert max(map(len, outcome.out.split("\n"))) <= 80
    assert "\x1b" not in outcome.out


def test_why_shows_formula_and_sources(program: Program) -> None:
    plain, why = program("memory", MODEL), program("memory", MODEL, "--why")
    assert "Formula" not in plain.out
    for title in ("Formula", "Inputs", "Sources"):
        assert f"\n{title}\n" in why.out
    assert "32, hidden size 4,096" in why.out
    assert "largest moment: feed-forward and residual" in why.out


@pytest.mark.parametrize("flags", [("--json",), ("--json", "--offline")])
@pytest.mark.parametrize("first", [True, False])
def test_json_is_one_document_wherever_the_flags_stand(
    program: Program, flags: tuple[str, ...], first: bool
) -> None:
    outcome = program(*flags, "memory", MODEL) if first else program("memory", MODEL, *flags)
    assert outcome.status == 0
    assert outcome.document["model_id"] == MODEL
    assert outcome.out.count("\n") == 1
    assert outcome.err == ""


def test_options_and_json_keys_mean_the_same(program: Program) -> None:
    options = ("--quant", "Q8_0", "--context", "16384", "--kv-cache-type", "q8_0", "--parallel", "2")
    engine = ("--ubatch-size", "1024", "--flash-attention", "on", "--swa-full", "--gpu-layers", "20")
    one = program("memory", MODEL, *options, *engine, "--json").document
    request = {
        "model": MODEL,
        "quant": "Q8_0",
        "context": 16384,
        "kv_cache_type": "q8_0",
        "parallel": 2,
        "ubatch_size": 1024,
        "flash_attention": True,
        "swa_full": True,
        "gpu_layers": 20,
    }
    assert program("memory", "--json", "--stdin", stdin=[request]).lines == [one]


def test_json_lines_are_answered_in_order_and_bad_ones_do_not_stop_the_rest(program: Program) -> None:
    good = json.dumps({"model": MODEL}).encode()
    bad = [
        b"not json",
        b"[]",
        b'{"model": "no such model xyz"}',
        b'{"model": "' + MODEL.encode() + b'", "context": 0}',
        b'{"model": "' + MODEL.encode() + b'", "kv-cache-type": "f16"}',
        b'{"model": "' + MODEL.encode() + b'", "hardware": "RTX 9099"}',
        b"\xff\xfe\xfd",
        b'{"model": "' + b"x" * 100_000 + b'"}',
        b"{" * 50_000,
    ]
    stdin = b"\n".join([good, *bad, b"", good])
    outcome = program("memory", "--json", "--stdin", stdin=stdin)
    assert outcome.status == 0
    assert ["error" in line for line in outcome.lines] == [False, *[True] * len(bad), False]
    for line in outcome.lines[1:-1]:
        assert set(line["error"]) == {"code", "message", "hint"}
        assert line["error"]["message"].endswith(".")
    assert [line["error"]["code"] for line in outcome.lines[1:7]] == [
        "bad_json",
        "usage",
        "unknown_name",
        "usage",
        "usage",
        "unknown_gpu",
    ]


def test_a_line_that_is_far_too_long_is_one_error(program: Program) -> None:
    stdin = b'{"model": "' + b"x" * (5 << 20) + b'"}\n' + json.dumps({"model": MODEL}).encode() + b"\n"
    outcome = program("memory", "--json", "--stdin", stdin=stdin)
    assert ["error" in line for line in outcome.lines] == [True, False]
    assert "longer" in outcome.lines[0]["error"]["message"]


def test_options_given_beside_stdin_hold_for_all_lines(program: Program) -> None:
    lines = program(
        "memory",
        "--json",
        "--stdin",
        "--quant",
        "Q8_0",
        stdin=[{"model": MODEL}, {"model": MODEL, "quant": "F16"}],
    ).lines
    assert [line["quant"] for line in lines] == ["Q8_0", "F16"]


def test_stdin_needs_json(program: Program) -> None:
    outcome = program("memory", "--stdin")
    assert (outcome.status, outcome.out) == (2, "")
    assert "--json" in outcome.err


@pytest.mark.parametrize(
    ("argv", "status", "code"),
    [
        (("memory",), 2, "usage"),
        (("memory", "no such model xyz"), 1, "unknown_name"),
        (("memory", MODEL, "--hardware", "RTX 9099"), 1, "unknown_gpu"),
        (("memory", MODEL, "--context", "0"), 2, "usage"),
        (("memory", MODEL, "--context", "-1"), 2, "usage"),
        (("memory", MODEL, "--context", "999999999999"), 2, "usage"),
        (("memory", MODEL, "--parallel", "none"), 2, "usage"),
        (("memory", MODEL, "--quant", "Q9_Z"), None, None),
        (("memory", "[/b]\x1b[31m\x00"), 1, "unknown_name"),
        (("memory", "x" * 100_000), 2, "usage"),
        (("memory", MODEL, "extra"), 2, "usage"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_bad_input_is_a_sentence_and_an_exit_status(
    program: Program, argv: tuple[str, ...], status: int | None, code: str | None
) -> None:
    text, document = program(*argv), program(*argv, "--json")
    assert text.status == document.status
    assert text.status in ((1, 2) if status is None else (status,))
    assert text.out == ""
    assert text.err.startswith("Error: ")
    assert "Traceback" not in text.err
    assert "\x1b" not in text.err
    assert document.err == ""
    error: dict[str, Any] = document.document["error"]
    assert code is None or error["code"] == code


def test_what_a_library_prints_does_not_reach_stdout(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tools.memory.estimate import estimate_memory

    def chatty(*args: Any) -> Any:
        print("Give Feedback / Get Help")
        return estimate_memory(*args)

    monkeypatch.setattr("tools.commands.memory.estimate_memory", chatty)
    outcome = program("memory", MODEL, "--json")
    assert outcome.document["model_id"] == MODEL
    assert "Give Feedback" in outcome.err


@pytest.mark.parametrize("words", [("--context", "-5"), ("--context=-5",)])
def test_a_negative_number_is_a_value_and_no_option(program: Program, words: tuple[str, ...]) -> None:
    outcome = program("memory", MODEL, *words)
    assert outcome.status == 2
    assert "-5" in outcome.err
    assert "option" not in outcome.err


def test_a_server_shows_its_pool_and_why_it_differs(program: Program) -> None:
    asked = ("memory", MODEL, "--engine", "vllm", "--quant", "AWQ", "--hardware", "2x RTX 4090")
    plain, why = program(*asked, "--tensor-parallel", "2"), program(*asked, "--why")
    assert plain.status == 0
    assert "Cache pool at 92% of each card" in plain.out
    assert "requests of 8,192 tokens" in plain.out
    assert "Against llama.cpp" not in plain.out
    assert "Against llama.cpp" in why.out
    assert max(map(len, why.out.split("\n"))) <= 80


def test_a_servers_option_with_llama_cpp_is_wrong_usage(program: Program) -> None:
    outcome = program("memory", MODEL, "--gpu-memory-utilization", "0.9")
    assert outcome.status == 2
    assert "gpu_memory_utilization" in outcome.err
    assert "vllm" in outcome.err
