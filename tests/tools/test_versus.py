"""Why one model comes before another: the paragraph says what the scores say."""

from __future__ import annotations

from dataclasses import replace

import pytest

from knowledge.catalog.api_models import current_api_models
from tests.tools.asking import brief, model
from tools.brief import Brief
from tools.candidates import Reason
from tools.versus import Standing, standing_of, versus

STRONG, WEAK = "Qwen/Qwen3.8-27B", "google/gemma-3-12b-it"
HUGE = "moonshotai/Kimi-K3"


def _paragraph(wanted: Brief, *names: str) -> Reason:
    found = versus([standing_of(model(name), wanted) for name in names], wanted)
    assert found is not None
    return found


@pytest.mark.parametrize("names", [(STRONG, WEAK), (WEAK, STRONG)])
def test_the_better_one_is_named_first_whatever_the_order(names: tuple[str, str]) -> None:
    told = _paragraph(brief("code", "RTX 3090", context=32768), *names)
    assert "Qwen3.8-27B comes before gemma-3-12b-it" in told.text
    assert "For code on" in told.text
    assert "32,768 tokens" in told.text
    assert any(e.kind == "benchmark" for e in told.evidence)
    assert "expected quality" in told.text.split("For gemma")[0]


def test_what_speaks_for_the_loser_is_said_too() -> None:
    wanted = brief("chat", "RTX 3090", context=8192)
    told = _paragraph(wanted, STRONG, "meta-llama/Llama-3.1-8B-Instruct")
    mine, its = (standing_of(model(n), wanted).option for n in (STRONG, "meta-llama/Llama-3.1-8B-Instruct"))
    assert mine is not None
    assert its is not None
    assert mine.scores is not None
    assert its.scores is not None
    assert mine.utility > its.utility
    assert ("freer license" in told.text) is (mine.scores.license > its.scores.license)


def test_what_does_not_fit_is_out_with_its_reason() -> None:
    told = _paragraph(brief("chat", "RTX 3060 12GB"), STRONG, HUGE)
    assert "only option of these" in told.text
    assert "Kimi-K3 is out: does not fit" in told.text
    nothing = versus([Standing("a", None, "no")], brief("chat"))
    assert nothing is None


def test_near_ones_are_a_tie() -> None:
    wanted = brief("chat", "RTX 3090")
    one = standing_of(model(STRONG), wanted)
    assert one.option is not None
    other = Standing("Other", replace(one.option, model="Other", utility=one.option.utility - 0.01))
    found = versus([one, other], wanted)
    assert found is not None
    assert "take it as a tie" in found.text
    assert "For it speak" not in found.text


def test_without_a_machine_nothing_is_said_of_speed_and_memory() -> None:
    wanted = replace(brief("chat"), machine=None)
    told = _paragraph(wanted, STRONG, WEAK)
    assert "wherever they run" in told.text
    assert "tokens per second" not in told.text
    assert "GiB" not in told.text


def test_api_models_compare_by_price() -> None:
    wanted = replace(brief("chat", deployment={"mode": "api"}), machine=None)
    keys = ("gpt-4o", "gpt-4o-mini")
    records = {record.key: record for record in current_api_models()}
    found = versus([standing_of(records[key], wanted) for key in keys if key in records], wanted)
    assert found is not None
    assert "a month" in found.text
