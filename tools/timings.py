"""Times that a configuration is shown with: prompt, first token, thinking, several conversations.

`solve` prices thousands of configurations by generation speed alone; these times are computed for those that
a person sees.
"""

from __future__ import annotations

from dataclasses import dataclass

from knowledge.catalog.records import ModelRecord
from tools.hardware_types import Machine
from tools.speed import rates_of, shares_of
from tools.speed_constants import FULL_PRECISION, Constants, EngineSpeed, load_constants, quant_factor
from tools.speed_prompt import Prompt, host_prompt_seconds, prompt_seconds
from tools.speed_reads import Reads, reads_of
from tools.speed_types import Interval, Rate
from tools.speed_work import Work, work_of

_PLAIN = EngineSpeed()


@dataclass(frozen=True, slots=True)
class Setting:
    """How a model is run, as far as its speed depends on it."""

    quant: str
    engine: str = "llama.cpp"
    context: int = 8192
    """Tokens of one conversation."""
    parallel: int = 1
    kv_cache_type: str = "f16"
    gpu_share: float = 1.0
    """Share of the weights on the accelerators, by bytes."""
    micro_batch: int | None = None
    """Tokens computed at once; the engine's default where None."""


def prompt_interval(
    model: ModelRecord,
    machine: Machine,
    setting: Setting,
    tokens: int,
    depth: int = 0,
    constants: Constants | None = None,
) -> Interval | None:
    """Seconds of reading a prompt.

    Args:
        model: What runs.
        machine: Where it runs; without accelerators the processor computes.
        setting: How it runs.
        tokens: Length of the prompt.
        depth: Tokens in the cache before it.
        constants: Other constants than the fitted ones (for fitting).

    Returns:
        Low, mid and high, or None where nothing is known of the device's rate or of the model.
    """
    constants = constants or load_constants()
    work, reads = work_of(model), reads_of(model, setting.quant, setting.kv_cache_type)
    if work is None or reads is None or tokens < 1:
        return None
    if not machine.devices:
        return _on_processor(work, reads, machine, constants, tokens, depth)
    rates = rates_of(machine, constants)
    if rates is None:
        return None
    rules = constants.engines.get(setting.engine) or _PLAIN
    prompt = Prompt(
        tokens,
        depth,
        setting.micro_batch or constants.micro_batch,
        quant_factor(setting.quant, constants.quant_factors),
        setting.quant.upper() in FULL_PRECISION,
        setting.gpu_share,
        rules.tensor_parallel and len(rates) > 1,
        rules.batch_efficiency,
    )
    mid = prompt_seconds(work, reads, rates, shares_of(machine.devices), constants, prompt)
    if mid is None:
        return None
    spread = _spread(rates, reads, constants) * rules.spread
    if setting.gpu_share < 1.0:
        spread *= constants.pcie_spread
    return Interval.around(mid, spread)


def _spread(rates: tuple[Rate, ...], reads: Reads, constants: Constants) -> float:
    widest = max(rate.prompt_spread for rate in rates)
    return widest if reads.exact else widest * constants.estimate_spread


def _on_processor(
    work: Work, reads: Reads, machine: Machine, constants: Constants, tokens: int, depth: int
) -> Interval:
    host = constants.host_compute
    mid = host_prompt_seconds(work, machine.cpu_cores, host, tokens, depth)
    wider = 1.0 if reads.exact else constants.estimate_spread
    return Interval(mid * host.mid / host.high / wider, mid, mid * host.mid / host.low * wider)
