"""`plan cost` through the command line."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.tui.cli_help import Program
from tui.plans.cost import money

BASE = (
    "plan",
    "cost",
    "--hardware",
    "RTX 3090 + 64GB RAM",
    "--input-tokens",
    "800k",
    "--output-tokens",
    "200k",
)


@pytest.mark.parametrize(
    "more",
    [
        (),
        ("--why",),
        ("--buy", "--tariff", "de", "--why"),
        ("--private",),
        ("--input-tokens", "90M", "--output-tokens", "90M"),
        ("--api", "gpt-4o-mini", "--hours-on", "24"),
    ],
)
def test_the_text_fits_80_columns_and_names_its_sources(program: Program, more: tuple[str, ...]) -> None:
    outcome = program(*BASE, *more)
    assert outcome.status == 0, outcome.err
    long = [line for line in outcome.out.split("\n") if len(line) > 80]
    assert not long, long
    assert "$ a month" in outcome.out
    assert "What leaves your machines" in outcome.out
    if "--why" in more:
        assert "per kWh" in outcome.out
        assert "tools/data/prices.json" in outcome.out
    else:
        assert "--why shows" in outcome.out


def test_the_verdict_comes_before_the_table(program: Program) -> None:
    out = program(*BASE).out
    opening = min(at for word in ("Use the API:", "Run it locally:", "Rent:") if (at := out.find(word)) >= 0)
    assert opening < out.index("$ a month")


def test_json_is_one_document_with_the_same_verdict(program: Program) -> None:
    document = program(*BASE, "--json").document
    text = " ".join(program(*BASE).out.split())
    assert document["verdict"]["text"] in text


def test_private_is_said(program: Program) -> None:
    out = program(*BASE, "--private").out
    assert "no model behind an API" in " ".join(out.split())


def test_nothing_that_serves_is_exit_status_1_with_the_whole_document(program: Program) -> None:
    outcome = program("plan", "cost", "--hardware", "none", "--private", "--json")
    assert outcome.status == 1
    assert outcome.document["error"]["hint"]
    assert outcome.document["options"]


@pytest.mark.parametrize(
    ("given", "status"),
    [
        (("--tariff", "banana"), 2),
        (("--input-tokens", "0", "--output-tokens", "0"), 2),
        (("--api", "no-such-api-xyz"), 1),
        (("--private", "--deployment", "api"), 2),
    ],
)
def test_bad_input_is_a_sentence_and_a_hint(program: Program, given: tuple[str, ...], status: int) -> None:
    outcome = program(*BASE[:4], *given)
    assert outcome.status == status
    assert outcome.err.startswith("Error: ")
    assert "Hint: " in outcome.err
    assert "Traceback" not in outcome.err


def test_json_lines_are_answered_in_order(program: Program) -> None:
    lines = program(
        *BASE[:4], "--json", "--stdin", stdin=b'{"input_tokens": 1000}\n{"tariff": "x"}\n{"private": true}\n'
    ).lines
    assert [("error" in line) for line in lines] == [False, True, False]
    assert lines[2]["private"] is True


def test_money_of_an_estimate_looks_like_one() -> None:
    assert money(None) == "unknown"
    assert money({"low": 12.0, "mid": 12.0, "high": 12.0}) == "$12.00"
    assert money({"low": 1.5, "mid": 2.0, "high": 250.0}) == "$1.50-250"
    assert money({"low": 0.004, "mid": 0.005, "high": 0.02}) == "$0.0040-0.02"
    assert money({"low": 0.004, "mid": 0.005, "high": 0.02}, cents=True) == "<$0.01-0.02"
    assert money({"low": 0.0, "mid": 0.0, "high": 0.0}, cents=True) == "$0"


def test_a_bill_for_a_part_of_the_volume_is_marked(program: Program) -> None:
    out = program(*BASE[:4], "--input-tokens", "900M", "--output-tokens", "900M").out
    assert "* local: the bill of the about" in " ".join(out.split())
    assert "*" not in program(*BASE).out


def test_a_sum_under_a_cent_is_not_called_nothing(program: Program) -> None:
    out = program(*BASE[:4], "--input-tokens", "100", "--output-tokens", "10", "--priority", "cost").out
    assert "under $0.01" in out
    assert "$0.00 " not in out


def test_heavy_packages_stay_out() -> None:
    code = (
        "import sys; from tools.commands.plan_cost import PlanCostQuery, cost; "
        "cost(PlanCostQuery(hardware='RTX 3090')); "
        "heavy = ('litellm', 'torch', 'chromadb', 'langgraph', 'sentence_transformers'); "
        "print([name for name in heavy if name in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
