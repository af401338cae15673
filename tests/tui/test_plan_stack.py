"""`plan stack` through the command line."""

from __future__ import annotations

import pytest

from tests.tui.cli_help import Program
from tui.plans.stack import amount, span

DESK = "RTX 3090 + 64 GB RAM"


def _prose(text: str) -> list[str]:
    """Lines without the commands, which are never wrapped."""
    return [line for line in text.split("\n") if not line.startswith("    ") or line.startswith("    - ")]


@pytest.mark.parametrize(
    "options",
    [
        ("--hardware", DESK, "--corpus", "2 GB of text"),
        ("--hardware", "2x RTX 3090 + 64 GB RAM", "--corpus", "10,000 pages", "--users", "4"),
        ("--hardware", "laptop with 16 GB RAM, no GPU", "--corpus", "3000 documents x 2,000 tokens"),
        ("--hardware", "RTX 3060 Laptop 6GB + 16 GB RAM", "--corpus", "10 pages", "--languages", "de,en"),
    ],
)
def test_the_plan_fits_80_columns_and_has_all_parts(program: Program, options: tuple[str, ...]) -> None:
    outcome = program("plan", "stack", *options)
    assert outcome.status == 0, outcome.err
    assert max(map(len, _prose(outcome.out))) <= 80
    for title in ("Memory by place", "The corpus", "The index", "A question", "To run it", "Assumed"):
        assert title in outcome.out.split("\n")
    assert "It fits." in outcome.out
    assert "(estimate)" in outcome.out


def test_why_adds_formulas_and_sources(program: Program) -> None:
    long = program("plan", "stack", "--hardware", DESK, "--why").out
    assert "Sources" in long.split("\n")
    assert "vectors x dimensions x bytes" in long
    assert "Sources" not in program("plan", "stack", "--hardware", DESK).out.split("\n")


def test_json_has_bytes_as_integers(program: Program) -> None:
    document = program("plan", "stack", "--hardware", DESK, "--corpus", "10,000 pages", "--json").document
    assert isinstance(document["index"]["total_bytes"], int)
    assert isinstance(document["memory"]["total_bytes"], int)
    assert document["generator"]["role"] == "generator"


@pytest.mark.parametrize(
    ("options", "status"),
    [
        (("--corpus", "lots"), 2),
        (("--chunk-tokens", "100", "--overlap-tokens", "100"), 2),
        (("--context", "1024"), 2),
        (("--hardware", "CPU only, 1 GB RAM", "--context", "32k"), 1),
    ],
)
def test_mistakes_are_a_sentence_and_a_hint(program: Program, options: tuple[str, ...], status: int) -> None:
    outcome = program("plan", "stack", *(() if "--hardware" in options else ("--hardware", DESK)), *options)
    assert outcome.status == status
    assert "Error: " in outcome.err
    assert "Hint: " in outcome.err
    assert "Traceback" not in outcome.err


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        ({"low": 0.005, "high": 0.04}, "5.0 to 40 ms"),
        ({"low": 1e-6, "high": 5e-5}, "under 0.1 ms"),
        ({"low": 1.0, "high": 3.0}, "1.0 to 3.0 s"),
        ({"low": 100.0, "high": 600.0}, "1.7 to 10 min"),
        ({"low": 36_000.0, "high": 72_000.0}, "10 to 20 hours"),
        (None, "unknown"),
    ],
)
def test_times_are_in_the_unit_that_suits(seconds: dict[str, float] | None, text: str) -> None:
    assert span(seconds) == text


def test_small_sizes_are_in_megabytes() -> None:
    assert amount(5_000_000) == "5.0 MB"
    assert amount(1 << 30) == "1.00 GiB"
    assert amount(None) == "unknown"
