"""What would change the answer is true when it is tried."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from tests.tools.asking import GIB, MACHINES, NOWHERE, answer, box, brief, card, needs
from tools.brief import Brief
from tools.candidates import Candidate, Change, Recommendation
from tools.hardware_types import Machine
from tools.needs import HardwareNeed, Slot
from tools.recommend import affordable, rank_for, recommend
from tools.sensitivity import LOOSER, TIGHTER, Step
from tools.sensitivity_machines import larger, multiplied, offers, upgrades

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


def _steps(wanted: Brief, best: Candidate | None) -> dict[str, Step]:
    """Every step of every ladder by its words."""
    return {step.condition: step for ladder in (*LOOSER, *TIGHTER) for step in ladder(wanted, best)}


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
            best = next(iter(found.candidates), None)
            step = _steps(wanted, best)[change.condition]
            after = _ranked(slots, text, step.brief)
            if change.outcome == "nothing would fit any more":
                assert step.tighter
                assert not after
                continue
            _told(change, step, after[0], best)


def _ranked(slots: dict[str, Any], text: str, changed: Brief) -> list[Candidate]:
    """The options of changed needs, within what was said of money."""
    rest = {key: value for key, value in slots.items() if key != "task"}
    return affordable(needs(slots.get("task", "chat"), text, **rest), changed, 4).candidates


def _told(change: Change, step: Step, first: Candidate, best: Candidate | None) -> None:
    assert change.outcome.startswith(first.model), (change, first.model)
    if best is None:
        return
    gap = first.quality.score - best.quality.score
    told = re.search(r"about (\d+) points? (more|less) expected quality", change.outcome)
    points = 0.0 if told is None else float(told[1]) * (1 if told[2] == "more" else -1)
    assert points == first.quality.points_over(best.quality)  # of the scores as they are shown
    assert points == pytest.approx(gap, abs=1.01)
    assert step.tighter or gap >= 1
    same = first.model_id == best.model_id and first.model == best.model
    assert ("instead of" in change.outcome) is same
    if not same and not step.tighter:
        assert gap >= 2


@pytest.mark.parametrize("slots", CASES, ids=str)
def test_the_nearest_step_is_told(slots: dict[str, Any]) -> None:
    """No step before the one that is told would have given another first place worth a line."""
    for found, wanted, change in _changes(slots, MACHINES[1]):
        best = next(iter(found.candidates), None)
        if best is None:
            continue
        for ladder in (*LOOSER, *TIGHTER):
            words = [step.condition for step in ladder(wanted, best)]
            if change.condition not in words:
                continue
            for step in ladder(wanted, best):
                if step.condition == change.condition:
                    break
                before = next(iter(rank_for(step.brief, 1).candidates), None)
                assert before is not None
                gap = before.quality.score - best.quality.score
                same = before.model_id == best.model_id
                assert gap < (1 if same else 2), (change, step.condition)


def test_an_upgrade_names_its_price_and_dearer_ones_have_more_memory() -> None:
    place = brief("chat", "RTX 3060 12GB + 32 GB RAM").machine
    assert place is not None
    found = list(upgrades(place))
    assert len(found) > 3
    sizes = [machine.accelerator_bytes for _, machine in found]
    assert sizes == sorted(set(sizes))
    assert sizes[0] > place.accelerator_bytes
    usd = [float(re.findall(r"\$([\d,]+)", words)[0].replace(",", "")) for words, _ in found]
    assert usd == sorted(usd)


def test_a_laptop_is_replaced_as_a_whole_and_a_rented_machine_not_at_all() -> None:
    laptop = brief("chat", "laptop with RTX 4060 8GB").machine
    assert laptop is not None
    whole = {offer.machine.accelerator_bytes for offer in offers() if offer.whole}
    assert {machine.accelerator_bytes for _, machine in upgrades(laptop)} <= whole
    rented = brief("chat", "rented H100").machine
    assert rented is not None
    assert not list(upgrades(rented))


def test_nobody_is_sent_shopping_where_it_gives_nothing() -> None:
    found = answer("code", "8x H100 80GB")
    assert not any("you had" in c.condition or "you bought" in c.condition for c in found.would_change)


def test_what_to_give_up_where_nothing_fits() -> None:
    slots: dict[str, Any] = {"context": 200_000, "license": {"use": "commercial"}}
    slots["model"] = {"min_params_b": 10.0}
    found = answer("code", "GTX 1650", **slots)
    assert not found.candidates
    assert found.would_change
    assert all("would be possible" in change.outcome for change in found.would_change)


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


def test_mixed_devices_never_shrink() -> None:
    for words, machine in larger(box(24, 12)):
        assert re.fullmatch(r"2 devices with \d+ GiB", words)
        assert all(d.memory_bytes >= 32 * GIB for d in machine.devices)


def test_mixed_devices_are_named_each() -> None:
    devices = (replace(card(32), name="RTX 5090"), replace(card(24), name="RTX 3090"))
    assert [w for w, _ in multiplied(Machine("mixed", devices))] == [
        "2 x RTX 5090 and 2 x RTX 3090",
        "4 x RTX 5090 and 4 x RTX 3090",
    ]


def test_shared_memory_has_no_second_device() -> None:
    assert not list(multiplied(box(12, ram=16, unified=True)))


def test_without_a_machine_one_is_suggested() -> None:
    for slots in ({}, {"deployment": {"mode": "local", "private": True}}, {"training": {"method": "qlora"}}):
        rest = {"deployment": {"mode": "local"}} | slots
        found = answer("chat", NOWHERE, **rest)
        assert not found.candidates
        assert any("you had" in change.condition for change in found.would_change)


def test_an_embedder_needs_no_card_so_an_ordinary_computer_is_assumed_and_said() -> None:
    encoder = answer("embedding", NOWHERE)
    assert encoder.candidates
    assert encoder.would_change
    assert any(assumed["slot"] == "hardware" for assumed in encoder.assumptions), encoder.assumptions


def test_a_larger_machine_for_training_is_suggested() -> None:
    slot: Slot[HardwareNeed] = Slot(value=HardwareNeed(text="A100 80GB", training_text="RTX 4060 8GB"))
    slots: dict[str, Any] = {"training": {"method": "qlora"}, "context": 2048}
    found, wanted = answer("chat", slot, **slots), brief("chat", slot, **slots)
    change = next(c for c in found.would_change if c.condition.startswith("you trained on"))
    step = _steps(wanted, next(iter(found.candidates), None))[change.condition]
    assert step.brief.machine == wanted.machine
    assert change.outcome.startswith(rank_for(step.brief, 4).candidates[0].model)


def test_there_are_few_changes_and_none_twice() -> None:
    for slots in CASES:
        for text in MACHINES:
            changes = [c for _, _, c in _changes(slots, text)]
            assert len(changes) <= 5
            assert len({c.condition for c in changes}) == len(changes)


def test_the_words_of_a_condition_are_its_figures() -> None:
    base = brief("chat", "RTX 3090", context=50_000, min_speed=30.0, deployment={"mode": "either"})
    base = replace(base, budget=base.budget.model_copy(update={"usd_per_month": 7.0}))
    best = answer("chat", "RTX 3090").candidates[0]
    for words, step in _steps(base, best).items():
        figures = [float(text.replace(",", "")) for text in re.findall(r"[\d,]*\d", words)]
        if "tokens of context" in words:
            assert figures == [step.brief.context]
        elif "tokens per second" in words:
            assert figures == [step.brief.min_speed]
        elif "budget" in words:
            assert figures == [step.brief.budget.usd_per_month]
        elif "with" in words and "GiB" in words and "bought" not in words:
            assert step.brief.machine is not None
            assert step.brief.machine.devices[0].memory_bytes == figures[-1] * GIB
