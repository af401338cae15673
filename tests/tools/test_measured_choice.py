"""What an evaluation decides: ties and nothing else, whatever the order in which options came."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from tools.brief import Brief, brief_of
from tools.candidates import Candidate
from tools.evaluated import Apart, Evaluated, Passed, added, good_enough, is_better, overruled
from tools.evaluation.sample_size import MOST, scenarios_to_show
from tools.evaluation.statistics import LEVEL, sign_test
from tools.measured_choice import by_scenarios, is_settled, measured_advantage, with_evidence
from tools.measuring.breaking import speed_could_decide
from tools.needs import Deployment, HardwareNeed, Needs, Priority, Slot, TaskNeed, Training
from tools.recommend import rank_for, recommend

TASK = TaskNeed(name="code")


def needs_of(priority: Priority = "speed", training: Training | None = None) -> Needs:
    """Needs whose first options tie on a small card."""
    return Needs(
        task=Slot(value=TASK),
        hardware=Slot(value=HardwareNeed(text="RTX 3060 12GB, 32 GB RAM")),
        deployment=Slot(value=Deployment(mode="local")),
        context=Slot(value=8192),
        priority=Slot[Priority](value=priority),
        training=Slot(value=training) if training is not None else None,
    )


def passed(model_id: str, count: int, of: int = 20) -> Passed:
    """A share of scenarios; its interval plays no part here."""
    rate = count / of
    code = "above" if rate > 0.9 else "below" if rate < 0.3 else "open"
    return Passed(
        model=model_id.rpartition("/")[2],
        model_id=model_id,
        served_as=f"ollama_chat/{model_id}",
        passed=count,
        answers=of,
        rate=rate,
        low=max(0.0, rate - 0.2),
        high=min(1.0, rate + 0.2),
        code=code,
        text="it cannot be told yet; about 9 more scenarios would decide",
    )


def evaluated(one: str, its: int, other: str = "", others: int = 0, **more: object) -> Evaluated:
    """An evaluation of one option, or of two, the second a subset of the first or the reverse."""
    rows = (passed(one, its), *((passed(other, others),) if other else ()))
    apart = None
    if other:
        only = max(0, its - others), max(0, others - its)
        p = sign_test(*only)
        apart = Apart(
            first=one,
            second=other,
            difference=(its - others) / 20,
            p=p,
            shown=p < LEVEL,
            only_first=only[0],
            only_second=only[1],
            scenarios=20,
        )
    known = {"task": TASK.name, "rubric": "mine.yaml", "own": True, "day": "2026-11-21", **more}
    return Evaluated.model_validate({**known, "passed": rows, "apart": apart})


def knowing(brief: Brief, *rows: Evaluated) -> Brief:
    return replace(brief, evaluated=rows)


@pytest.fixture(scope="module")
def brief() -> Brief:
    return brief_of(needs_of())


@pytest.fixture(scope="module")
def options(brief: Brief) -> list[Candidate]:
    return rank_for(brief).candidates


def test_without_an_evaluation_nothing_is_changed(brief: Brief, options: list[Candidate]) -> None:
    assert by_scenarios(options, brief, lambda *_: True) is options
    assert with_evidence(options[0], brief) is options[0]
    assert recommend(needs_of()).as_json() == recommend(needs_of().knowing(())).as_json()


def test_any_evaluations_only_ever_reorder_and_leave_no_first_that_a_tied_one_has_beaten(
    brief: Brief, options: list[Candidate]
) -> None:
    dice = random.Random(7)
    ids = [str(c.model_id) for c in options]
    for _ in range(300):
        strength = {name: dice.randint(0, 20) for name in ids}
        rows: tuple[Evaluated, ...] = ()
        for _ in range(dice.randint(1, 4)):
            one, other = dice.sample(ids, 2)
            rows = added(rows, evaluated(one, strength[one], other, strength[other]))
        tied = {frozenset(dice.sample(ids, 2)) for _ in range(dice.randint(0, 6))}

        def is_tie(one: Candidate, other: Candidate, tied: set[frozenset[str]] = tied) -> bool:
            return frozenset((str(one.model_id), str(other.model_id))) in tied

        known = knowing(brief, *rows)
        order = by_scenarios(options, known, is_tie)
        assert sorted(map(id, order)) == sorted(map(id, options))
        assert order == by_scenarios(list(options), known, is_tie)
        if order[0] is options[0]:
            assert order == options
        # One is better than another by a strength of its own here, so that nothing goes round in a circle.
        assert not [
            c for c in order[1:] if is_tie(c, order[0]) and is_better(rows, c.model_id, order[0].model_id)
        ]


def test_the_better_one_of_a_tie_comes_first_and_nothing_that_does_not_tie(
    brief: Brief, options: list[Candidate]
) -> None:
    first, second = options[:2]
    known = knowing(brief, evaluated(str(second.model_id), 20, str(first.model_id), 6))
    assert by_scenarios(options, known, lambda *_: True)[0] is second
    assert by_scenarios(options, known, lambda *_: False) == options
    level = knowing(brief, evaluated(str(second.model_id), 12, str(first.model_id), 10))
    assert by_scenarios(options, level, lambda *_: True) == options
    assert not is_settled(second, first, level)


def test_the_recommendation_counts_it_and_tells_it_as_evidence() -> None:
    needs = needs_of()
    first, second = recommend(needs).candidates[:2]
    assert second.tied
    row = evaluated(str(second.model_id), 20, str(first.model_id), 6)
    found = recommend(needs.knowing((row,))).candidates
    assert [c.model for c in found[:2]] == [second.model, first.model]
    assert not found[1].tied
    evidence = found[0].quality.basis[0]
    assert (evidence.kind, evidence.source) == (
        "measurement",
        "your scenarios: 20 of 20 on 2026-11-21, rubric mine.yaml",
    )
    assert found[1].trade_off.startswith(f"{found[0].model} passes more of the same scenarios; ")
    assert "that is 70 points more than" in found[0].why[0].text
    assert "that is 70 points fewer than" in next(c for c in found if c.model == first.model).why[0].text
    brief = brief_of(needs.knowing((row,)))
    ids = (first.model_id, second.model_id)
    assert measured_advantage(*ids, brief) == ""
    assert measured_advantage(*ids[::-1], brief) == "it passes 100 % of your scenarios against 30 %"


def test_an_evaluation_of_another_task_plays_no_part() -> None:
    needs = needs_of()
    first, second = recommend(needs).candidates[:2]
    row = evaluated(str(second.model_id), 20, str(first.model_id), 6, task="chat")
    assert recommend(needs.knowing((row,))).as_json() == recommend(needs).as_json()


def test_a_base_that_passes_enough_is_recommended_untuned_until_that_is_overruled() -> None:
    needs = needs_of("balanced", Training(method="qlora"))
    base = recommend(needs).candidates[0]
    assert base.role == "finetune-base"
    row = evaluated(str(base.model_id), 20, tune=True)
    plain = recommend(needs.knowing((row,)))
    assert (plain.candidates[0].model, plain.candidates[0].role) == (base.model, "generator")
    assert plain.candidates[0].commands
    assert plain.would_change[0].condition.startswith("you want the fine-tune all the same")
    for other in (
        overruled((row,)),
        (evaluated(str(base.model_id), 12, tune=True),),
        (evaluated(str(base.model_id), 20),),
        (evaluated("nobody/knows-it", 20, tune=True),),
    ):
        kept = recommend(needs.knowing(other)).candidates[0]
        assert (kept.model, kept.role) == (base.model, "finetune-base")


def test_own_scenarios_are_not_displaced_by_an_example_and_the_newest_counts() -> None:
    mine, example = evaluated("a/b", 20, tune=True), evaluated("a/b", 2, tune=True, own=False)
    assert added((mine,), example) == (mine,)
    assert added((example,), mine) == (mine,)
    worse = evaluated("a/b", 2, tune=True)
    assert good_enough(added((mine,), worse)) is None
    lost, won = evaluated("a/b", 2, "c/d", 20), evaluated("c/d", 2, "a/b", 20)
    assert is_better(added((lost,), won), "a/b", "c/d")


def test_it_is_no_part_of_what_a_person_says(brief: Brief) -> None:
    needs = needs_of().knowing((evaluated("a/b", 20),))
    assert "evaluated" not in str(needs.as_json())
    assert Needs.model_validate(needs.as_json()).evaluated == ()
    assert needs.updated(context=None).evaluated == needs.evaluated
    with pytest.raises(ValueError, match="evaluated"):
        Needs.model_validate({"evaluated": []})


@pytest.mark.parametrize(("one", "other"), [(3, 1), (1, 0), (5, 2), (12, 9), (0, 2)])
def test_so_many_scenarios_show_it_and_one_fewer_does_not(one: int, other: int) -> None:
    needed = scenarios_to_show(one, other, 20)
    assert needed is not None
    assert 20 < needed <= MOST

    def p(number: int) -> float:
        return sign_test(round(one * number / 20), round(other * number / 20))

    assert p(needed) < LEVEL <= p(needed - 1)
    assert needed == scenarios_to_show(other, one, 20)


def test_no_number_is_told_where_none_would_do_or_none_is_needed() -> None:
    assert scenarios_to_show(4, 4, 20) is None
    assert scenarios_to_show(0, 0, 20) is None
    assert scenarios_to_show(10, 0, 20) is None
    assert scenarios_to_show(200, 199, 500) is None


def test_speed_decides_only_where_it_could_change_the_outcome() -> None:
    needs = needs_of()
    found = recommend(needs)
    assert speed_could_decide(found.candidates, brief_of(needs))
    calm = replace(brief_of(needs), priority="quality")
    # Each of them is faster than anybody reads, whatever is measured.
    assert not speed_could_decide(found.candidates, calm)
    apis = [replace(c, kind="api") for c in found.candidates]
    assert not speed_could_decide(apis, brief_of(needs))
