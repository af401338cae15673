"""What a recommendation tells: what is missing, assumed, tied, scored and overtaken."""

from __future__ import annotations

import itertools
import math
import re
from typing import Any

import pytest

from knowledge.catalog.store import load_catalog
from tests.tools.asking import GIB, MACHINES, NOWHERE, answer, best, box, brief, machine, needs
from tests.tools.test_recommend import LOCAL, TASKS, _record
from tools.brief import brief_of
from tools.fit import with_memory
from tools.fit_types import Ask
from tools.needs import Slot
from tools.recommend import rank_for
from tools.roles.common import speaks
from tools.utility import table


@pytest.mark.parametrize(
    ("slots", "word"),
    [
        ({"hardware": "GTX 1650 4GB", "context": 1_000_000}, "context"),
        ({"hardware": "laptop with 8 GB RAM", "min_speed": 500.0}, "speed"),
        ({"hardware": "RTX 3060 12GB", "model": {"min_params_b": 100.0}}, "memory"),
        ({"deployment": {"mode": "api"}, "budget": {"usd_per_month": 0.0001}}, "budget"),
        ({"hardware": NOWHERE, "deployment": {"mode": "local"}}, "hardware"),
        ({"hardware": NOWHERE, "deployment": {"mode": "local", "private": True}}, "hardware"),
    ],
)
def test_where_nothing_fits_the_document_is_whole(slots: dict[str, Any], word: str) -> None:
    found = answer("chat", **slots)
    document = found.as_json()
    assert document["candidates"] == []
    assert document["error"]["code"] == "nothing_fits"
    assert word in document["error"]["message"]
    assert document["error"]["hint"]
    assert document["would_change"]


def test_the_reserve_is_an_assumption() -> None:
    assumed = {a["slot"]: a["value"] for a in answer("chat", "RTX 3090").assumptions}
    assert assumed["reserve"] == "1.0 GiB kept free"
    assert "reserve" not in {a["slot"] for a in answer("chat", NOWHERE).assumptions}


def test_an_unknown_bandwidth_is_no_speed_and_no_exclusion() -> None:
    from dataclasses import replace

    base = brief("chat", min_speed=20.0)
    found = rank_for(replace(base, machine=replace(box(24), devices=(_silent(),))), 1)
    assert found.candidates
    c = found.candidates[0].configuration
    assert c is not None
    assert c.speed is None


def _silent() -> Any:
    from tests.tools.asking import card

    return card(24, bandwidth=None)


def test_unknown_languages_and_features_are_said() -> None:
    found = answer("chat", languages=("sw",), features=("tool_calling",))
    for candidate in found.candidates:
        record = _record(candidate)
        doubts = " ".join(candidate.caveats)
        assert (speaks(record, ("sw",)) is None) is ("is not known to know sw" in doubts)
        assert (record.tool_calling is None) is ("tool calling is not known" in doubts)


def test_retrieval_comes_with_an_embedder_and_a_reranker() -> None:
    for slots in (
        {},
        {"features": ("tool_calling",)},
        {"model": {"min_params_b": 8.0}},
        {"license": {"use": "commercial"}},
    ):
        for candidate in answer("rag", "RTX 3090 + 64GB RAM", **slots).candidates:
            assert [c.role for c in candidate.companions] == ["embedder", "reranker"]
            c = candidate.configuration
            assert c is not None
            assert c.memory is not None
            beside = sum(
                x.configuration.memory.total_bytes
                for x in candidate.companions
                if x.configuration is not None and x.configuration.memory is not None
            )
            assert beside > 0
            alone = with_memory(_record(candidate), machine("RTX 3090 + 64GB RAM"), c, Ask()).memory
            assert alone is not None
            assert c.memory.total_bytes == alone.total_bytes + beside
            assert c.memory.total_bytes == sum(row.total_bytes for row in c.memory.per_device)
            assert c.memory.total_bytes <= c.available_bytes == 23 * GIB
    assert not answer("chat").candidates[0].companions


def test_ties_are_what_the_uncertainty_cannot_tell_apart() -> None:
    weight = table()["weights"]["balanced"]["quality"]
    seen = set()
    for task, text in itertools.product(TASKS, MACHINES):
        options = answer(task, text).candidates
        assert not options[0].tied
        for candidate in options[1:]:
            spread = weight * math.hypot(options[0].quality.spread, candidate.quality.spread)
            near = options[0].utility - candidate.utility <= table()["tie_deviations"] * spread
            assert candidate.tied is near
            assert ("a tie" in candidate.trade_off) is near
            seen.add(near)
    assert seen == {True, False}


@pytest.mark.parametrize("task", [*TASKS, "embedding", "reranking", "classification"])
def test_the_parts_of_a_score_add_up_and_say_where_they_come_from(task: str) -> None:
    for candidate in answer(task, "RTX 3090 + 64GB RAM").candidates:
        assert sum(part.points for part in candidate.parts) == pytest.approx(candidate.utility)
        assert {"quality", "speed", "context", "memory", "license", "support", "cost"} <= {
            part.name for part in candidate.parts
        }
        for part in candidate.parts:
            assert part.inputs
            assert part.evidence
            if part.score is not None and part.weight is not None:
                assert part.points == pytest.approx(part.score * part.weight)


def test_the_first_option_is_the_best_and_the_others_say_what_they_trade() -> None:
    options = answer("code").candidates
    assert options[0].trade_off == "best overall for the stated needs"
    assert all("quality" in c.trade_off for c in options[1:])


def test_either_weighs_local_models_and_apis_together() -> None:
    found = answer("code", "RTX 3060 12GB", deployment={"mode": "either"}, priority="quality")
    assert {c.kind for c in found.candidates} <= {"local", "api"}
    assert any(c.kind == "api" for c in found.candidates)


def test_a_speed_wish_is_no_wall() -> None:
    hard = answer("chat", "laptop with 16 GB RAM", min_speed=400.0, deployment=LOCAL)
    soft = answer("chat", "laptop with 16 GB RAM", min_speed=Slot(value=400.0, strength="wish"))
    assert not hard.candidates
    assert soft.candidates


def test_priorities_move_the_answer_their_way() -> None:
    found = {p: best("chat", "RTX 3090", priority=p) for p in ("quality", "balanced", "speed", "small")}
    speeds = {
        p: c.configuration.speed.mid for p, c in found.items() if c.configuration and c.configuration.speed
    }
    assert speeds["speed"] >= speeds["balanced"] >= speeds["quality"] * 0.99
    assert found["quality"].quality.score >= found["speed"].quality.score
    small = found["small"].configuration
    large = found["quality"].configuration
    assert small is not None
    assert large is not None
    assert small.memory is not None
    assert large.memory is not None
    assert small.memory.total_bytes < large.memory.total_bytes


def test_every_model_that_could_stand_is_judged_once() -> None:
    from tools.roles.generator import eligible

    for task in TASKS:
        passed, rejected = eligible(brief_of(needs(task)))
        ids = [m.id for m, _ in passed] + [str(r.model_id) for r in rejected]
        assert len(ids) == len(set(ids))
        assert len(passed) > 20 or task == "vision"
        assert set(ids) <= {m.id for m in load_catalog().models}


def test_a_named_old_model_says_what_has_overtaken_it() -> None:
    old = "meta-llama/Llama-3.1-8B-Instruct"
    found = answer("chat", "RTX 3090", model={"named": (old,)}).candidates[0]
    assert found.model_id == old
    line = next(text for text in found.caveats if text.startswith("Superseded for chat by "))
    assert re.search(r"\+\d+ points, give or take \d+", line)
    new = answer("chat", "RTX 3090", model={"named": ("Qwen/Qwen3.8-27B",)}).candidates[0]
    assert not any(text.startswith("Superseded") for text in new.caveats)


def test_a_tight_estimate_says_so() -> None:
    seen = set()
    for task, text in itertools.product(TASKS, MACHINES):
        for candidate in answer(task, text).candidates:
            c = candidate.configuration
            if c is None or c.memory is None:
                continue
            tight = c.memory.high_bytes > c.available_bytes
            assert any("may just not fit" in text for text in candidate.caveats) is tight
            seen.add(tight)
    assert seen == {True, False}
