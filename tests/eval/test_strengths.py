"""However good or bad the model, the person gets the same decision and no figure that nobody computed."""

from __future__ import annotations

import pytest

from tests.eval.figures_shown import numbers, unshown
from tests.eval.strengths import hold_with
from tests.fakes.scripted_models import STRENGTHS

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])


@pytest.mark.parametrize("name", STRENGTHS)
async def test_conversations_end_as_in_guided_mode(name: str) -> None:
    held = await hold_with(name)
    assert held.failed == {}
    assert held.ungrounded == []
    assert held.different == 0
    (counts,) = held.counts.values()
    assert counts.texts >= held.personas
    assert counts.violations == counts.rewrites + counts.fallbacks
    assert (counts.violations > 0) == (name != "good")


def test_the_check_of_figures_finds_what_nobody_computed() -> None:
    assert numbers("10.50 of 1,024 GiB, 3 cards, Q4_K_M") == {"10.5", "1024", "3"}
    assert unshown("It takes 12.3 GiB on 2 cards.", ["It takes 12.4 GiB."]) == {"12.3"}
