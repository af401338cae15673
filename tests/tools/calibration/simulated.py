"""Simulated machines: what they would measure, with true speeds that are a multiple of the estimates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from knowledge.measured_here import MeasuredRun, Point, Range
from tests.tools.asking import machine as named
from tests.tools.asking import model
from tools.hardware_types import Machine
from tools.measuring.machine import machine_key
from tools.speed import estimate_speed
from tools.timings import Setting, prompt_interval

LLAMA = "meta-llama/Llama-3.1-8B-Instruct"
QWEN = "Qwen/Qwen3-8B"
DAY = "2026-11-20T10:00:00+00:00"
LENGTHS = (512, 2048, 8192)
WRITTEN = 128


def detected(text: str = "RTX 3060 12GB, 64 GB RAM") -> Machine:
    """A machine as it would be detected."""
    return replace(named(text), detected=True, assumptions=())


def around(mid: float, share: float = 0.02) -> Range:
    """The interval of repeats that lie close together."""
    return Range(low=mid * (1 - share), mid=mid, high=mid * (1 + share))


def estimate(
    machine: Machine,
    name: str,
    quant: str = "Q4_K_M",
    engine: str = "ollama",
    context: int = 8192,
    gpu_share: float = 1.0,
    parallel: int = 1,
    kv_cache_type: str = "f16",
) -> float:
    """Expected tokens per second."""
    found = estimate_speed(
        model(name),
        quant,
        machine,
        engine=engine,
        context=context,
        gpu_share=gpu_share,
        parallel=parallel,
        kv_cache_type=kv_cache_type,
    )
    assert found is not None
    assert found.low <= found.mid <= found.high
    return found.mid


def run(
    machine: Machine,
    name: str = LLAMA,
    factor: float = 2.0,
    *,
    quant: str = "Q4_K_M",
    engine: str = "ollama",
    day: str = DAY,
    lengths: Sequence[int] = LENGTHS,
    parallel: Sequence[int] = (1,),
    gpu_share: float = 1.0,
    prompt_factor: float = 1.0,
) -> MeasuredRun:
    """What `bench` would keep where everything is `factor` times as fast as estimated."""
    bare = replace(machine, calibration=None)
    points = []
    for at_once in parallel:
        for length in lengths:
            context = 2 * (length + WRITTEN // 2)
            rate = factor * estimate(bare, name, quant, engine, context, gpu_share, at_once)
            setting = Setting(quant, engine, gpu_share=gpu_share)
            seconds = prompt_interval(model(name), bare, setting, length)
            prompt = around(prompt_factor * length / seconds.mid) if seconds is not None else None
            points.append(
                Point(
                    prompt_tokens=length,
                    output_tokens=WRITTEN,
                    parallel=at_once,
                    samples=5,
                    first_token_s=around(0.5),
                    prompt_tps=prompt,
                    generation_tps=around(rate),
                    total_tps=around(0.9 * at_once * rate),
                )
            )
    return MeasuredRun(
        measured_at=datetime.fromisoformat(day),
        machine=machine_key(machine),
        engine=engine,
        server="localhost:11434",
        served_as=name,
        model_id=name,
        quant=quant,
        points=tuple(points),
        memory_bytes=int(1e9 * gpu_share),
        host_memory_bytes=int(1e9 * (1 - gpu_share)),
    )
