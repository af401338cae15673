"""Expected speed of generating tokens.

One token costs the time to start the kernels of all layers, and the time to read the active weights and the
cache from memory:

    seconds = layers x step + (weights + state) / (bandwidth x efficiency) + cache / (bandwidth x cache share)

Devices that hold parts of the layers work one after the other; engines that split every matrix over the
devices read from all of them at once. What lies in system memory is read at its bandwidth. Efficiencies and
steps are fitted by class of device on published measurements, not by card (`data/speed.json`, written by
`scripts/fit_speed.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from knowledge.catalog.records import ModelRecord
from tools.calibration.applying import At, applies, corrected, placement_of
from tools.calibration.types import Calibration, Subject
from tools.calibration.words import basis_of, evidence_of
from tools.hardware_types import Device, Machine
from tools.memory.types import Evidence
from tools.speed_constants import (
    FULL_PRECISION,
    Constants,
    DeviceClass,
    EngineSpeed,
    class_of,
    load_constants,
    quant_factor,
)
from tools.speed_reads import Reads, reads_of
from tools.speed_types import Interval, Rate, Speed
from tools.speed_work import work_of

_GIGA, _TERA = 1e9, 1e12


def rate_of(device: Device, constants: Constants) -> Rate | None:
    """A device's rates; None where its bandwidth is not known."""
    if device.bandwidth_gbs is None:
        return None
    item = class_of(device, constants.classes)
    reached = item.efficiency * max(device.bandwidth_gbs / 1000, 1e-3) ** -item.bandwidth_power
    bandwidth = device.bandwidth_gbs * _GIGA
    return Rate(
        bandwidth,
        bandwidth * reached,
        bandwidth * item.cache_efficiency,
        item.step_us * 1e-6,
        item.spread,
        _prompt_flops(device, item, constants),
        None if device.fp16_tflops is None else device.fp16_tflops * _TERA,
        item.full_factor,
        item.attention_share,
        item.prompt_spread,
        item.batch_factor,
        item.name,
    )


def _prompt_flops(device: Device, item: DeviceClass, constants: Constants) -> float | None:
    """Operations per second that prompts reach: a share of the FP16 rate, or so many for each byte read.

    The catalog's FP16 rates are of two kinds, tensor and vector; where they are the same, it is the vector
    rate. `DeviceClass.compute` says which one the class was fitted on.
    """
    if item.prompt_per_byte is not None and device.bandwidth_gbs is not None:
        return item.prompt_per_byte * device.bandwidth_gbs * _GIGA
    if item.prompt_efficiency is None or device.fp16_tflops is None:
        return None
    tensor, vector = device.fp16_tflops, device.vector_tflops
    if vector is None:
        vector = tensor / constants.tensor_ratio
    elif tensor == vector:
        tensor = vector * constants.tensor_ratio
    return (tensor if item.compute == "tensor" else vector) * _TERA * item.prompt_efficiency


_PLAIN = EngineSpeed()
"""llama.cpp, on which everything was fitted."""


@cache
def _rate(device: Device) -> Rate | None:
    return rate_of(device, load_constants())


@cache
def _host_device(bandwidth_gbs: float) -> Device:
    return Device("system memory", "cpu", 0, bandwidth_gbs)


@cache
def _quant_factor(quant: str) -> float:
    return quant_factor(quant, load_constants().quant_factors)


def _host_share(reads: Reads, gpu_share: float) -> tuple[float, float]:
    """Shares of dense weights (with cache) and of experts in system memory; experts go there first."""
    if gpu_share >= 1.0:
        return 0.0, 0.0
    total = reads.dense + reads.experts_held
    outside = (1.0 - gpu_share) * total
    if not reads.experts_held:
        return 1.0 - gpu_share, 0.0
    experts = min(1.0, outside / reads.experts_held)
    return max(0.0, outside - reads.experts_held) / max(1, reads.dense), experts


@dataclass(slots=True)
class Load:
    """What is asked of the devices in one step, in which each of `parallel` conversations gets a token."""

    factor: float = 1.0
    """Efficiency of the weight format."""
    depth: int = 0
    """Tokens in each conversation's cache."""
    gpu_share: float = 1.0
    parallel: int = 1
    together: bool = False
    """Every matrix is split over the devices, instead of the layers."""
    floor: float = 0.0
    """Share of the bandwidth that the engine's kernels reach at least."""
    step_factor: float = 1.0
    more_operations: float = 0.0
    """Of all conversations but the first."""
    full: bool = False
    """16-bit weights."""
    compute_floor: float = 0.0
    """Share of the FP16 rate that the engine's kernels reach at least."""


def token_seconds(
    reads: Reads,
    rates: tuple[Rate, ...],
    shares: tuple[float, ...],
    host: Rate | None,
    constants: Constants,
    load: Load,
) -> float | None:
    """Seconds of one step; None where a part lies in system memory of unknown bandwidth.

    Args:
        reads: What a token reads.
        rates: The devices' rates.
        shares: The part of the layers on each device.
        host: System memory's rate.
        constants: The fitted constants.
        load: What is asked.
    """
    dense_out, experts_out = _host_share(reads, load.gpu_share) if rates else (1.0, 1.0)
    parallel, experts = load.parallel, reads.experts_of_batch(load.parallel)
    steps = reads.layers + constants.expert_step * reads.expert_layers
    steps = (steps + constants.state_step * reads.state_layers) * load.step_factor
    cached = reads.cache(load.depth) * parallel
    seconds = 0.0
    if rates:
        kept = 1.0 - dense_out
        shared = reads.dense * kept
        weights = shared + experts * (1.0 - experts_out) + reads.state * parallel
        # A batch never reads more than its conversations would one after the other.
        alone = shared + reads.experts * (1.0 - experts_out) + reads.state
        read = (weights, alone)
        seconds = _on_devices(rates, shares, constants, load, read, cached * kept, steps * kept)
        if len(rates) > 1:
            hops = reads.layers / 32 if load.together else len(rates) - 1
            seconds += constants.device_step_us * 1e-6 * hops
    if dense_out or experts_out:
        if host is None:
            return None
        alone = reads.dense * dense_out + reads.experts * experts_out
        outside = reads.dense * dense_out + experts * experts_out
        outside = min(outside * (1.0 + constants.batch_cost * (parallel - 1)), alone * parallel)
        seconds += outside / (host.weights * load.factor) + cached * dense_out / host.cache
        seconds += steps * dense_out * host.step
        if rates:
            moves = reads.expert_layers if not dense_out else 1
            seconds += constants.host_step_us * 1e-6 * moves
    return seconds


def _on_devices(
    rates: tuple[Rate, ...],
    shares: tuple[float, ...],
    constants: Constants,
    load: Load,
    read: tuple[float, float],
    cached: float,
    steps: float,
) -> float:
    """Seconds that the accelerators take: one after the other, or together.

    `read` holds the bytes of weights that the batch reads, and those of one conversation alone. Each further
    conversation computes: the work of a token at the rate that prompts reach.
    """
    seconds, parallel = 0.0, load.parallel
    count = len(rates) if load.together else 1
    for rate, share in zip(rates, shares, strict=True):
        part = share / count
        speed = max(rate.weights * load.factor, rate.bandwidth * load.floor)
        reading = read[0] * part / speed
        if parallel > 1:
            flops = rate.prompt_rate(load.full, load.compute_floor)
            if flops is not None:
                reading += load.more_operations * part * rate.batch_factor / flops
            else:
                reading *= 1.0 + constants.batch_cost * (parallel - 1)
            reading = min(reading, parallel * read[1] * part / speed)
        seconds += steps * share * rate.step + reading + cached * part / rate.cache
    return seconds


@cache
def fitted_on() -> Evidence:
    """The measurements behind the constants, and the day of the fit."""
    constants = load_constants()
    return Evidence("measurement", constants.source, f"speed.json, fitted {constants.fitted_on}")


def estimate_speed(
    model: ModelRecord,
    quant: str,
    machine: Machine,
    *,
    engine: str = "llama.cpp",
    context: int = 8192,
    gpu_share: float = 1.0,
    parallel: int = 1,
    kv_cache_type: str = "f16",
) -> Speed | None:
    """Expected speed of one conversation whose context is half full.

    Args:
        model: What runs, in the weight format `quant`.
        machine: Where it runs; without accelerators everything is read from system memory.
        engine: llama.cpp unless `data/speed.json` knows better of another.
        context: Tokens of one conversation.
        gpu_share: Share of the weights on the accelerators, by bytes.
        parallel: Conversations at once.
        kv_cache_type: Type of keys and values.

    Returns:
        Tokens per second, or None where a bandwidth or the model's size is not known.
    """
    constants = load_constants()
    reads = reads_of(model, quant, kv_cache_type)
    rates = rates_of(machine)
    if reads is None or rates is None:
        return None
    host = host_rate(machine) if not rates or gpu_share < 1.0 else None
    rules = constants.engines.get(engine) or _PLAIN
    load = _load(quant, rules, together=rules.tensor_parallel and len(rates) > 1)
    load.depth, load.gpu_share = context // 2, gpu_share
    if parallel > 1:
        load.parallel = parallel
        load.more_operations = _more_operations(model, reads, parallel, constants)
    seconds = token_seconds(reads, rates, shares_of(machine.devices), host, constants, load)
    if not seconds:
        return None
    spread = _spread(reads, rates, host, constants) * rules.spread
    spread *= constants.batch_spread if parallel > 1 else 1.0
    basis, mid = _basis(machine, reads, gpu_share, together=load.together), 1 / seconds
    plain = Speed(mid / spread, mid, mid * spread, basis, (fitted_on(),), parallel * mid)
    calibration = applies(machine) if machine.calibration is not None else None
    if calibration is None:
        return plain
    where = placement_of(machine, gpu_share)
    subject = Subject(model.id, quant, kv_cache_type, engine, where, bool(reads.experts_held), parallel)
    return _corrected(plain, calibration, subject, At(load.depth, 1 / mid), spread)


def _corrected(plain: Speed, calibration: Calibration, subject: Subject, at: At, spread: float) -> Speed:
    """The estimate after what was measured on the machine; unchanged where nothing speaks for it."""
    found = corrected(calibration, subject, "generation", at, spread)
    if found is None:
        return plain
    mid = plain.mid * found.factor
    return Speed(
        mid / found.spread,
        mid,
        mid * found.spread,
        f"{basis_of(found.here, plain.mid)}; {plain.basis}",
        (evidence_of(found.here), *plain.evidence),
        subject.parallel * mid,
        Interval(plain.low, plain.mid, plain.high),
        found.here,
    )


def _load(quant: str, rules: EngineSpeed, *, together: bool) -> Load:
    """What the weight format and the engine decide."""
    return Load(
        factor=_quant_factor(quant),
        together=together,
        floor=rules.efficiency_floor,
        step_factor=rules.step_factor,
        full=quant.upper() in FULL_PRECISION,
        compute_floor=rules.batch_efficiency,
    )


def rates_of(machine: Machine, constants: Constants | None = None) -> tuple[Rate, ...] | None:
    """The rates of a machine's accelerators; None where a bandwidth is not known."""
    found = [rate_of(device, constants) if constants else _rate(device) for device in machine.devices]
    rates = tuple([rate for rate in found if rate is not None])
    return rates if len(rates) == len(found) else None


def _more_operations(model: ModelRecord, reads: Reads, parallel: int, constants: Constants) -> float:
    """Operations of the conversations of a batch beside the first one."""
    work = work_of(model)
    if work is None:
        return 0.0
    layers = work.batch(parallel - 1, reads.spread_of_batch(parallel) - 1, constants.expert_fill)
    return layers + (parallel - 1) * work.output


def host_rate(machine: Machine) -> Rate | None:
    """The rates of a machine's system memory; None where its bandwidth is not known."""
    bandwidth = machine.ram_bandwidth_gbs
    return None if bandwidth is None else _rate(_host_device(bandwidth))


def _spread(reads: Reads, rates: tuple[Rate, ...], host: Rate | None, constants: Constants) -> float:
    """Factor between the expected speed and either end of its interval."""
    spread = max([rate.spread for rate in rates or (host,) if rate is not None])
    if host is not None and rates:
        spread *= constants.offload_spread
    return spread if reads.exact else spread * constants.estimate_spread


def _basis(machine: Machine, reads: Reads, gpu_share: float, *, together: bool) -> str:
    """What the figure rests on, in one line."""
    size = f"{reads.weights / _GIGA:.2f} GB of weights a token"
    if not machine.devices:
        return f"{size} at {machine.ram_bandwidth_gbs:.0f} GB/s of system memory; fitted by device class"
    device = machine.devices[0]
    where = f"{device.bandwidth_gbs:.0f} GB/s"
    if len(machine.devices) > 1:
        where += f" on each of {len(machine.devices)} devices, " + ("together" if together else "in turn")
    if gpu_share < 1.0:
        where += f", {1 - gpu_share:.0%} of them at {machine.ram_bandwidth_gbs:.0f} GB/s of system memory"
    return f"{size} at {where}; fitted by device class on published measurements"


def shares_of(devices: tuple[Device, ...]) -> tuple[float, ...]:
    """Layers go to the devices by their memory, as llama.cpp splits them."""
    if len(devices) < 2:
        return (1.0,) * len(devices)
    total = sum(device.memory_bytes for device in devices) or 1
    return tuple([device.memory_bytes / total for device in devices])
