"""What is said of a measurement on a busy machine, and of one that contradicts the run before."""

from __future__ import annotations

from collections import namedtuple
from datetime import timedelta

import pytest

from tests.tools.calibration.simulated import QWEN, detected, run
from tools.measuring.doubts import Others, busy_note, differing_note, far_off_note

HERE = detected()
Times = namedtuple("Times", "user system idle iowait guest")


@pytest.mark.parametrize(("own", "share"), [(0.0, 0.75), (1.0, 0.5), (9.0, 0.0)])
def test_the_share_of_others_is_without_ones_own(
    monkeypatch: pytest.MonkeyPatch, own: float, share: float
) -> None:
    """Four processors for a second: three seconds of work, of which some are of this process."""
    seen = iter([Times(10.0, 5.0, 80.0, 1.0, 2.0), Times(12.0, 6.0, 81.0, 2.0, 3.0)])
    clocks = {"perf_counter": iter([0.0, 1.0, 1.0]), "process_time": iter([0.0, own])}
    for name, values in clocks.items():
        monkeypatch.setattr(f"tools.measuring.doubts.time.{name}", values.__next__)
    monkeypatch.setattr("psutil.cpu_times", seen.__next__)
    monkeypatch.setattr("os.cpu_count", lambda: 4)
    assert Others().share() == pytest.approx(share)


def test_a_quiet_machine_is_not_spoken_of() -> None:
    assert busy_note(None) == busy_note(0.1) == ""
    assert "60% of the processors" in busy_note(0.6)


def test_a_run_that_contradicts_the_one_before_says_so() -> None:
    before = run(HERE, factor=2.0)
    later = {"measured_at": before.measured_at + timedelta(days=1)}
    now = run(HERE, factor=1.0).model_copy(update=later)
    said = differing_note(now, [before, now])
    assert "2026-11-20" in said
    assert "--forget" in said
    assert differing_note(run(HERE, factor=1.9).model_copy(update=later), [before]) == ""
    assert differing_note(before, [now]) == ""
    for other in (run(HERE, QWEN, 2.0), run(HERE, quant="Q8_0"), run(HERE, lengths=(100,))):
        assert differing_note(now, [other]) == ""


def test_a_run_far_from_its_estimate_is_probably_a_mistake() -> None:
    assert "10.0 times as fast as" in far_off_note(run(HERE, factor=10.0), HERE)
    assert "5.0 times slower than" in far_off_note(run(HERE, factor=0.2), HERE)
    for near in (run(HERE, factor=2.0), run(HERE, factor=10.0).model_copy(update={"model_id": None})):
        assert far_off_note(near, HERE) == ""


def test_the_newest_of_the_earlier_runs_is_the_one_before() -> None:
    first = run(HERE, factor=3.0)
    runs = [
        first.model_copy(
            update={"measured_at": first.measured_at + timedelta(days=day), "points": one.points}
        )
        for day, one in enumerate((first, run(HERE, factor=1.0), run(HERE, factor=1.1)))
    ]
    assert differing_note(runs[2], runs) == ""
