"""Several tasks at once: each counts by its share, hard features bind, and one task alone is as it was."""

from __future__ import annotations

from typing import get_args

import pytest

from agent.explanation import recommendation_text
from knowledge.catalog.store import load_catalog
from tools import task_shares
from tools.brief import brief_of
from tools.needs import HardwareNeed, Needs, Role, Slot, Task, TaskNeed
from tools.quality import quality_of
from tools.recommend import rank_for, recommend
from tools.task_mix import expected_for, quality_for
from tools.task_shares import apart, counted, shares

HARDWARE = Slot[HardwareNeed](value=HardwareNeed(text="RTX 4090"))


def needs(name: Task, *also: Task) -> Needs:
    return Needs(task=Slot[TaskNeed](value=TaskNeed(name=name, also=also)), hardware=HARDWARE)


def test_shares_add_up_and_the_main_task_counts_most() -> None:
    for tasks in (("code",), ("code", "chat"), ("code", "chat", "writing", "vision")):
        found = shares(tasks)
        assert sum(found) == pytest.approx(1.0)
        assert all(found[0] > share for share in found[1:])
        assert len(set(found[1:])) <= 1


def test_quality_lies_between_the_tasks_and_nearer_to_the_first() -> None:
    model = "Qwen/Qwen3.8-27B"
    code, translation = (quality_of(model, task) for task in ("code", "translation"))
    assert code.score != translation.score
    mixed = quality_for(model, ("code", "translation"))
    assert min(code.score, translation.score) < mixed.score < max(code.score, translation.score)
    assert abs(mixed.score - code.score) < abs(mixed.score - translation.score)
    assert expected_for(model, ("code", "translation")).score == pytest.approx(mixed.score, abs=0.1)


def test_what_is_least_known_grades_the_whole() -> None:
    catalog = load_catalog()
    for model in catalog.models:
        if model.kind != "chat" or model.params_total is None:
            continue
        grades = {expected_for(model.id, (task,)).grade for task in ("code", "translation")}
        if len(grades) == 2:
            worst = expected_for(model.id, ("translation",)).grade
            assert expected_for(model.id, ("code", "translation")).grade == worst
            return
    pytest.fail("no model with two grades")


def test_one_task_is_decided_as_if_there_were_no_shares(monkeypatch: pytest.MonkeyPatch) -> None:
    tasks = [t for t in get_args(Task) if t not in ("embedding", "reranking")]
    before = [recommend(needs(task)).as_json() for task in tasks]
    table = {"main": {"share": 0.01}, "further": {"share": 0.5}, "needs": {}, "apart": {}, "other_roles": {}}
    monkeypatch.setattr(task_shares, "_table", lambda: table)
    assert [recommend(needs(task)).as_json() for task in tasks] == before
    assert all(quality_for("Qwen/Qwen3.8-27B", (t,)) == quality_of("Qwen/Qwen3.8-27B", t) for t in tasks)


def test_a_further_task_can_change_the_order() -> None:
    alone = {c.model: c.utility for c in rank_for(brief_of(needs("code")), 8).candidates}
    both = {c.model: c.utility for c in rank_for(brief_of(needs("code", "writing")), 8).candidates}
    assert any(alone[name] != both[name] for name in alone.keys() & both.keys())


def test_images_as_a_further_task_bind() -> None:
    brief = brief_of(needs("code", "vision"))
    assert "vision" in brief.features
    assert any(a.slot == "features" and "images" in a.why for a in brief.assumptions)
    found = recommend(needs("code", "vision"))
    assert found.candidates
    assert all("vision" in c.features for c in found.candidates)


def test_a_further_task_over_documents_brings_the_rest_of_the_stack() -> None:
    best = recommend(needs("chat", "rag")).candidates[0]
    assert [c.role for c in best.companions] == ["embedder", "reranker"]


def test_context_and_speed_are_those_of_the_most_demanding_task() -> None:
    brief, one, other = (brief_of(n) for n in (needs("chat", "agent"), needs("chat"), needs("agent")))
    assert brief.context == max(one.context, other.context)
    assert brief.min_speed == max(one.min_speed, other.min_speed)


def test_the_answer_says_what_was_weighed() -> None:
    text, _ = recommendation_text(recommend(needs("code", "translation")))
    assert "Quality for code and translation" in text
    assert "at 65 %" in text
    assert "at 35 %" in text


@pytest.mark.parametrize(("main", "also"), [("chat", "embedding"), ("classification", "chat")])
def test_what_takes_another_model_is_said(main: Task, also: Task) -> None:
    brief = brief_of(needs(main, also))
    assert brief.tasks == (main,)
    text, _ = recommendation_text(recommend(needs(main, also)))
    assert f"It does not do {also}" in text


def test_reasons_are_there_for_everything_left_out() -> None:
    roles: tuple[Role, ...] = ("generator", "classifier", "embedder")
    assert all(apart(task, role) for task in get_args(Task) for role in roles)
    assert counted("chat", ("embedding", "code", "chat")) == ("chat", "code")
