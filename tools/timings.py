"""Times that a configuration is shown with: prompt, first token, thinking, several conversations.

`solve` prices thousands of configurations by generation speed alone; these times are computed for those that
a person sees.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from knowledge.catalog.records import ModelRecord
from tools.calibration.applying import At, applies, corrected, placement_of
from tools.calibration.types import Here, Subject
from tools.calibration.words import basis_of, caveats_of, evidence_of
from tools.candidates import Configuration
from tools.hardware_types import Machine
from tools.memory.estimate import device_bytes
from tools.speed import estimate_speed, fitted_on, rates_of, shares_of
from tools.speed_constants import FULL_PRECISION, Constants, EngineSpeed, load_constants, quant_factor
from tools.speed_prompt import Prompt, host_prompt_seconds, prompt_seconds
from tools.speed_reads import Reads, reads_of
from tools.speed_types import Interval, Rate, Speed, Thinking, Throughput, Timings
from tools.speed_work import Work, work_of
from tools.thinking import ThinkingTokens, thinking_tokens

USERS = (1, 2, 4, 8, 16, 32, 64)
"""Conversations at once that a throughput curve shows."""
MOST_USERS = 256
"""Conversations at once that are counted at the most."""
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
    """Tokens computed at once; llama.cpp's default where None."""


def prompt_interval(
    model: ModelRecord,
    machine: Machine,
    setting: Setting,
    tokens: int,
    depth: int = 0,
    constants: Constants | None = None,
) -> Interval | None:
    """Seconds of reading a prompt, by the fit alone: without what was measured on the machine.

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


def prompt_here(
    model: ModelRecord, machine: Machine, setting: Setting, tokens: int
) -> tuple[Interval | None, Here | None]:
    """Seconds of reading a prompt, corrected by what was measured on the machine, and by what it was."""
    plain = prompt_interval(model, machine, setting, tokens)
    reads = reads_of(model, setting.quant, setting.kv_cache_type)
    calibration = applies(machine)
    if plain is None or reads is None or calibration is None:
        return plain, None
    where = placement_of(machine, setting.gpu_share)
    subject = Subject(
        model.id, setting.quant, setting.kv_cache_type, setting.engine, where, bool(reads.experts_held)
    )
    found = corrected(calibration, subject, "prompt", At(tokens, plain.mid), (plain.high / plain.low) ** 0.5)
    if found is None:
        return plain, None
    return Interval.around(plain.mid / found.factor, found.spread), found.here


def _spread(rates: tuple[Rate, ...], reads: Reads, constants: Constants) -> float:
    widest = max([rate.prompt_spread for rate in rates])
    return widest if reads.exact else widest * constants.estimate_spread


def _on_processor(
    work: Work, reads: Reads, machine: Machine, constants: Constants, tokens: int, depth: int
) -> Interval:
    host = constants.host_compute
    mid = host_prompt_seconds(work, machine.cpu_cores, host, tokens, depth)
    wider = 1.0 if reads.exact else constants.estimate_spread
    return Interval(mid * host.mid / host.high / wider, mid, mid * host.mid / host.low * wider)


def timings(
    model: ModelRecord,
    machine: Machine,
    setting: Setting,
    *,
    task: str = "chat",
    prompt_tokens: int | None = None,
    holds: Callable[[int], bool] | None = None,
) -> Timings | None:
    """Times that a configuration is shown with.

    Args:
        model: What runs.
        machine: Where it runs.
        setting: How it runs.
        task: Decides how long a thinking model thinks.
        prompt_tokens: Length of the prompt; half of a conversation's context where None.
        holds: Whether the memory holds so many conversations; unknown where None.

    Returns:
        The times, or None where not even the generation speed is known.
    """
    curve = throughput(model, machine, setting, holds=holds)
    generation = _generation(model, machine, setting, setting.parallel)
    if not curve or generation is None:
        return None
    speed = Interval(generation.low, generation.mid, generation.high)
    tokens = prompt_tokens or max(1, setting.context // 2)
    seconds, here = prompt_here(model, machine, setting, tokens)
    thought = thinking_tokens(model, task)
    basis = _basis(machine, setting, tokens, seconds, given=prompt_tokens is not None)
    evidence = (fitted_on(), *((thought.evidence,) if thought is not None else ()))
    found = Timings(
        prompt_tokens=tokens,
        prompt=seconds.inverse(tokens) if seconds is not None else None,
        first_token=seconds,
        thinking=_thinking(thought, speed, seconds) if thought is not None else None,
        throughput=curve,
        basis=basis,
        evidence=evidence,
    )
    if generation.here is not None and generation.estimate is not None:
        words = f"generation: {basis_of(generation.here, generation.estimate.mid)}"
        found = _resting(found, words, generation.here)
    plain = prompt_interval(model, machine, setting, tokens) if here is not None else None
    if here is None or plain is None:
        return found
    rate = plain.inverse(tokens)
    found = _resting(found, f"prompt speed: {basis_of(here, rate.mid)}", here)
    return replace(found, prompt_estimate=rate, prompt_here=here)


def _resting(found: Timings, words: str, here: Here) -> Timings:
    """Times that rest on what was measured on the machine, too."""
    evidence = dict.fromkeys((evidence_of(here), *found.evidence))
    return replace(found, basis=f"{found.basis}; {words}", evidence=tuple(evidence))


def _generation(model: ModelRecord, machine: Machine, setting: Setting, parallel: int) -> Speed | None:
    return estimate_speed(
        model,
        setting.quant,
        machine,
        engine=setting.engine,
        context=setting.context,
        gpu_share=setting.gpu_share,
        parallel=parallel,
        kv_cache_type=setting.kv_cache_type,
    )


def _thinking(thought: ThinkingTokens, speed: Interval, first: Interval | None) -> Thinking:
    """Few tokens at the high speed to many at the low one; the answer starts after prompt and thinking."""
    tokens = thought.tokens
    seconds = Interval(tokens.low / speed.high, tokens.mid / speed.mid, tokens.high / speed.low)
    starts = seconds.plus(first) if first is not None else None
    return Thinking(tokens, seconds, starts, thought.switchable, thought.basis, thought.stand_in)


def throughput(
    model: ModelRecord,
    machine: Machine,
    setting: Setting,
    users: Sequence[int] = USERS,
    holds: Callable[[int], bool] | None = None,
) -> tuple[Throughput, ...]:
    """Speed with several conversations at once, generation alone; empty where the speed is not known.

    A further conversation never makes the others faster, nor all of them together slower: where widening the
    interval would say so, the end of the interval is held.

    Args:
        model: What runs.
        machine: Where it runs.
        setting: How it runs; its `parallel` does not count.
        users: Numbers of conversations, ascending.
        holds: Whether the memory holds so many conversations; unknown where None.
    """
    found: list[Throughput] = []
    for count in users:
        speed = _generation(model, machine, setting, count)
        if speed is None:
            return ()
        raw = Interval(speed.low, speed.mid, speed.high)
        each = _held(raw, found[-1], count) if found else raw
        found.append(Throughput(count, each, each.times(count), holds(count) if holds is not None else None))
    return tuple(found)


def _held(raw: Interval, before: Throughput, count: int) -> Interval:
    """Between what the fewer conversations got each, and what keeps their sum."""

    def held(value: float, last: float) -> float:
        return min(last, max(value, last * before.users / count))

    last = before.per_user
    return Interval(held(raw.low, last.low), held(raw.mid, last.mid), held(raw.high, last.high))


def _basis(machine: Machine, setting: Setting, tokens: int, seconds: Interval | None, *, given: bool) -> str:
    """What the times rest on, with what was assumed."""
    constants = load_constants()
    words = [f"a prompt of {tokens:,} tokens" + ("" if given else " (half of the context)")]
    if seconds is None:
        words.append("prompt speed not known: no measurement or no compute rate of this kind of device")
    elif not machine.devices:
        host = constants.host_compute
        cores = f"{machine.cpu_cores} cores" if machine.cpu_cores else f"{host.cores} cores assumed"
        words.append(f"{cores} at an assumed {host.low:g} to {host.high:g} GFLOPS each")
    else:
        words.append("fitted by device class on published measurements")
        if setting.gpu_share < 1.0:
            words.append(
                f"weights in system memory copied at an assumed {constants.pcie_gbs:g} GB/s for every "
                f"{setting.micro_batch or constants.micro_batch} tokens"
            )
    words.append("throughput counts generation alone: prompts of others take their time from it")
    return "; ".join(words)


def with_timings(
    model: ModelRecord,
    machine: Machine,
    configuration: Configuration,
    *,
    task: str = "chat",
    prompt_tokens: int | None = None,
) -> Configuration:
    """Adds the times to a configuration; it stays as it is where its speed is not known."""
    speed = configuration.speed
    if speed is None:
        return configuration
    setting = Setting(
        configuration.quant,
        configuration.engine,
        configuration.context,
        configuration.parallel,
        configuration.kv_cache_type,
        configuration.gpu_share,
    )

    holds = partial(_holds, model, machine, configuration)
    found = timings(model, machine, setting, task=task, prompt_tokens=prompt_tokens, holds=holds)
    heres = (speed.here, found.prompt_here if found is not None else None)
    told = dict.fromkeys(line for here in heres if here is not None for line in caveats_of(here))
    new = tuple(line for line in told if line not in configuration.caveats)
    return replace(configuration, speed=replace(speed, timings=found), caveats=(*configuration.caveats, *new))


def _holds(model: ModelRecord, machine: Machine, configuration: Configuration, users: int) -> bool:
    """Whether the memory holds so many conversations at once."""
    sizes = device_bytes(model, configuration.request(machine, users=users))
    room = configuration.device_room
    each = all(held <= there for held, there in zip(sizes.devices, room, strict=False))
    return each and sizes.total <= configuration.available_bytes


def most_at_once(model: ModelRecord, machine: Machine, configuration: Configuration) -> int:
    """How many conversations, each of the planned context, the memory holds at once; at least the planned."""
    low, high = configuration.parallel, MOST_USERS
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if _holds(model, machine, configuration, middle) else (low, middle - 1)
    return low
