"""Verdicts, tolerances and what is told of a disagreement."""

from __future__ import annotations

import pytest

from knowledge.claims.extract import guide_claims
from knowledge.claims.types import Quantity
from knowledge.corpus import parse_guide
from tools.claims.check import CHECKERS, check_all, tolerances
from tools.claims.documents import NAMES, finding_json
from tools.claims.types import Finding


def findings(text: str) -> tuple[Finding, ...]:
    """The findings of a guide of these words."""
    return check_all(guide_claims(parse_guide("notes.md", f"# Notes\n\n{text}\n")))


def test_every_quantity_has_a_checker_a_name_and_a_tolerance_with_its_reason() -> None:
    texts: set[Quantity] = {"license", "commercial_use"}
    assert set(CHECKERS) == set(NAMES) == set(Quantity.__args__)  # type: ignore[attr-defined]
    rows = {name: row for name, row in tolerances().items() if name != "note"}
    assert set(rows) == set(CHECKERS) - texts
    assert all(0 <= row["share"] <= row["about"] and row["reason"] for row in rows.values())


def test_rounding_of_the_stated_figure_counts() -> None:
    (rounded,) = findings("The Q4_K_M file of Llama 3.1 8B is 5 GB.")
    assert rounded.verdict == "agrees"
    (exact,) = findings("The Q4_K_M file of Llama 3.1 8B is 5.50 GB.")
    assert exact.verdict == "disagrees"


def test_a_decimal_unit_is_also_read_as_the_binary_one() -> None:
    (gib,) = findings("The Q4_K_M file of Llama 3.1 8B is 4.58 GB.")  # 4.58 GiB are 4.91 GB
    assert gib.verdict == "agrees"
    (mib,) = findings("The Q4_K_M file of Llama 3.1 8B is 3.90 GiB.")
    assert mib.verdict == "disagrees"


def test_a_disagreement_tells_both_figures_the_difference_and_the_source() -> None:
    (wrong,) = findings("The RTX 3090 has 16 GB.")
    document = finding_json(wrong)
    assert document["verdict"] == "disagrees"
    assert document["difference"] == pytest.approx(-1 / 3)
    assert document["calculated"]["text"] == "24 GB"
    assert "16 GB" in document["text"]
    assert "24 GB" in document["text"]
    assert "33 % too low" in document["text"]
    assert "line 3" in document["text"]
    assert {evidence["kind"] for evidence in document["evidence"]} == {"catalog"}


def test_a_calculation_is_told_as_one_with_its_formula() -> None:
    (wrong,) = findings("Llama 3.1 70B in Q4_K_M needs 35 GB of VRAM.")
    document = finding_json(wrong)
    assert document["evidence"][0]["kind"] == "tool"
    assert "cache" in document["calculated"]["formula"]
    assert "the calculation gives" in document["text"]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("Llama 3.1 8B needs 9 GB of VRAM.", "quantization is not said"),
        ("The KV cache of Llama 3.1 8B takes 2 GiB.", "context is not said"),
        ("On vLLM, Llama 3.1 8B in Q4_K_M takes 22 GB of memory.", "circumstances"),
    ],
)
def test_what_cannot_be_checked_says_why(text: str, why: str) -> None:
    (found,) = findings(text)
    assert found.verdict == "cannot be checked"
    assert why in found.why


def test_an_attributed_error_with_what_is_right_beside_it_is_corrected() -> None:
    older = "The older guide says 22 GB of VRAM for Llama 3.1 70B in Q4_K_M."
    first, second = findings(f"{older} Llama 3.1 70B in Q4_K_M needs 43 GB of VRAM.")
    assert (first.verdict, first.corrected) == ("disagrees", True)
    assert second.verdict == "agrees"
    (alone,) = findings(older)
    assert alone.contradicts


def test_prices_of_an_earlier_time_are_not_held_against_those_of_today() -> None:
    (then,) = findings("In 2024 GPT-4 was $25 per million input tokens.")
    assert then.verdict == "cannot be checked"
