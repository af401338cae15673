"""Operations per second that training or encoding reaches on a machine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tools.hardware_types import Device, Machine
from tools.memory.types import Evidence
from tools.speed import rate_of
from tools.speed_constants import load_constants
from tools.speed_types import Interval

FITTED = "tools/data/speed.json"


@dataclass(frozen=True, slots=True)
class Compute:
    """What one device, or the processor, computes."""

    rate: Interval | None
    """Operations per second; None where nothing gives a rate."""
    peak_tflops: float | None
    """The catalog's FP16 rate, 10**12 operations per second."""
    basis: str
    evidence: Evidence


def widest(machine: Machine) -> Device:
    """The accelerator with the most usable memory, the last of equal ones: what is planned sits there."""
    return max(enumerate(machine.devices), key=lambda pair: (pair[1].usable_bytes, pair[0]))[1]


def compute_of(machine: Machine, share: Mapping[str, Any], *, on_processor: bool = False) -> Compute:
    """The rate of the widest accelerator, or of the processor.

    Args:
        machine: Where it runs.
        share: `low`, `mid` and `high` of the catalog's FP16 rate that is reached, and its `source`; and
            `of_prompts`, the least share of llama.cpp's prompt rate where there is no FP16 rate.
        on_processor: Leave the accelerators aside.
    """
    if on_processor or not machine.devices:
        return _processor(machine)
    device = widest(machine)
    if device.fp16_tflops is not None:
        rate = Interval(share["low"], share["mid"], share["high"]).times(device.fp16_tflops * 1e12)
        basis = (
            f"{device.fp16_tflops:g} TFLOPS FP16 of {device.name} at {share['low']:.0%} to "
            f"{share['high']:.0%} utilization"
        )
        return Compute(
            rate,
            device.fp16_tflops,
            basis,
            Evidence("measurement", share["source"], "tools/data/retrieval.json"),
        )
    return _fitted(device, float(share["of_prompts"]))


def _processor(machine: Machine) -> Compute:
    host = load_constants().host_compute
    cores, word = machine.cpu_cores or host.cores, "" if machine.cpu_cores else " assumed"
    rate = Interval(host.low, host.mid, host.high).times(cores * 1e9)
    basis = f"{cores}{word} cores at {host.low:g} to {host.high:g} GFLOPS each"
    return Compute(rate, None, basis, Evidence("measurement", "processor rates", FITTED))


def _fitted(device: Device, least: float) -> Compute:
    """What llama.cpp's prompts reach on the class, where the catalog has no FP16 rate (Apple).

    Not for CUDA: there, cards without that rate read prompts in integers, which training cannot.
    """
    found = rate_of(device, load_constants()) if device.kind != "cuda" else None
    flops = found.prompt_rate(True, 0.0) if found is not None else None
    evidence = Evidence("measurement", "prompt rates fitted by class of device", FITTED)
    if found is None or flops is None:
        return Compute(None, None, f"the catalog has no FP16 rate for {device.name}", evidence)
    rate = Interval(flops * least, flops * least**0.5, flops)
    basis = (
        f"{least:.0%} (this program's own assumption) to all of the {flops / 1e12:.3g} TFLOPS that prompts "
        f"reach in llama.cpp on {found.name}"
    )
    return Compute(rate, None, basis, evidence)
