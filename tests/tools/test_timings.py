"""Prompts, first tokens, thinking and several conversations: the laws they must obey."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.catalog.records import ModelRecord
from tests.tools.asking import machine as _machine
from tests.tools.asking import model as _model
from tools.candidates import SpeedFigure
from tools.fit_model import FitWish, fit_model
from tools.hardware_types import Device, Machine
from tools.speed_types import Interval
from tools.speed_work import work_of
from tools.timings import USERS, Setting, prompt_interval, throughput, timings

MACHINES = (
    "RTX 3090",
    "2x RTX 3090",
    "M3 Max 64GB",
    "H100",
    "Tesla P40",
    "16-core server, 64 GB RAM, no GPU",
)


LLAMA_8B = _model("meta-llama/Llama-3.1-8B-Instruct")
GEMMA = _model("google/gemma-3-4b-it")
QWEN_MOE = _model("Qwen/Qwen3-30B-A3B")
GPT_OSS = _model("openai/gpt-oss-20b")
MODELS = (LLAMA_8B, GEMMA, QWEN_MOE, GPT_OSS)


def _seconds(
    model: ModelRecord, text: str, tokens: int, *, quant: str = "Q4_K_M", depth: int = 0
) -> Interval:
    found = prompt_interval(model, _machine(text), Setting(quant), tokens, depth)
    assert found is not None
    assert 0 < found.low <= found.mid <= found.high
    return found


def test_operations_are_two_for_each_weight_of_the_layers() -> None:
    work = work_of(LLAMA_8B)
    assert work is not None
    assert work.dense == pytest.approx(2 * 6.98e9, rel=0.001)
    assert work.output == pytest.approx(2 * 128256 * 4096, rel=0.001)
    assert work.attention(1000) == 1000 * 4 * 32 * 32 * 128  # 32 layers, 32 heads of 128


def test_windows_bound_attention() -> None:
    work = work_of(GEMMA)
    assert work is not None
    assert work.attention(9000) - work.attention(8000) == 1000 * work.attention_full
    assert work.attention(1000) == 1000 * (work.attention_full + work.attention_window)


def test_experts_count_by_those_used() -> None:
    work = work_of(QWEN_MOE)
    assert work is not None
    assert work.dense + work.experts + work.output == pytest.approx(2 * 3.0e9, rel=0.1)


@given(st.sampled_from(MODELS), st.sampled_from(MACHINES), st.integers(1, 30_000), st.integers(1, 30_000))
def test_longer_prompts_take_longer(model: ModelRecord, text: str, one: int, other: int) -> None:
    short, long = sorted((one, other))
    assert _seconds(model, text, short).mid <= _seconds(model, text, long).mid * (1 + 1e-9)


@given(st.sampled_from(MODELS), st.sampled_from(MACHINES), st.integers(0, 100_000), st.integers(1, 100_000))
def test_deeper_prompts_take_longer(model: ModelRecord, text: str, depth: int, more: int) -> None:
    near = _seconds(model, text, 512, depth=depth)
    assert near.mid <= _seconds(model, text, 512, depth=depth + more).mid


@given(st.sampled_from(["RTX 3090", "H100", "RX 7900 XTX", "DGX Spark"]), st.floats(1.0, 10.0))
def test_more_compute_is_never_slower(text: str, factor: float) -> None:
    machine = _machine(text)
    device = machine.devices[0]
    assert device.fp16_tflops is not None
    assert device.vector_tflops is not None
    faster = replace(
        device, fp16_tflops=device.fp16_tflops * factor, vector_tflops=device.vector_tflops * factor
    )
    slow = prompt_interval(LLAMA_8B, machine, Setting("Q4_K_M"), 2048)
    fast = prompt_interval(LLAMA_8B, replace(machine, devices=(faster,)), Setting("Q4_K_M"), 2048)
    assert slow is not None
    assert fast is not None
    assert fast.mid <= slow.mid


def test_tensor_and_vector_rates_are_told_apart() -> None:
    """The catalog has an L40S with its tensor rate; an RTX 6000 Ada, the same chip, with its vector rate."""
    one, other = _seconds(LLAMA_8B, "L40S", 2048).mid, _seconds(LLAMA_8B, "RTX 6000 Ada", 2048).mid
    assert one == pytest.approx(other, rel=0.1)
    tensor, vector = _seconds(LLAMA_8B, "H100 SXM", 2048).mid, _seconds(LLAMA_8B, "H100 NVL", 2048).mid
    assert tensor == pytest.approx(vector, rel=0.2)


def test_micro_batches_pass_through_several_cards_at_once() -> None:
    one, four = _seconds(LLAMA_8B, "RTX 3090", 8192).mid, _seconds(LLAMA_8B, "4x RTX 3090", 8192).mid
    assert one / 4 < four < one
    # A single micro-batch has nothing to overlap with, and a token more does not change that.
    assert _seconds(LLAMA_8B, "4x RTX 3090", 513).mid > _seconds(LLAMA_8B, "4x RTX 3090", 512).mid
    assert _seconds(LLAMA_8B, "4x RTX 3090", 256).mid >= _seconds(LLAMA_8B, "RTX 3090", 256).mid


@given(st.floats(0.05, 0.99))
def test_weights_in_system_memory_are_copied_and_widen_the_interval(share: float) -> None:
    machine = _machine("RTX 3090 + 64GB RAM")
    whole = prompt_interval(LLAMA_8B, machine, Setting("Q4_K_M"), 2048)
    part = prompt_interval(LLAMA_8B, machine, Setting("Q4_K_M", gpu_share=share), 2048)
    assert whole is not None
    assert part is not None
    assert part.mid > whole.mid
    assert part.high / part.low > whole.high / whole.low


def test_unknown_prompt_speed_is_none_and_said() -> None:
    """No measurement of a prompt on a P100 was found; a card without a compute rate has none either."""
    for machine in (_machine("Tesla P100"), Machine("box", (Device("card", "cuda", 24 << 30, 900.0),))):
        found = timings(LLAMA_8B, machine, Setting("Q4_K_M"))
        assert found is not None
        assert found.prompt is None
        assert found.first_token is None
        assert "not known" in found.basis
        assert found.as_json()["prompt_tokens_per_second"] is None


def test_processors_say_what_is_assumed() -> None:
    found = timings(LLAMA_8B, _machine("16-core server, 64 GB RAM, no GPU"), Setting("Q4_K_M"))
    assert found is not None
    assert "16 cores at an assumed 25 to 130 GFLOPS each" in found.basis
    assert found.prompt is not None
    assert found.prompt.high / found.prompt.low == pytest.approx(130 / 25)


def test_rate_and_time_belong_together() -> None:
    found = timings(LLAMA_8B, _machine("RTX 3090"), Setting("Q4_K_M"), prompt_tokens=3000)
    assert found is not None
    assert found.prompt is not None
    assert found.first_token is not None
    assert found.prompt_tokens == 3000
    assert found.prompt.mid * found.first_token.mid == pytest.approx(3000)
    assert found.prompt.low * found.first_token.high == pytest.approx(3000)
    assert 2000 < found.prompt.mid < 10_000
    usual = timings(LLAMA_8B, _machine("RTX 3090"), Setting("Q4_K_M", context=8192))
    assert usual is not None
    assert usual.prompt_tokens == 4096
    assert "half of the context" in usual.basis


@given(
    st.sampled_from(MODELS),
    st.sampled_from(MACHINES),
    st.sampled_from(["llama.cpp", "vllm"]),
    st.integers(256, 32_768),
)
def test_no_user_gains_and_no_crowd_loses(model: ModelRecord, text: str, engine: str, context: int) -> None:
    curve = throughput(model, _machine(text), Setting("Q4_K_M", engine, context))
    assert [point.users for point in curve] == list(USERS)
    for before, after in pairwise(curve):
        for end in ("low", "mid", "high"):
            assert getattr(after.per_user, end) <= getattr(before.per_user, end)
            assert getattr(after.together, end) >= getattr(before.together, end) * (1 - 1e-9)
    for point in curve:
        assert point.per_user.low <= point.per_user.mid <= point.per_user.high
        assert point.together.mid == pytest.approx(point.users * point.per_user.mid)


def test_thinking_comes_before_the_answer() -> None:
    machine = _machine("RTX 4090")
    found = timings(QWEN_MOE, machine, Setting("Q4_K_M"), task="reasoning")
    assert found is not None
    thinking, first = found.thinking, found.first_token
    assert thinking is not None
    assert first is not None
    assert thinking.switchable
    assert thinking.answer_starts is not None
    assert thinking.answer_starts.mid == pytest.approx(first.mid + thinking.seconds.mid)
    speed = throughput(QWEN_MOE, machine, Setting("Q4_K_M"))[0].per_user
    assert thinking.seconds.mid == pytest.approx(thinking.tokens.mid / speed.mid)
    assert thinking.seconds.low == pytest.approx(thinking.tokens.low / speed.high)
    assert timings(LLAMA_8B, machine, Setting("Q4_K_M")).thinking is None  # type: ignore[union-attr]


def test_the_answer_of_fit_carries_the_times() -> None:
    answer = fit_model(GPT_OSS, _machine("RTX 4090"), FitWish(prompt_tokens=1000)).as_json()
    speed = answer["speed"]
    assert speed["prompt_tokens"] == 1000
    for key in ("tokens_per_second", "prompt_tokens_per_second", "time_to_first_token_seconds"):
        assert 0 < speed[key]["low"] <= speed[key]["mid"] <= speed[key]["high"]
    assert speed["thinking"]["switchable"] is False
    assert [point["users"] for point in speed["throughput"]] == list(USERS)
    assert speed["throughput"][0]["fits"] is True
    assert speed["timings_evidence"][0]["kind"] == "measurement"
    held = [point["fits"] for point in speed["throughput"]]
    assert held == sorted(held, reverse=True)


def test_figures_without_times_keep_the_contract() -> None:
    assert set(SpeedFigure(1.0, 2.0, 3.0, "x").as_json()) == {"tokens_per_second", "basis"}


def test_machines_of_unknown_bandwidth_have_no_times() -> None:
    card = Machine("box", (Device("card", "cuda", 24 << 30, None),))
    assert timings(LLAMA_8B, card, Setting("Q4_K_M")) is None
    assert prompt_interval(LLAMA_8B, card, Setting("Q4_K_M"), 100) is None
    unknown = LLAMA_8B.model_copy(update={"id": "x/y", "params_total": None, "architecture": None})
    assert prompt_interval(unknown, _machine("RTX 3090"), Setting("Q4_K_M"), 100) is None
