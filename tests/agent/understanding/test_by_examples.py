"""The nearest labeled example by shared words."""

from __future__ import annotations

from agent.understanding import Asked, understand
from agent.understanding.by_examples import nearest_by_words
from tools.needs import Needs


def test_shared_words_name_the_task() -> None:
    assert nearest_by_words("write the next chapter of a crime story")[0] == "writing"
    assert nearest_by_words("zzz qqq")[1] == 0


def test_unknown_wording_is_no_task_unless_it_was_asked_for() -> None:
    assert "task" not in understand("the sky over the harbor was gray", Needs()).updates
    asked = understand("the sky over the harbor was gray", Needs(), asked=Asked("task")).updates["task"]
    assert asked.strength == "wish"
