"""`plan pretrain` through the command line."""

from __future__ import annotations

import pytest

from tests.tui.cli_help import Program


def _prose(text: str) -> list[str]:
    """Lines without the commands, which are never wrapped."""
    return [line for line in text.split("\n") if not line.startswith("    ") or line.startswith("    - ")]


@pytest.mark.parametrize(
    "options",
    [
        ("--hardware", "RTX 3090", "--dataset", "500MB", "--use-case", "document RAG"),
        ("--hardware", "GTX 1660 6GB", "--dataset", "5 MB"),
        ("--hardware", "A100 40GB PCIe", "--use-case", "domain expert", "--priority", "quality"),
        ("--hardware", "GTX 1080 Ti", "--phase", "domain"),
        ("--hardware", "CPU only, 64 GB RAM", "--config", "tiny"),
    ],
)
def test_the_plan_fits_80_columns_and_has_all_parts(program: Program, options: tuple[str, ...]) -> None:
    outcome = program("plan", "pretrain", *options)
    assert outcome.status == 0, outcome.err
    assert max(map(len, _prose(outcome.out))) <= 80
    for title in ("What the guide's tables say", "Memory", "Batch and rates", "Phases", "Time", "To run it"):
        assert title in outcome.out.split("\n")
    assert "python train.py --config_file configs/pretrain/" in outcome.out
    assert "nvidia-smi -l 1" in outcome.out
    assert "(estimate)" in outcome.out


def test_why_adds_formula_and_sources(program: Program) -> None:
    short = program("plan", "pretrain", "--hardware", "RTX 3090").out
    long = program("plan", "pretrain", "--hardware", "RTX 3090", "--why").out
    assert "Sources" not in short.split("\n")
    assert "Sources" in long.split("\n")
    assert "pretrain-small-gpt.md#Which pretraining config" in " ".join(long.split())
    assert "Hoffmann et al. 2022" in long


def test_json_is_the_same_plan(program: Program) -> None:
    document = program("plan", "pretrain", "--hardware", "RTX 3090", "--dataset", "500MB", "--json").document
    assert document["config"]["name"] == "350M_1024"
    assert isinstance(document["memory"]["total_bytes"], int)
    assert [vote["table"] for vote in document["decision"]["tables"]] == [
        "vram", "use_case", "dataset", "context", "priority"
    ]  # fmt: skip


def test_lines_are_answered_in_order_and_a_bad_one_does_not_stop_them(program: Program) -> None:
    lines = program(
        "plan", "pretrain", "--json", "--stdin", "--hardware", "RTX 3090",
        stdin=[{"config": "150M"}, {"dataset": "lots"}, {"use_case": "testing"}],
    ).lines  # fmt: skip
    assert [line.get("config", {}).get("name") for line in lines] == ["150M", None, "small"]
    assert lines[1]["error"]["code"] == "usage"


@pytest.mark.parametrize(
    ("options", "status"),
    [
        (("--dataset", "lots"), 2),
        (("--use-case", "world peace"), 2),
        (("--config", "9B"), 1),
        (("--context", "8192"), 1),
        (("--hardware", "GTX 1660 6GB", "--config", "750M_1024"), 1),
    ],
)
def test_mistakes_are_a_sentence_and_a_hint(program: Program, options: tuple[str, ...], status: int) -> None:
    outcome = program(
        "plan", "pretrain", *(() if "--hardware" in options else ("--hardware", "RTX 3090")), *options
    )
    assert outcome.status == status
    assert "Error: " in outcome.err
    assert "Hint: " in outcome.err
    assert "Traceback" not in outcome.err
