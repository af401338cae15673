"""Small GPTs trained from scratch: the configuration that the data calls for and the hardware holds."""

from __future__ import annotations

import math

from tools.brief import Brief
from tools.budget import GIB
from tools.candidates import Candidate, Configuration, LicenseFigure, QualityFigure, Rejected, TrainingPlan
from tools.hardware import describe
from tools.memory.pretrain import PretrainConfig, estimate_pretraining, pretrain_configs
from tools.memory.types import DeviceMemory, Evidence, MemoryEstimate, TrainingEstimate
from tools.roles.common import Ranked

GUIDE = Evidence("guide", "Pretraining a small GPT", "pretrain-small-gpt.md")
BYTES_PER_TOKEN = 4.0
"""English text under a GPT-2 tokenizer; the usual rule of four characters a token."""


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


def _worth(config: PretrainConfig, brief: Brief, context: int) -> float:
    """0 to 100: how well a configuration suits the data, the texts and the priority.

    Most at 20 tokens a parameter (Hoffmann et al. 2022), 25 points less for every factor of ten beside it.
    """
    tokens = tokens_of(brief)
    value = 60.0
    if tokens is not None:
        # A small corpus is read many times; repeats count for less and less.
        passes = 20.0 if brief.dataset.tokens is None else 10.0
        best = max(tokens * passes / 20.0, 8e6)
        value = 90.0 - 25.0 * abs(math.log10(config.params / best))
    if config.block_size < min(context, 1024):
        value -= 12.0 * math.log2(min(context, 1024) / config.block_size)
    taste = {"quality": 6.0, "balanced": 0.0, "speed": -6.0, "cost": -6.0, "small": -9.0}[brief.priority]
    return value + taste * math.log10(config.params / 1e8)


def _suits(config: PretrainConfig, brief: Brief) -> str:
    """The size of the model beside the size of the data, in words."""
    tokens = tokens_of(brief)
    size = f"about {config.params / 1e6:.0f}M parameters"
    if tokens is None:
        return f"{size}; how much text there is was not said"
    return f"{size} for about {tokens / 1e6:,.1f}M tokens of text"


def rank(brief: Brief) -> Ranked:
    """Every configuration that fits the training hardware, best first."""
    machine = brief.training_machine or brief.machine
    if machine is None:
        return Ranked()
    room = max((d.memory_bytes for d in machine.devices), default=machine.ram_bytes or 0)
    context = 256 if brief.context > 4096 and not brief.training.sequence_length else brief.context
    out = Ranked()
    for config in pretrain_configs():
        estimate = estimate_pretraining(config)
        if estimate.total_bytes > room:
            reason = f"training takes {estimate.total_bytes / GIB:.1f} GiB, {room / GIB:.1f} GiB are there"
            out.rejected.append(Rejected(config.name, None, reason, "memory"))
            continue
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
        )
        worth = _worth(config, brief, context)
        out.candidates.append(
            Candidate(
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
                quality=QualityFigure(worth, 10.0, False, (GUIDE,), _suits(config, brief)),
                license=LicenseFigure("own", "yes", "you own what you train; mind the rights to your data"),
                utility=worth,
                training=TrainingPlan("scratch", config.block_size, estimate, name, room, True),
                extra={"family": config.name, "config": config.as_json()},
            )
        )
    out.candidates.sort(key=lambda c: -c.utility)
    return out


def choose(brief: Brief, count: int = 3) -> Ranked:
    """The best few configurations."""
    ranked = rank(brief)
    return Ranked(ranked.candidates[:count], ranked.rejected)
