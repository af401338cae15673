"""The decision of a review: gain against noise, the paired test, kinds of tasks, requirements."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from tools.planning.migration import meaningful_gain
from tools.reviews.decision import compared, decide, noise

BASE = "o/base"


def _row(
    model_id: str, passed: Mapping[int, bool], tags: Mapping[str, tuple[float, int]] | None = None
) -> Any:
    return {
        "model": model_id.split("/")[1],
        "model_id": model_id,
        "pass_rate": sum(passed.values()) / len(passed),
        "outcomes": {f"s{n}": [int(ok), 1] for n, ok in passed.items()},
        "tags": [{"tag": tag, "pass_rate": rate, "scenarios": n} for tag, (rate, n) in (tags or {}).items()],
    }


def _up_to(count: int, of: int = 100) -> dict[int, bool]:
    return {n: n <= count for n in range(1, of + 1)}


def _decide(bare: list[Any], tuned: list[Any], missed: tuple[str, ...] = ()) -> dict[str, Any]:
    return decide("base", missed, ["one"], bare, tuned, BASE)


def test_the_noise_is_the_guides_at_its_rate_and_never_nothing() -> None:
    assert noise(0.7, 100) == pytest.approx(meaningful_gain(100))
    assert noise(1.0, 100) == pytest.approx(meaningful_gain(100))
    assert noise(0.5, 100) == pytest.approx(0.1)
    assert noise(0.7, 400) == pytest.approx(noise(0.7, 100) / 2)


def test_a_gain_after_the_same_training_decides() -> None:
    found = _decide([], [_row(BASE, _up_to(70)), _row("o/one", _up_to(85))])
    assert (found["change"], found["best"], found["basis"]) == ("yes", "one", "tuned")
    assert "passes 85 %, 15 points ahead on 100 scenarios after the same training" in found["text"]
    assert "less than 9 is noise" in found["text"]


def test_the_same_gain_untuned_does_not() -> None:
    found = _decide([_row(BASE, _up_to(70)), _row("o/one", _up_to(85))], [])
    assert (found["change"], found["best"], found["basis"]) == ("open", "one", "bare")
    assert "only if the gain is there after the same training" in found["text"]


@pytest.mark.parametrize("passed", [60, 70, 78])
def test_a_gain_within_noise_keeps_the_base(passed: int) -> None:
    found = _decide([], [_row(BASE, _up_to(70)), _row("o/one", _up_to(passed))])
    assert (found["change"], found["best"]) == ("no", None)
    assert found["text"].startswith("Keep base.")


def test_a_gain_that_may_be_chance_by_the_paired_test_stays_open() -> None:
    # 40 scenarios gained, 28 lost: 12 points more, on which the two disagree nearly evenly.
    base = {n: n <= 50 for n in range(1, 101)}
    other = {n: n <= 22 or n > 60 for n in range(1, 101)}
    found = _decide([], [_row(BASE, base), _row("o/one", other)])
    assert found["candidates"][0]["more_than_noise"]
    assert not found["candidates"][0]["shown"]
    assert found["change"] == "open"
    assert "add scenarios" in found["text"]


def test_a_loss_in_a_kind_of_task_forbids_the_change() -> None:
    base = _row(BASE, _up_to(60), {"math": (0.9, 40), "code": (0.4, 60)})
    other = _row("o/one", _up_to(85), {"math": (0.5, 40), "code": (1.0, 60)})
    found = _decide([], [base, other])
    assert found["candidates"][0]["losses"] == [{"tag": "math", "loss": 0.4, "scenarios": 40}]
    assert found["change"] == "no"
    assert "It loses in math (40 points)" in found["text"]


def test_a_missed_requirement_decides_and_no_candidate_keeps() -> None:
    assert _decide([], [], ("license",))["change"] == "yes"
    assert decide("base", ("license",), [], [], [], BASE)["change"] == "no"


def test_several_candidates_are_corrected_for() -> None:
    base = _row(BASE, _up_to(70))
    one = compared(base, [_row("o/one", _up_to(76))])
    many = compared(base, [_row(f"o/m{n}", _up_to(76)) for n in range(5)])
    assert one[0]["p_corrected"] == one[0]["p"] == pytest.approx(0.03125)
    assert many[0]["p_corrected"] == pytest.approx(5 * 0.03125)
    assert not many[0]["shown"]


def test_without_a_common_scenario_nothing_is_compared() -> None:
    strange = _row("o/one", dict.fromkeys(range(200, 220), True))
    assert compared(_row(BASE, _up_to(70)), [strange]) == []
    assert _decide([_row(BASE, _up_to(70)), strange], [])["change"] == "open"
