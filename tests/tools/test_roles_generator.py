"""What stands for which task, the constraints that need no solving, diversity, and APIs."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from knowledge.catalog.api_models import current_api_models, is_retired, load_api_models
from knowledge.catalog.records import ModelRecord
from knowledge.catalog.store import load_catalog
from tests.tools.asking import DESKTOP, MACHINES, answer, brief, machine, model
from tools.candidates import Candidate
from tools.fit import solve
from tools.fit_types import Solution
from tools.hardware_types import Machine
from tools.needs import Feature, Priority
from tools.pricing import monthly_cost
from tools.quality import quality_of
from tools.roles import api
from tools.roles.common import diverse, feature_gap, size_wish, speaks, stands_for
from tools.roles.generator import (
    GENERATOR_KINDS,
    ask_of,
    eligible,
    fastest_speed,
    optimistic,
    rank,
    scores_of,
)
from tools.utility import utility
from tools.wishes import is_called

QWEN = "Qwen/Qwen3-8B"


def _like(**changes: Any) -> ModelRecord:
    return model(QWEN).model_copy(update=changes)


@pytest.mark.parametrize(
    ("name", "kind", "task", "stands"),
    [
        ("Qwen/Qwen3-8B", "chat", "chat", True),
        ("Qwen/Qwen3-8B", "chat", "translation", True),
        ("Qwen/Qwen3-8B-Base", "base", "chat", False),
        ("Qwen/Qwen2.5-Math-7B-Instruct", "chat", "chat", False),
        ("Qwen/Qwen2.5-Math-7B-Instruct", "chat", "reasoning", True),
        ("google/medgemma-27b-it", "chat", "chat", False),
        ("google/medgemma-27b-it", "chat", "reasoning", False),
        ("ByteDance-Seed/Seed-X-PPO-7B", "chat", "translation", True),
        ("ByteDance-Seed/Seed-X-PPO-7B", "chat", "chat", False),
        ("tencent/Hunyuan-MT-7B", "chat", "translation", True),
        ("tencent/Hunyuan-MT-7B", "chat", "writing", False),
        ("Salesforce/Llama-xLAM-2-8b-fc-r", "chat", "agent", True),
        ("Salesforce/Llama-xLAM-2-8b-fc-r", "chat", "chat", False),
        ("meta-llama/Llama-Guard-3-8B", "chat", "chat", False),
        ("Qwen/Qwen2.5-Coder-7B-Instruct", "code", "code", True),
        ("Qwen/Qwen2.5-Coder-7B-Instruct", "code", "chat", False),
        ("Qwen/QwQ-32B", "reasoning", "reasoning", True),
        ("Qwen/QwQ-32B", "reasoning", "chat", False),
        ("Qwen/Qwen2.5-VL-7B-Instruct", "vision", "vision", True),
        ("Qwen/Qwen2.5-VL-7B-Instruct", "vision", "chat", False),
    ],
)
def test_who_stands_for_what(name: str, kind: str, task: Any, stands: bool) -> None:
    assert stands_for(name, kind, task) is stands


def test_specialists_cover_less_than_general_models() -> None:
    """Each rule of the table catches a model of the catalog, or the words that make one."""
    narrow = [m for m in load_catalog().models if m.kind == "chat" and not stands_for(m.id, m.kind, "chat")]
    assert 10 < len(narrow) < 120


@pytest.mark.parametrize(
    ("record", "languages", "expected"),
    [
        ({"languages": ("en", "de"), "multilingual": None}, ("de",), True),
        ({"languages": ("en",), "multilingual": None}, ("de",), False),
        ({"languages": (), "multilingual": None}, ("de",), None),
        ({"languages": (), "multilingual": None}, ("en",), True),
        ({"languages": ("en",), "multilingual": True}, ("de",), None),
        ({"languages": ("en", "de"), "multilingual": False}, ("de", "fr"), False),
        ({"languages": ("en", "de"), "multilingual": True}, ("multi",), True),
        ({"languages": ("en",), "multilingual": False}, ("multi",), False),
        ({"languages": (), "multilingual": None}, ("multi",), None),
    ],
)
def test_languages(record: dict[str, Any], languages: tuple[str, ...], expected: bool | None) -> None:
    assert speaks(_like(**record), languages) is expected


@pytest.mark.parametrize(
    ("feature", "record", "expected"),
    [
        ("vision", {"vision": True}, False),
        ("vision", {"vision": False}, True),
        ("vision", {"vision": None}, None),
        ("tool_calling", {"tool_calling": False}, True),
        ("tool_calling", {"tool_calling": None}, None),
        ("thinking", {"thinking": "no"}, True),
        ("thinking", {"thinking": "hybrid"}, False),
        ("thinking", {"thinking": None}, None),
        ("multilingual", {"multilingual": True}, False),
        ("structured_output", {}, False),
    ],
)
def test_features(feature: Feature, record: dict[str, Any], expected: bool | None) -> None:
    assert feature_gap(_like(**record), feature) is expected


def test_size_wishes() -> None:
    def refused(**wish: float) -> str | None:
        return size_wish(model(QWEN), brief(model=wish))

    assert refused() is None
    assert refused(min_params_b=8.0) is None
    assert "at least 9B" in str(refused(min_params_b=9.0))
    assert "at most 7B" in str(refused(max_params_b=7.0))
    unknown = _like(params_total=None)
    assert size_wish(unknown, brief()) is None
    assert "not known" in str(size_wish(unknown, brief(model={"max_params_b": 7.0})))


def test_names_are_matched_by_their_parts() -> None:
    assert is_called(("llama",), "meta-llama/Llama-3.1-8B-Instruct", "Llama 3.1")
    assert is_called(("Qwen",), "x/y", "Qwen3")
    assert not is_called(("gemma",), "Qwen/Qwen3-8B", "Qwen3")
    assert not is_called((), "Qwen/Qwen3-8B")


@pytest.mark.parametrize("text", MACHINES)
def test_the_bound_is_a_bound(text: str) -> None:
    """No model is worth more solved than its upper bound said."""
    for priority in ("quality", "speed"):
        wanted = brief("chat", text, priority=priority)
        assert wanted.machine is not None
        passed, _ = eligible(wanted)
        for record, verdict in passed[::3]:
            solution = solve(record.id, wanted.machine, ask_of(wanted))
            if isinstance(solution, Solution):
                quality = quality_of(record.id, "chat")
                bound = optimistic(record, quality, wanted, wanted.machine)
                scores = scores_of(record, verdict, quality, solution, wanted)
                assert utility(wanted.priority, scores) <= bound + 1e-6, record.id
                speed = solution.configuration.speed
                fastest = fastest_speed(record, wanted.machine)
                assert speed is None or fastest is None or speed.mid <= fastest * 1.001


def test_unknown_bandwidth_bounds_nothing() -> None:
    place = machine(DESKTOP)
    silent = replace(place, devices=(replace(place.devices[0], bandwidth_gbs=None),))
    assert fastest_speed(model(QWEN), silent) is None


def _named(name: str, utility: float, family: str, speed: float = 10.0) -> Candidate:
    first = answer("chat").candidates[0]
    assert first.configuration is not None
    assert first.configuration.speed is not None
    faster = replace(first.configuration.speed, mid=speed)
    configuration = replace(first.configuration, speed=faster)
    return replace(first, model=name, utility=utility, configuration=configuration, extra={"family": family})


def test_options_differ_in_family_and_one_is_quick() -> None:
    found = [
        _named("a1", 90, "a"),
        _named("a2", 89, "a"),
        _named("a3", 88, "a"),
        _named("b1", 80, "b"),
        _named("c1", 78, "c", speed=99),
        _named("d1", 10, "d", speed=500),
    ]
    assert [c.model for c in diverse(found, 4)] == ["a1", "a2", "b1", "c1"]
    assert [c.model for c in diverse(found[:4], 4)] == ["a1", "a2", "a3", "b1"]
    assert [c.model for c in diverse(found[:5], 4)] == ["a1", "a2", "b1", "c1"]
    quick = [*found[:2], _named("a3", 88, "a", speed=50), *found[3:]]
    assert [c.model for c in diverse(quick, 4)] == ["a1", "a3", "b1", "c1"]
    for count in range(1, 7):
        chosen = diverse(found, count)
        assert len(chosen) == count
        assert chosen[0].model == "a1"
        values = [c.utility for c in chosen]
        assert values == sorted(values, reverse=True)
    assert diverse([], 4) == []
    assert len(diverse(found[:1], 4)) == 1


def test_api_models_past_their_end_are_not_offered() -> None:
    today = date.today()  # noqa: DTZ011 - end dates are calendar days without a zone
    retired = {m.key for m in load_api_models() if is_retired(m, today)}
    assert retired
    for context in (4096, 100_000):
        found = api.rank(brief("chat", deployment={"mode": "api"}, context=context))
        told = {c.model_id for c in found.candidates} | {r.model_id for r in found.rejected}
        assert not told & retired
    ending = next(m for m in current_api_models() if m.ends is not None)
    assert is_retired(ending, date.fromisoformat(str(ending.ends)) + timedelta(days=1))


def test_api_models_meet_window_features_and_budget() -> None:
    wanted = brief(
        "vision",
        deployment={"mode": "api"},
        context=150_000,
        features=("tool_calling",),
        budget={"usd_per_month": 50},
    )
    records = {m.key: m for m in current_api_models()}
    found = api.rank(wanted)
    assert found.candidates
    for candidate in found.candidates:
        record = records[str(candidate.model_id)]
        assert record.max_input_tokens is not None
        assert record.max_input_tokens >= 150_000
        assert record.vision
        assert record.tool_calling
        cost = monthly_cost(record, wanted.volume, wanted.context)
        assert cost is not None
        assert cost.usd <= 50
    assert all(r.constraint in ("context", "features", "budget") for r in found.rejected)


def test_an_api_is_no_option_where_it_must_not_be() -> None:
    for deployment in (
        {"mode": "local"},
        {"mode": "either", "private": True},
        {"mode": "api", "offline": True},
    ):
        assert not api.rank(brief("chat", deployment=deployment)).candidates


def test_families_and_exclusions_hold_for_apis() -> None:
    claude = api.rank(brief("chat", deployment={"mode": "api"}, model={"families": ("claude",)}))
    assert claude.candidates
    assert all("claude" in str(c.model_id) for c in claude.candidates)
    others = api.rank(brief("chat", deployment={"mode": "api"}, model={"excluded": ("claude", "gpt")}))
    assert others.candidates
    assert not any(word in str(c.model_id) for c in others.candidates for word in ("claude", "gpt"))


def test_the_cheapest_wins_where_cost_decides() -> None:
    cheap = api.rank(brief("chat", deployment={"mode": "api"}, priority="cost")).candidates[0]
    good = api.rank(brief("chat", deployment={"mode": "api"}, priority="quality")).candidates[0]
    assert (cheap.usd_per_month or 0) <= (good.usd_per_month or 0)
    assert cheap.quality.score <= good.quality.score


def test_kinds_that_write() -> None:
    passed, _ = eligible(brief("chat"))
    others = [m for m, _ in passed if m.kind != "chat"]
    assert {m.kind for m in others} <= {"vision"}
    assert all(quality_of(m.id, "chat").grade == "exact" for m in others)
    assert "base" not in GENERATOR_KINDS


@pytest.mark.parametrize(
    ("slots", "constraint"),
    [
        ({"languages": ("de",)}, "languages"),
        ({"languages": ("multi",)}, "languages"),
        ({"features": ("thinking", "tool_calling")}, "features"),
        ({"features": ("vision",)}, "features"),
        ({"license": {"use": "commercial"}}, "license"),
        ({"model": {"max_params_b": 7.0}}, "model"),
        ({"model": {"families": ("qwen",)}}, "model"),
        ({"model": {"excluded": ("qwen",)}}, "model"),
    ],
)
def test_each_constraint_excludes_and_only_rightly(slots: dict[str, Any], constraint: str) -> None:
    wanted = brief("chat", **({"license": {"use": "any"}} | slots))
    passed, rejected = eligible(wanted)
    assert passed
    assert {r.constraint for r in rejected} == {constraint}
    for record, _ in passed:
        assert speaks(record, wanted.languages) is not False
        assert not any(feature_gap(record, feature) for feature in wanted.features)
        assert size_wish(record, wanted) is None
    free = {m.id for m, _ in eligible(brief("chat", license={"use": "any"}))[0]}
    assert {m.id for m, _ in passed} | {str(r.model_id) for r in rejected} == free


@pytest.mark.parametrize("priority", ["speed", "cost", "small"])
def test_who_wants_speed_on_a_laptop_still_gets_a_useful_model(priority: Priority) -> None:
    laptop = Machine(name="laptop", ram_bytes=16 << 30, ram_bandwidth_gbs=51.2)
    best = rank(replace(brief(), machine=laptop, priority=priority)).candidates[0]
    assert best.quality.score >= 35
