"""Expected time of reading a prompt.

A prompt is read in micro-batches. Each one computes, and reads all weights that it touches once:

    seconds = micro-batches x (operations / rate + attention / (rate x share) + weights / bandwidth + steps)

Operations are two for each active weight and token, and attention grows with the depth, up to a window.
Layers on several devices form a pipeline of micro-batches (llama.cpp pull request 6017). Weights in system
memory are copied to the accelerator for every micro-batch, as llama.cpp does for batches of 32 tokens and
more; without an accelerator the processor computes. Rates are fitted by class of device (`data/speed.json`).
"""

from __future__ import annotations

from dataclasses import dataclass

from tools.speed_constants import Constants, HostCompute
from tools.speed_reads import Reads
from tools.speed_types import Rate
from tools.speed_work import Work

_GIGA = 1e9


@dataclass(frozen=True, slots=True)
class Prompt:
    """What is read, and how."""

    tokens: int
    depth: int = 0
    """Tokens that are in the cache already."""
    micro_batch: int = 512
    weight_factor: float = 1.0
    """Bandwidth efficiency of the weight format."""
    full: bool = False
    """16-bit weights."""
    gpu_share: float = 1.0
    together: bool = False
    """Every matrix is split over the devices, instead of the layers."""
    floor: float = 0.0
    """Share of the FP16 rate that the engine's kernels reach at least."""


def prompt_seconds(
    work: Work,
    reads: Reads,
    rates: tuple[Rate, ...],
    shares: tuple[float, ...],
    constants: Constants,
    prompt: Prompt,
) -> float | None:
    """Seconds of reading a prompt on accelerators; None where the rate of one is not known.

    Args:
        work: Operations of a token.
        reads: Bytes of the weights.
        rates: The devices' rates.
        shares: The part of the layers on each device.
        constants: The fitted constants.
        prompt: What is read.
    """
    batch = min(prompt.micro_batch, prompt.tokens)
    batches = prompt.tokens / batch
    operations = work.batch(batch, reads.spread_of_batch(batch), constants.expert_fill)
    if reads.layers:
        operations *= 1.0 + constants.state_work * reads.state_layers / reads.layers
    operations += work.output / batches
    attention = batch * work.attention(prompt.depth + prompt.tokens / 2)
    weights = reads.dense + reads.experts_of_batch(batch)
    steps = reads.layers + constants.expert_step * reads.expert_layers
    wholes: list[float] = []
    for rate in rates:
        flops = rate.prompt_rate(prompt.full, prompt.floor)
        if flops is None:
            return None
        reading = weights * prompt.gpu_share / (rate.weights * prompt.weight_factor) + steps * rate.step
        wholes.append(reading + (operations + attention / rate.attention_share) / flops)
    copied = batches * weights * (1.0 - prompt.gpu_share) / (constants.pcie_gbs * _GIGA)
    if prompt.together:
        return batches * max(wholes) / len(wholes) * constants.split_cost + copied
    parts = [whole * share for whole, share in zip(wholes, shares, strict=True)]
    if len(parts) == 1:
        return batches * parts[0] + copied
    # The slowest device is busy with every micro-batch; the others fill and drain the pipe, once for as many
    # micro-batches as are under way together.
    drains = max(1.0, batches / constants.pipeline_depth)
    slowest = max(parts)
    return (batches * slowest + drains * (sum(parts) - slowest)) * constants.pipeline_cost + copied


def host_prompt_seconds(work: Work, cores: int | None, host: HostCompute, tokens: int, depth: int) -> float:
    """Seconds of reading a prompt on the processor alone, at the assumed middle rate of its cores."""
    operations = tokens * (work.dense + work.experts + work.attention(depth + tokens / 2)) + work.output
    return operations / ((cores or host.cores) * host.mid * _GIGA)
