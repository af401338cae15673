"""From slots to a brief: role, machines, and every gap filled in the open."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.tools.asking import GIB, NOWHERE, brief, needs
from tools import brief as module
from tools.brief import Brief, brief_of, defaults, role_of
from tools.hardware_types import Device, Machine
from tools.needs import HardwareNeed, Needs, Slot, Training


def _assumed(found: Brief) -> dict[str, Any]:
    return {a.slot: a.value for a in found.assumptions}


@pytest.mark.parametrize(
    ("slots", "role"),
    [
        ({}, "generator"),
        ({"task": "code", "training": {"method": "none"}}, "generator"),
        ({"task": "chat", "training": {"method": "qlora"}}, "finetune-base"),
        ({"task": "chat", "training": {"method": "any"}}, "finetune-base"),
        ({"task": "chat", "training": {"method": "scratch"}}, "pretrain-config"),
        ({"task": "embedding"}, "embedder"),
        ({"task": "embedding", "training": {"method": "full"}}, "embedder"),
        ({"task": "reranking"}, "reranker"),
        ({"task": "classification"}, "classifier"),
        ({"task": "classification", "dataset": {"labeled": True, "examples": 500}}, "classifier"),
        ({"task": "classification", "training": {"method": "full"}}, "classifier"),
        ({"task": "classification", "dataset": {"labeled": False}}, "generator"),
        ({"task": "classification", "training": {"method": "none"}}, "generator"),
        ({"task": "classification", "deployment": {"mode": "api"}}, "generator"),
        ({"task": "classification", "deployment": {"mode": "either"}}, "classifier"),
        ({"task": "extraction"}, "generator"),
        ({"task": "rag"}, "generator"),
    ],
)
def test_role(slots: dict[str, Any], role: str) -> None:
    assert role_of(needs(**slots)) == role
    assert brief(**slots).role == role


def test_every_gap_is_an_assumption_with_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    here = Machine("here", ram_bytes=32 * GIB, ram_bandwidth_gbs=51.2, cpu_cores=8, detected=True)
    monkeypatch.setattr(module, "detect_machine", lambda: here)
    found = brief_of(Needs())
    assert found.machine is here
    expected = (
        "task",
        "hardware",
        "deployment",
        "license",
        "context",
        "priority",
        "min_speed",
        "concurrency",
    )
    assert set(_assumed(found)) == {*expected, "languages"}
    assert all(a.why and str(a.value) for a in found.assumptions)
    assert all(isinstance(a.as_json()["value"], str | int | float) for a in found.assumptions)


def test_what_was_said_is_no_assumption() -> None:
    found = brief(
        "code",
        deployment={"mode": "local"},
        license={"use": "personal"},
        context=4096,
        priority="speed",
        min_speed=20.0,
        concurrency=2,
        languages=("de",),
    )
    assert set(_assumed(found)) <= {"hardware"}
    assert (found.context, found.priority, found.min_speed, found.parallel) == (4096, "speed", 20.0, 2)
    assert found.speed_is_hard


def test_a_wished_speed_is_no_limit() -> None:
    assert not brief(min_speed=Slot(value=30.0, strength="wish")).speed_is_hard
    assert brief(min_speed=Slot(value=30.0)).speed_is_hard
    assert not brief().speed_is_hard


@pytest.mark.parametrize("task", defaults()["context"])
def test_every_task_has_a_usual_context_and_speed(task: str) -> None:
    found = brief(task)
    assert found.context >= 256
    assert found.min_speed >= 0


def test_what_was_filled_into_the_machine_is_said() -> None:
    found = brief(hardware="RTX 3090 + 64GB RAM")
    assert any("51" in str(a.value) for a in found.assumptions if a.slot == "hardware")
    bare = brief(hardware="a server without a GPU")
    assert bare.machine is not None
    assert bare.machine.ram_bytes == defaults()["ram_gib"]["server"] * GIB
    assert "32 GiB RAM" in [a.value for a in bare.assumptions]
    laptop = brief(hardware="my old laptop")
    assert laptop.machine is not None
    assert laptop.machine.ram_bytes == defaults()["ram_gib"]["other"] * GIB


def test_this_machine_is_detected(monkeypatch: pytest.MonkeyPatch) -> None:
    here = Machine("here", (Device("card", "cuda", 8 * GIB, 300.0),), ram_bytes=32 * GIB, detected=True)
    monkeypatch.setattr(module, "detect_machine", lambda: here)
    assert brief(hardware="this machine").machine is here
    assert brief(hardware=None).machine is here
    assert brief(hardware="RTX 3090").machine is not here


def test_no_machine_means_an_api_unless_it_was_ruled_out() -> None:
    found = brief_of(needs(hardware=NOWHERE))
    assert (found.mode, found.machine) == ("api", None)
    assert _assumed(found)["deployment"] == "api"
    local = brief_of(needs(hardware=NOWHERE, deployment={"mode": "local"}))
    assert (local.mode, local.machine) == ("local", None)


def test_training_and_use_may_have_a_machine_each() -> None:
    slot: Slot[HardwareNeed] = Slot(
        value=HardwareNeed(text="laptop with 16 GB RAM", training_text="A100 80GB")
    )
    found = brief_of(needs(hardware=slot, training={"method": "lora"}))
    assert found.machine is not None
    assert found.training_machine is not None
    assert not found.machine.devices
    assert found.training_machine.devices[0].memory_bytes == 80 * GIB


def test_offline_is_private_and_many_users_are_a_server() -> None:
    assert brief(deployment={"mode": "local", "offline": True}).private
    assert brief(deployment={"mode": "either", "private": True}).private
    assert not brief(deployment={"mode": "either"}).private
    assert brief(concurrency=5).server
    assert brief(deployment={"mode": "local", "server": True}).server
    assert not brief(concurrency=4).server


def test_any_training_becomes_the_one_that_needs_least_memory() -> None:
    found = brief(training={"method": "any", "sequence_length": 4096})
    assert found.training == Training(method="qlora", sequence_length=4096)
    assert _assumed(found)["training"] == "qlora"
    assert brief(training={"method": "full"}).training.method == "full"


def test_volume_keeps_what_was_said() -> None:
    either: dict[str, Any] = {"deployment": {"mode": "either"}}
    usual = defaults()["volume"]
    assert brief(**either).volume.input_tokens_per_day == usual["input_tokens_per_day"]
    assert "volume" in _assumed(brief(**either))
    said = brief(volume={"input_tokens_per_day": 5000}, **either)
    assert said.volume.output_tokens_per_day is None
    assert "volume" not in _assumed(said)
    output = brief(volume={"output_tokens_per_day": 7}, **either).volume
    assert output.output_tokens_per_day == 7
    assert output.input_tokens_per_day == usual["input_tokens_per_day"]


def test_requests_a_day_scale_the_volume() -> None:
    found = brief(deployment={"mode": "api"}, volume={"requests_per_day": 10_000})
    each = defaults()["request"]
    assert found.volume.input_tokens_per_day == 10_000 * each["input_tokens"]
    assert found.volume.output_tokens_per_day == 10_000 * each["output_tokens"]
    words = str(_assumed(found)["volume"])
    assert re.sub(r"\D", "", words.split(" tokens")[0]) == str(10_000 * each["input_tokens"])
    why = next(a.why for a in found.assumptions if a.slot == "volume")
    assert f"{each['input_tokens']:,}" in why
    assert f"{each['output_tokens']:,}" in why


def test_the_words_of_the_usual_volume_are_its_figures() -> None:
    usual, why = defaults()["volume"], defaults()["why"]["volume"]
    assert f"{usual['input_tokens_per_day']:,}" in why
    assert f"{usual['output_tokens_per_day']:,}" in why


def test_default_tables_are_whole() -> None:
    table = defaults()
    assert set(table["context"]) == set(table["min_speed"])
    assert 0 < table["reserve"]["desktop_ram_share"] < 1
    assert table["reserve"]["server_ram_gib"] < table["reserve"]["desktop_ram_most_gib"]


@pytest.mark.parametrize("task", ["embedding", "reranking", "classification"])
def test_a_small_encoder_needs_no_card_and_no_api(task: str) -> None:
    found = brief_of(needs(task, hardware=Slot(value=HardwareNeed(text="no GPU", none=True))))
    assert found.mode == "local"
    assert found.machine is not None


def test_quality_first_lowers_a_floor_that_nobody_asked_for() -> None:
    usual = brief("code").min_speed
    lowered = brief("code", priority="quality")
    assert lowered.min_speed == round(usual * defaults()["min_speed_share_for_quality"], 1) < usual
    assert {a.slot: a.why for a in lowered.assumptions}["min_speed"].startswith("lower than")
    assert brief("code", priority="quality", min_speed=20).min_speed == 20
