"""The whole decision: hard constraints, evidence, the same answer twice, and what is said if nothing fits."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.catalog.publishers import publisher_of
from knowledge.catalog.records import ModelRecord
from tests.tools.asking import MACHINES, NOWHERE, answer, box, brief, model, needs
from tools.brief import Brief
from tools.budget import room_of
from tools.candidates import Candidate, Recommendation
from tools.licensing import is_permissive
from tools.needs import Priority
from tools.recommend import rank_for, recommend
from tools.roles.common import feature_gap, speaks
from tools.wishes import is_called

QUICK = settings(max_examples=25, deadline=None)
LOCAL: dict[str, Any] = {"mode": "local"}
TASKS = ("chat", "code", "agent", "rag", "summarization", "translation", "vision", "extraction")
EVERY = (*TASKS, "reasoning", "writing", "embedding", "reranking", "classification")

licenses = st.sampled_from(
    [
        {"use": "commercial"},
        {"use": "commercial", "permissive_only": True},
        {"use": "commercial", "users": 800_000_000},
        {"use": "commercial", "revenue_usd": 1e9},
        {"use": "personal", "region": "eu"},
        {"use": "research"},
        {"use": "any"},
    ]
)
wishes = st.sampled_from(
    [
        {},
        {"excluded": ("qwen",)},
        {"excluded": ("qwen", "gemma", "deepseek")},
        {"families": ("llama",)},
        {"families": ("gemma", "mistral")},
        {"min_params_b": 3.0, "max_params_b": 9.0},
        {"max_params_b": 4.0},
    ]
)
asked = st.fixed_dictionaries(
    {},
    optional={
        "license": licenses,
        "model": wishes,
        "context": st.sampled_from([2048, 8192, 40_000, 131_072]),
        "min_speed": st.sampled_from([5.0, 30.0, 80.0]),
        "languages": st.sampled_from([("en",), ("de",), ("multi",), ("ja", "ko")]),
        "features": st.sampled_from([(), ("tool_calling",), ("vision",), ("thinking", "tool_calling")]),
        "priority": st.sampled_from(["quality", "balanced", "speed", "cost", "small"]),
        "concurrency": st.sampled_from([1, 3, 12]),
        "deployment": st.sampled_from(
            [{"mode": "local"}, {"mode": "either"}, {"mode": "either", "private": True}, {"mode": "api"}]
        ),
        "budget": st.sampled_from([{"usd_per_month": 5}, {"usd_per_month": 200}]),
    },
)


def _record(candidate: Candidate) -> ModelRecord:
    return model(str(candidate.model_id))


def _obeys(candidate: Candidate, wanted: Brief) -> None:
    """Holds one option against every hard constraint, straight from the records."""
    assert candidate.kind == "local" or wanted.mode != "local"
    assert candidate.kind == "api" or wanted.mode != "api"
    assert not (candidate.kind == "api" and wanted.private)
    window = candidate.context_length
    assert window is None or window >= wanted.context
    c = candidate.configuration
    assert c is not None
    assert c.context >= wanted.context
    if candidate.kind == "api":
        limit = wanted.budget.usd_per_month
        assert candidate.usd_per_month is not None
        assert limit is None or candidate.usd_per_month <= limit + 0.01
        assert not is_called(wanted.wish.excluded, str(candidate.model_id))
        return
    record = _record(candidate)
    if wanted.license.use == "commercial":
        assert record.commercial_use in ("yes", "conditional")
        if wanted.license.users or wanted.license.revenue_usd:
            assert not str(record.license).startswith("llama") or not wanted.license.users
            assert record.license != "lfm1.0" or not wanted.license.revenue_usd
    if wanted.license.permissive_only:
        assert is_permissive(record.license)
    if wanted.license.region == "eu":
        assert record.license != "llama4"
        assert not str(record.license).startswith("tencent-hunyuan")
    maker = publisher_of(record.id)
    names = (record.id, record.family, maker.name if maker is not None else "")
    assert not is_called(wanted.wish.excluded, *names)
    if wanted.wish.families:  # `something by Mistral` takes Ministral too
        assert is_called(wanted.wish.families, *names)
    size = record.params_b
    assert size is not None
    assert (wanted.wish.min_params_b or 0) <= size <= (wanted.wish.max_params_b or 1e9)
    assert speaks(record, wanted.languages) is not False
    assert not any(feature_gap(record, feature) for feature in wanted.features)
    _fits(candidate, wanted)


def _fits(candidate: Candidate, wanted: Brief) -> None:
    """The memory of an option (companions included) is there on every device."""
    c = candidate.configuration
    assert c is not None
    assert c.memory is not None
    assert wanted.machine is not None
    assert c.fits
    assert c.parallel == wanted.parallel
    if wanted.speed_is_hard and c.speed is not None:
        assert c.speed.mid >= wanted.min_speed
    room = room_of(wanted.machine, server=wanted.server)
    alone = candidate.role in ("embedder", "reranker", "classifier") and room.device_bytes
    offered = max(room.device_bytes) if alone else room.total_bytes
    assert c.available_bytes <= offered
    assert c.engine == "vllm" or c.available_bytes == offered
    assert c.memory.total_bytes <= c.available_bytes
    for row, size in zip(c.memory.per_device, room.device_bytes, strict=False):
        assert row.total_bytes <= size


def _well_told(found: Recommendation) -> None:
    """Every claim has evidence, every exclusion a reason, and the document is plain JSON."""
    for candidate in found.candidates:
        assert candidate.why
        for reason in candidate.why:
            assert reason.text
            assert reason.evidence
            assert all(e.source for e in reason.evidence)
        assert candidate.trade_off
    assert all(r.reason and r.constraint and r.model for r in found.rejected)
    assert all(change.condition and change.outcome for change in found.would_change)
    assert (found.error is None) is bool(found.candidates)
    document = found.as_json()
    assert json.loads(json.dumps(document)) == document
    assert [c["rank"] for c in document["candidates"]] == list(range(1, len(found.candidates) + 1))


@QUICK
@given(st.sampled_from(TASKS), st.sampled_from(MACHINES), asked)
def test_hard_constraints_hold_for_every_option(task: str, text: str, slots: dict[str, Any]) -> None:
    wanted = brief(task, text, **slots)
    found = answer(task, text, **slots)
    for candidate in found.candidates:
        _obeys(candidate, wanted)
    _well_told(found)
    if not found.candidates:
        assert found.error is not None
        assert found.error["code"] == "nothing_fits"
        assert found.would_change
    assert len(found.candidates) <= 4
    values = [c.utility for c in found.candidates]
    assert values == sorted(values, reverse=True)
    assert len({c.model_id for c in found.candidates}) == len(values)


@pytest.mark.parametrize("text", MACHINES)
@pytest.mark.parametrize("task", EVERY)
def test_every_task_has_an_answer_on_every_machine(task: str, text: str) -> None:
    found = answer(task, text)
    assert found.candidates, found.error
    _well_told(found)
    wanted = brief(task, text)
    for candidate in found.candidates:
        _fits(replace(candidate, configuration=_own(candidate, wanted)), wanted)


def _own(candidate: Candidate, wanted: Brief) -> Any:
    """An encoder holds one text at a time, whatever the number of users."""
    from dataclasses import replace

    assert candidate.configuration is not None
    return replace(candidate.configuration, parallel=wanted.parallel)


def test_the_same_needs_give_the_same_document() -> None:
    for slots in (
        {},
        {"license": {"use": "commercial"}, "context": 32_768},
        {"deployment": {"mode": "either"}},
    ):
        wanted = needs("code", **slots)
        one = json.dumps(recommend(wanted).as_json(), sort_keys=True)
        assert one == json.dumps(recommend(wanted).as_json(), sort_keys=True)
        again = type(wanted).model_validate_json(wanted.model_dump_json())
        assert one == json.dumps(recommend(again).as_json(), sort_keys=True)


@QUICK
@given(
    st.sampled_from(["chat", "code"]),
    st.sampled_from(["quality", "balanced", "speed"]),
    st.sampled_from([6, 8, 12, 16, 24, 32]),
    st.sampled_from([2, 8, 24]),
    st.sampled_from([None, 32, 64]),
)
def test_more_memory_never_lowers_the_best(
    task: str, priority: Priority, gib: int, more: int, ram: int | None
) -> None:
    from dataclasses import replace

    base = brief(task, priority=priority)
    values = []
    for size in (gib, gib + more):
        ranked = rank_for(replace(base, machine=box(size, ram=ram)), 1)
        values.append(ranked.candidates[0].utility if ranked.candidates else 0.0)
    # A model that moves onto the device whole keeps a coarser quantization than one that spills over.
    assert values[1] >= values[0] - 1.0


@QUICK
@given(st.sampled_from(["chat", "code"]), st.sampled_from([5, 20, 100, 400]), st.sampled_from([2, 5]))
def test_a_larger_budget_never_lowers_the_best(task: str, usd: int, times: int) -> None:
    values = []
    for limit in (usd, usd * times):
        found = rank_for(brief(task, deployment={"mode": "api"}, budget={"usd_per_month": limit}), 1)
        values.append(found.candidates[0].utility if found.candidates else 0.0)
    assert values[1] >= values[0]


@pytest.mark.parametrize("task", ["chat", "code"])
def test_the_search_finds_what_trying_everything_finds(task: str) -> None:
    """The upper bound that ends the search never cuts off a better model."""
    for text, priority in itertools.product(MACHINES[1:6:2], ("quality", "balanced", "speed", "small")):
        wanted = brief(task, text, priority=priority)
        short, whole = rank_for(wanted, 1), rank_for(wanted, 60)
        assert short.candidates[0].model_id == whole.candidates[0].model_id
        assert len(rank_for(wanted, 1).candidates) == 1


def test_specialists_stand_for_their_task_only() -> None:
    """Math, medical, translation, tool and uncensored models never lead a general task."""
    words = ("math", "med", "translat", "prover", "guard", "reward", "function", "dolphin", "ocr", "sql")
    for task, text in itertools.product(("chat", "writing", "rag", "summarization"), MACHINES):
        for candidate in answer(task, text).candidates:
            assert not any(word in candidate.model.lower() for word in words), candidate.model
            assert _record(candidate).kind == "chat" or candidate.quality.grade == "exact"


def test_vision_takes_models_that_see() -> None:
    for text in MACHINES:
        assert all(_record(c).vision is True for c in answer("vision", text).candidates)


@pytest.mark.parametrize(
    ("name", "task", "text", "constraint"),
    [
        ("meta-llama/Llama-3.1-70B-Instruct", "chat", "RTX 3060 12GB", "memory"),
        ("meta-llama/Llama-3.1-8B", "chat", "RTX 3090", "task"),
        ("CohereLabs/c4ai-command-r-plus-08-2024", "chat", "2x H100 SXM", "license"),
        ("BAAI/bge-m3", "chat", "RTX 3090", "task"),
        ("Qwen/Qwen3-8B", "embedding", "RTX 3090", "task"),
        ("Qwen/Qwen3-8B", "vision", "RTX 3090", "features"),
        ("mistralai/Mistral-7B-Instruct-v0.3", "code", "RTX 3090", "context"),
    ],
)
def test_a_named_model_is_offered_or_explained(name: str, task: str, text: str, constraint: str) -> None:
    slots = {"context": 100_000} if constraint == "context" else {}
    found = answer(task, text, model={"named": (name,)}, deployment=LOCAL, **slots)
    assert not found.candidates
    assert found.rejected[0].model_id == name
    assert found.rejected[0].constraint == constraint
    assert found.error is not None
    assert found.rejected[0].model in found.error["message"]
    assert any("another model" in change.condition for change in found.would_change)


def test_a_named_model_that_fits_is_the_answer() -> None:
    found = answer("chat", model={"named": ("Qwen/Qwen3-8B",)})
    assert [c.model_id for c in found.candidates] == ["Qwen/Qwen3-8B"]
    several = tuple(f"Qwen/Qwen3-{size}" for size in ("0.6B", "1.7B", "4B", "8B", "14B", "32B"))
    many = answer("chat", model={"named": several})
    told = {c.model_id for c in many.candidates} | {r.model_id for r in many.rejected}
    assert told == set(several)


def test_a_named_model_where_only_an_api_or_no_machine_is_there() -> None:
    api = answer("chat", deployment={"mode": "api"}, model={"named": ("Qwen/Qwen3-8B",)})
    assert not api.candidates
    assert api.rejected[0].constraint == "deployment"
    nowhere = answer("chat", NOWHERE, deployment=LOCAL, model={"named": ("Qwen/Qwen3-8B",)})
    assert nowhere.rejected[0].constraint == "hardware"
    remote = answer("chat", deployment=LOCAL, model={"named": ("gpt-4o",)})
    assert remote.rejected[0].constraint == "deployment"


def test_what_was_excluded_is_worth_telling() -> None:
    """Near misses and licenses of models that would have fitted; nothing ten times too large."""
    for text in MACHINES:
        found = answer("chat", text)
        assert 0 < len(found.rejected) <= 14
        room = room_of(brief("chat", text).machine).total_bytes  # type: ignore[arg-type]
        licensed = [r for r in found.rejected if r.constraint == "license"]
        for rejected in licensed:
            assert (model(str(rejected.model_id)).params_total or 0) * 0.6 <= room


def test_private_needs_say_that_apis_are_out() -> None:
    for mode in ("local", "either"):
        found = answer("chat", deployment={"mode": mode, "private": True})
        assert all(c.kind == "local" for c in found.candidates)
        assert any(r.constraint == "privacy" for r in found.rejected)
    assert not any(r.constraint == "privacy" for r in answer("chat").rejected)
