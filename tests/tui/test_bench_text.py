"""What was measured, as text: nothing cut off, and an estimate never looks like a measurement."""

from __future__ import annotations

from typing import Any

import pytest

from tools.measuring.events import Began, Working
from tui.bench_text import began_text, bench_lines, working_text


def _range(mid: float) -> dict[str, float]:
    return {"low": mid * 0.98, "mid": mid, "high": mid * 1.03}


def _point(length: int, parallel: int, **more: Any) -> dict[str, Any]:
    return {
        "prompt_tokens": length,
        "output_tokens": 128,
        "parallel": parallel,
        "samples": 6 * parallel,
        "rounds": 6,
        "first_token_s": _range(0.0123),
        "first_visible_s": _range(1.5),
        "prompt_tps": _range(12345.0),
        "generation_tps": _range(50.0),
        "total_tps": _range(50.0 * parallel),
        "server_stated": {"prompt_tps": _range(13000.0), "generation_tps": None},
        "reasoning_tokens": None,
        **more,
    }


def _document(**more: Any) -> dict[str, Any]:
    return {
        "model": "qwen3:8b",
        "server": {"address": "127.0.0.1:11434", "engine": "ollama", "version": "0.12", "local": True},
        "machine": {"key": "k", "name": "1 x RTX 3090, 24 GiB, 936 GB/s; 64 GiB RAM"},
        "quant": "Q4_K_M",
        "context": 8192,
        "stopped": None,
        "load": {"seconds": 4.2, "source": "Ollama"},
        "memory": {
            "accelerator_bytes": 6 << 30,
            "host_bytes": 0,
            "source": "Ollama's ps",
            "cards_used_bytes": 7 << 30,
        },
        "points": [_point(128, 1), _point(4096, 64)],
        "prompt": {"tps": _range(4000.0), "fixed_s": _range(0.05)},
        "interval": {"method": "order statistics", "confidence": 0.969},
        "method": ["How it is done."],
        "notes": ["Something to know."],
        "saved": True,
        "calibrates": True,
        **more,
    }


COMPARED = {
    "model": "qwen3:8b",
    "quant": "Q4_K_M",
    "engine": "ollama",
    "measured_at": "2026-11-21T10:00:00+00:00",
    "speeds": [
        {
            "quantity": "generation",
            "prompt_tokens": 128,
            "parallel": 1,
            "measured": _range(50.0),
            "estimate": {"low": 40.0, "mid": 45.0, "high": 60.0},
            "factor": 1.11,
        },
        {
            "quantity": "prompt",
            "prompt_tokens": 128,
            "parallel": 1,
            "measured": _range(900.0),
            "estimate": None,
        }
        | {"factor": None},
    ],
    "published": [
        {
            "quantity": "generation",
            "quant": "Q4_K_M",
            "engine": "llama.cpp",
            "prompt_tokens": None,
            "depth": 512,
            "parallel": 1,
            "tokens_per_second": 111.74,
            "source": "XiongjieDai/GPU-Benchmarks-on-LLM-Inference @aa72e0e, May 2024",
        }
    ],
    "note": "",
}


@pytest.mark.parametrize("columns", [60, 80, 120])
def test_no_line_is_wider_than_the_terminal(columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    lines = bench_lines(_document(comparison=COMPARED), True)
    assert max(map(len, lines)) <= columns
    text = " ".join(" ".join(lines).split())
    for words in (
        "Cold load 4.20 s",
        "6.00 GiB on accelerators",
        "97% of cases",
        "How it is done.",
        "Something",
    ):
        assert words in text
    for figure in ("0.012", "12,345", "3,200", "112"):
        assert figure in text


def test_an_estimate_says_that_it_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    text = "\n".join(bench_lines({"comparisons": [COMPARED]}, False))
    row = next(line for line in text.split("\n") if "generation, each" in line)
    assert "50.0 (49.0-51.5)" in row
    assert "about 40.0 to 60.0" in row
    assert "x1.11" in row
    assert "none" in next(line for line in text.split("\n") if line.startswith("  prompt"))
    assert "XiongjieDai" in text


@pytest.mark.parametrize(
    ("stopped", "words"),
    [("interrupted", "interrupted"), ("failed", "the server failed"), ("seconds", "budget")],
)
def test_what_is_missing_is_said(stopped: str, words: str) -> None:
    assert words in " ".join(bench_lines(_document(stopped=stopped), False))


def test_reasoning_and_the_first_word_of_the_answer_are_told() -> None:
    text = " ".join(bench_lines(_document(points=[_point(128, 1, reasoning_tokens=40)]), False))
    assert "40 tokens of reasoning; the answer began after 1.50 s" in " ".join(text.split())


def test_names_from_a_server_cannot_spoil_the_terminal() -> None:
    text = "\n".join(bench_lines(_document(model="a\x1b[31mb\x07", saved=False), False))
    assert "\x1b" not in text
    assert "\x07" not in text


def test_nothing_measured_is_a_document_too() -> None:
    lines = bench_lines(_document(points=[], prompt=None, memory=None, load=None, saved=False), False)
    assert "Medians" not in " ".join(lines)


@pytest.mark.parametrize(
    ("usd", "words"), [(0.0, "warm-up."), (None, "is not known"), (0.0241, "at most about $0.0241")]
)
def test_what_it_costs_is_said_first(usd: float | None, words: str) -> None:
    assert began_text(Began("m", "openai", 42, usd)).endswith((words, words + "."))


def test_progress_fits_a_line() -> None:
    assert working_text(Working("load", 0, 10)) == "loading the model"
    assert working_text(Working("measure", 1, 10, 4096, 64, 123.4)) == "123 s left, 4,096 tokens x64"
    assert working_text(Working("measure", 1, 10, 128)) == "128 tokens"
