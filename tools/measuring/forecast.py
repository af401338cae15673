"""How long a measurement will take, before it is offered."""

from __future__ import annotations

from knowledge.catalog.records import ModelRecord
from tools.hardware_types import Machine
from tools.measuring.plan import Plan
from tools.speed import estimate_speed
from tools.timings import Setting, prompt_interval

OFFERED = Plan(lengths=(1024,), concurrency=(1,), output_tokens=64, seconds=120)
"""What decides between two candidates: one length, one request at a time, at most two minutes."""


def forecast(plan: Plan, model: ModelRecord, machine: Machine, setting: Setting) -> float | None:
    """Seconds that measuring will about take after the model is loaded, at the estimated speed.

    Args:
        plan: what is measured.
        model: what runs.
        machine: where it runs.
        setting: how it runs.

    Returns:
        At most the plan's budget; None where no speed is estimated.
    """
    speed = estimate_speed(
        model,
        setting.quant,
        machine,
        engine=setting.engine,
        context=setting.context,
        gpu_share=setting.gpu_share,
        kv_cache_type=setting.kv_cache_type,
    )
    if speed is None or not speed.mid:
        return None
    length = max(plan.fitting(setting.context))
    seconds = prompt_interval(model, machine, setting, length)
    prompt_tps = None if seconds is None or not seconds.mid else length / seconds.mid
    return plan.expected_seconds(speed.mid, prompt_tps, setting.context)
