"""What would change the answer is true when it is tried."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from tests.tools.asking import GIB, MACHINES, NOWHERE, answer, box, brief, card, needs
from tools.brief import Brief, brief_of
from tools.candidates import Change, Recommendation
from tools.hardware_types import Machine
from tools.needs import HardwareNeed, Slot
from tools.recommend import rank_for, recommend
from tools.roles.common import Ranked
from tools.sensitivity import CARD_STEPS_GIB, what_would_change

CASES: tuple[dict[str, Any], ...] = (
    {},
    {"task": "code", "context": 65_536},
    {"license": {"use": "commercial", "permissive_only": True}},
    {"model": {"named": ("Qwen/Qwen3-8B",)}},
    {"model": {"max_params_b": 3.0}},
    {"model": {"families": ("llama",)}},
    {"min_speed": 60.0},
    {"task": "rag", "context": 32_768},
    {"task": "embedding", "context": 8192},
    {"task": "classification"},
    {"training": {"method": "qlora"}, "context": 8192},
    {"deployment": {"mode": "either"}, "budget": {"usd_per_month": 3}},
    {"deployment": {"mode": "api"}, "budget": {"usd_per_month": 1}},
)


def _number(text: str) -> float:
    return float(re.findall(r"[\d,]+(?:\.\d+)?", text)[0].replace(",", ""))


def _machine(words: str, place: Machine) -> Machine:
    """The machine that a condition describes, read from its words."""
    sizes = re.search(r"devices? with (\d+) GiB", words)
    if sizes:
        size = int(sizes[1]) * GIB
        return replace(
            place, devices=tuple(replace(d, memory_bytes=size, free_bytes=None) for d in place.devices)
        )
    if "system memory" in words:
        return replace(place, ram_bytes=int(_number(words) * GIB))
    counts = {name: int(count) for count, name in re.findall(r"(\d+) x ([^,]+?)(?: and |$)", words)}
    devices = []
    for name, count in counts.items():
        one = next(d for d in place.devices if d.name == name)
        devices += [one] * count
    return replace(place, devices=tuple(devices))


def _applied(change: Change, wanted: Brief) -> Brief:
    """The brief with one change applied, from its words alone."""
    words = change.condition
    if words.startswith("you had"):
        assert wanted.machine is not None
        return replace(wanted, machine=_machine(words, wanted.machine))
    if "tokens of context" in words:
        return replace(wanted, context=int(_number(words)))
    if "tokens per second" in words:
        return replace(wanted, min_speed=wanted.min_speed / 3)
    if "license did not matter" in words:
        need = wanted.license.model_copy(update={"use": "personal", "permissive_only": False})
        return replace(wanted, license=need)
    if "another model or size" in words:
        return replace(wanted, wish=type(wanted.wish)(excluded=wanted.wish.excluded))
    if "an API were allowed" in words:
        return replace(wanted, mode="either")
    assert "budget" in words
    more = wanted.budget.model_copy(update={"usd_per_month": _number(words)})
    return replace(wanted, budget=more)


def _changes(slots: dict[str, Any], text: str) -> Iterator[tuple[Recommendation, Brief, Change]]:
    task, rest = slots.get("task", "chat"), {k: v for k, v in slots.items() if k != "task"}
    found, wanted = answer(task, text, **rest), brief(task, text, **rest)
    for change in found.would_change:
        yield found, wanted, change


@pytest.mark.parametrize("slots", CASES, ids=str)
def test_every_change_has_the_outcome_it_promises(slots: dict[str, Any]) -> None:
    for text in MACHINES:
        for found, wanted, change in _changes(slots, text):
            if change.outcome.startswith("the nearest miss"):
                continue
            after = rank_for(_applied(change, wanted), 4).candidates
            assert after, change
            first = after[0]
            assert change.outcome.startswith(first.model), (text, change, first.model)
            if "would lead" in change.outcome:
                gap = first.quality.score - found.candidates[0].quality.score
                assert gap >= 2
                assert f"about {gap:.0f} points" in change.outcome
            if "instead of" in change.outcome:
                mine = first.configuration
                its = found.candidates[0].configuration
                assert mine is not None
                assert its is not None
                how = f"{mine.quant} with a {mine.kv_cache_type} cache"
                assert f"{how} instead of {its.quant}" in change.outcome
                assert first.model_id == found.candidates[0].model_id


def test_an_allowed_api_is_compared_at_its_price() -> None:
    """The change says what a conversation that allows an API would say, at the usual volume."""
    wanted = needs("code", "RTX 3060 12GB", priority="quality")
    change = next(c for c in recommend(wanted).would_change if "API" in c.condition)
    other = recommend(needs("code", "RTX 3060 12GB", deployment={"mode": "either"}, priority="quality"))
    assert change.outcome.startswith(other.candidates[0].model)
    assert (other.candidates[0].usd_per_month or 0) > 0


def test_who_said_local_is_not_offered_an_api() -> None:
    found = answer("code", "RTX 3060 12GB", deployment={"mode": "local"}, priority="quality")
    assert not any("API" in change.condition for change in found.would_change)


def test_privacy_never_suggests_an_api() -> None:
    for text in MACHINES:
        for mode in ("local", "either"):
            found = answer("chat", text, deployment={"mode": mode, "private": True})
            assert not any("API" in change.condition for change in found.would_change)


def _conditions(place: Machine | None, **slots: Any) -> list[str]:
    """All conditions that are tried, by answering each with nothing before and something after."""
    tried: list[str] = []

    def ranker(changed: Brief, count: int) -> Ranked:
        return rank_for(changed, count)

    base = replace(brief_of(needs(**slots)), machine=place)
    for change in what_would_change(base, (), (), ranker):
        tried.append(change.condition)
    return tried


def test_mixed_devices_never_shrink() -> None:
    place = box(24, 12)
    tried = [c for c in _conditions(place) if "devices with" in c]
    assert tried == ["you had 2 devices with 32 GiB"]
    assert all(step in CARD_STEPS_GIB for step in (32, 48))


def test_mixed_devices_are_named_each() -> None:
    devices = (replace(card(32), name="RTX 5090"), replace(card(24), name="RTX 3090"))
    tried = _conditions(Machine("mixed", devices))
    assert "you had 2 x RTX 5090 and 2 x RTX 3090" in tried


def test_shared_memory_has_no_second_device() -> None:
    for change in _conditions(box(12, ram=16, unified=True)):
        assert " x " not in change


def test_without_a_machine_one_is_suggested() -> None:
    for slots in ({}, {"deployment": {"mode": "local", "private": True}}, {"training": {"method": "qlora"}}):
        rest = {"deployment": {"mode": "local"}} | slots
        found = answer("chat", NOWHERE, **rest)
        assert not found.candidates
        assert any("24 GiB" in change.condition for change in found.would_change)
    encoder = answer("embedding", NOWHERE)
    assert not encoder.candidates
    assert encoder.would_change


def test_a_larger_machine_for_training_is_suggested() -> None:
    slot: Slot[HardwareNeed] = Slot(value=HardwareNeed(text="A100 80GB", training_text="RTX 4060 8GB"))
    slots: dict[str, Any] = {"training": {"method": "qlora"}, "context": 2048}
    found, wanted = answer("chat", slot, **slots), brief("chat", slot, **slots)
    change = next(c for c in found.would_change if c.condition == "you trained on a device with 12 GiB")
    assert wanted.training_machine is not None
    trainer = _machine(change.condition, wanted.training_machine)
    first = rank_for(replace(wanted, training_machine=trainer), 4).candidates[0]
    assert change.outcome.startswith(first.model)


def test_there_are_few_changes_and_none_twice() -> None:
    for slots in CASES:
        for text in MACHINES:
            changes = [c for _, _, c in _changes(slots, text)]
            assert len(changes) <= 5
            assert len({c.condition for c in changes}) == len(changes)


def test_the_words_of_a_condition_are_its_figures() -> None:
    base = brief("chat", "RTX 3090", context=50_000, min_speed=30.0, deployment={"mode": "either"})
    base = replace(base, budget=base.budget.model_copy(update={"usd_per_month": 7.0}))
    tried: list[Brief] = []

    def ranker(changed: Brief, count: int) -> Ranked:
        tried.append(changed)
        return rank_for(changed, count)

    told = " | ".join(change.condition for change in what_would_change(base, (), (), ranker))
    assert "25,000 tokens of context" in told
    assert "10 tokens per second" in told
    assert {b.context for b in tried} == {50_000, 25_000}
    assert {b.min_speed for b in tried} == {30.0, 10.0}
