"""Small GPTs trained from scratch: the configuration that the data calls for and the hardware holds."""

from __future__ import annotations

import math
from dataclasses import replace

from tools.brief import Brief
from tools.budget import GIB
from tools.candidates import Candidate, Configuration, LicenseFigure, QualityFigure, Rejected
from tools.citing import guide
from tools.hardware import describe
from tools.hardware_types import Machine
from tools.memory.pretrain import GUIDE, PretrainConfig, estimate_pretraining, pretrain_configs
from tools.memory.types import DeviceMemory, Evidence, MemoryEstimate, TrainingEstimate
from tools.roles.common import Ranked
from tools.training_plan import TrainingPlan

BY_CORPUS = "Which model size for which dataset size (text corpus in MB or GB)"
"""The guide's section that `_wanted` follows."""
BYTES_PER_TOKEN = 4.0
"""English text under a GPT-2 tokenizer; the usual rule of four characters a token."""
MOST_HALVINGS = 1
BATCH_POINTS = 6.0
"""Points off for each halving of the batch: the same training takes longer."""


def _by_data() -> tuple[Evidence, ...]:
    """How the size is weighed, and the guide's table of sizes by corpus that it follows."""
    return (
        Evidence("tool", "size for the data", "a power law through the guide's sizes by corpus"),
        guide(GUIDE, BY_CORPUS, "minimum and recommended model by the size of the training text"),
    )


def tokens_of(brief: Brief) -> int | None:
    """Tokens of the dataset, or None where nothing was said of its size."""
    if brief.dataset.tokens is not None:
        return brief.dataset.tokens
    return None if brief.dataset.bytes is None else int(brief.dataset.bytes / BYTES_PER_TOKEN)


def _memory(config: PretrainConfig, estimate: TrainingEstimate, device: str) -> MemoryEstimate:
    """A training estimate in the shape of a candidate's memory (for this role: what training takes)."""
    states = estimate.weights_bytes + estimate.gradient_bytes + estimate.optimizer_bytes
    compute = estimate.activation_bytes + estimate.logits_bytes
    row = DeviceMemory(device, states, 0, compute, estimate.overhead_bytes)
    return MemoryEstimate(
        weights_bytes=states,
        kv_cache_bytes=0,
        compute_bytes=compute,
        overhead_bytes=estimate.overhead_bytes,
        host_bytes=0,
        file_bytes=config.params * 4,
        low_bytes=estimate.low_bytes,
        high_bytes=estimate.high_bytes,
        per_device=(row,),
        exact=False,
        formula=estimate.formula,
        basis=estimate.basis,
    )


def _wanted(brief: Brief) -> float:
    """Parameters that the data calls for.

    The guide's table by size of the corpus, as a power law between its smallest and its recommended model:
    for 5 MB between 11M and 40M, for 5 GB between 350M and 750M. One pass over the data supports far less
    (20 tokens a parameter, Hoffmann et al. 2022), but a small corpus is read often. Where nothing was said
    of the data, the guide's choice when in doubt, or what the stated priority makes of it.
    """
    tokens = tokens_of(brief)
    if tokens is not None:
        return 1.65e7 * math.sqrt(max(tokens, 1) * BYTES_PER_TOKEN / 5e6)
    return {"quality": math.inf, "balanced": 1.5e8}.get(brief.priority, 4e7)


def _worth(config: PretrainConfig, brief: Brief, context: int, halvings: int) -> float:
    """0 to 100: how well a configuration suits the data, the texts, the priority and the hardware."""
    wanted = min(_wanted(brief), max(c.params for c in pretrain_configs()))
    value = 90.0 - 25.0 * abs(math.log10(config.params / wanted)) - BATCH_POINTS * halvings
    if config.block_size < min(context, 1024):
        value -= 12.0 * math.log2(min(context, 1024) / config.block_size)
    taste = {"quality": 6.0, "balanced": 0.0, "speed": -6.0, "cost": -6.0, "small": -9.0}[brief.priority]
    return max(0.0, value + taste * math.log10(config.params / 1e8))


def _fitted(config: PretrainConfig, room: int) -> tuple[PretrainConfig, TrainingEstimate]:
    """The configuration with the largest batch that fits, halved at most `MOST_HALVINGS` times."""
    estimate = estimate_pretraining(config)
    for _ in range(MOST_HALVINGS):
        if estimate.total_bytes <= room:
            break
        config = replace(config, batch_size=config.batch_size // 2)
        estimate = estimate_pretraining(config)
    return config, estimate


def rank(brief: Brief) -> Ranked:
    """Every configuration that fits the training hardware, best first."""
    machine = brief.training_machine or brief.machine
    if machine is None:
        return Ranked()
    room = max((d.memory_bytes - d.reserve_bytes for d in machine.devices), default=machine.ram_bytes or 0)
    context = 256 if brief.context > 4096 and not brief.training.sequence_length else brief.context
    out = Ranked()
    for usual in pretrain_configs():
        config, estimate = _fitted(usual, room)
        if estimate.total_bytes > room:
            reason = (
                f"training takes {estimate.total_bytes / GIB:.1f} GiB even with a batch of "
                f"{config.batch_size}, {room / GIB:.1f} GiB are there"
            )
            out.rejected.append(Rejected(config.name, None, reason, "memory"))
            continue
        steps = usual.batch_size // config.batch_size
        worth = _worth(config, brief, context, steps.bit_length() - 1)
        out.candidates.append(_candidate(config, estimate, machine, room, worth, steps))
    out.candidates.sort(key=lambda c: -c.utility)
    return out


def _candidate(
    config: PretrainConfig, estimate: TrainingEstimate, machine: Machine, room: int, worth: float, steps: int
) -> Candidate:
    """A configuration that fits, as an option; `steps` batches make up the usual one."""
    name = describe(machine)
    size = f"about {config.params / 1e6:.0f}M parameters, {config.block_size} tokens"
    configuration = Configuration(
        quant="F32",
        engine="pytorch",
        context=config.block_size,
        parallel=1,
        kv_cache_type="f16",
        memory=_memory(config, estimate, name),
        available_bytes=room,
        fits=True,
        caveats=estimate.caveats,
    )
    smaller = f"A batch of {config.batch_size} instead of {config.batch_size * steps}, so that it fits: "
    return Candidate(
        model=f"{config.name} ({size})",
        model_id=None,
        kind="local",
        role="pretrain-config",
        params_total_b=round(config.params / 1e9, 4),
        params_active_b=None,
        features=(),
        context_length=config.block_size,
        release_date=None,
        hardware=name,
        owned=not machine.rented,
        configuration=configuration,
        quality=QualityFigure(worth, 10.0, False, _by_data(), "against the guide's sizes for such a dataset"),
        license=LicenseFigure("own", "yes", "you own what you train; mind the rights to your data"),
        utility=worth,
        training=TrainingPlan("scratch", config.block_size, estimate, name, room, True),
        caveats=(f"{smaller}accumulate gradients over {steps} steps.",) if steps > 1 else (),
        extra={"family": config.name, "config": config.as_json()},
    )


def choose(brief: Brief, count: int = 3) -> Ranked:
    """The best few configurations."""
    ranked = rank(brief)
    return Ranked(ranked.candidates[:count], ranked.rejected)
