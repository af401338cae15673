"""Small GPTs trained from scratch: named configurations and the memory their training takes."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from functools import cache
from importlib.resources import files

from tools.memory.training import estimate_shape
from tools.memory.training_shape import Matrix, TrainingShape
from tools.memory.types import Evidence, TrainingEstimate, TrainingRequest

GUIDE = "pretrain-small-gpt.md"
OVERVIEWS = {
    256: "Overview of the standard-context configurations (256 tokens)",
    1024: "Overview of the high-context configurations (1024 tokens)",
}
FRAMEWORK = "pytorch"
"""Row of the framework table for a plain training loop."""


@dataclass(frozen=True, slots=True)
class PretrainConfig:
    """A GPT-2-like shape and how it is trained."""

    name: str
    params: int
    """Parameters with the token table, which the output shares."""
    n_layer: int
    n_embd: int
    n_head: int
    block_size: int
    vocab_size: int
    batch_size: int
    """Sequences in one step on one GPU."""
    stated_vram_gb: float
    """Memory as the guide states it."""
    stated_time: str
    use: str

    def as_json(self) -> dict[str, str | int | float]:
        """Field by field, for documents."""
        return asdict(self)


@cache
def _raw() -> tuple[tuple[PretrainConfig, ...], str]:
    raw = json.loads(files("tools.memory").joinpath("data/pretrain_configs.json").read_text(encoding="utf-8"))
    return tuple(PretrainConfig(**row) for row in raw["configs"]), raw["source"]


def pretrain_configs() -> tuple[PretrainConfig, ...]:
    """The configurations of the pretraining guide, smallest first."""
    return _raw()[0]


def pretrain_config(name: str) -> PretrainConfig | None:
    """The configuration of this name, also written as its file (`150M.json`); None where there is none."""
    wanted = name.strip().rsplit("/", 1)[-1].removesuffix(".json").lower()
    return next((config for config in pretrain_configs() if config.name.lower() == wanted), None)


def parameter_count(config: PretrainConfig) -> int:
    """Parameters of a GPT-2 shape: 12 x layers x width squared, and the token and position tables."""
    width = config.n_embd
    return 12 * config.n_layer * width**2 + (config.vocab_size + config.block_size) * width


def pretrain_shape(config: PretrainConfig) -> TrainingShape:
    """The configuration's sizes as training sees them."""
    width, n = config.n_embd, config.n_layer
    return TrainingShape(
        params=parameter_count(config),
        table=config.vocab_size * width,
        tied=True,
        layers=n,
        hidden=width,
        vocab=config.vocab_size,
        heads=config.n_head,
        query=width,
        key=width,
        ff=4 * width,
        gated=False,
        norm="layer",
        norms=2,
        head_norms=False,
        dispatched=0,
        matrices=(
            Matrix("attn_qkv", width, 3 * width, n),
            Matrix("attn_output", width, width, n),
            Matrix("ffn_up", width, 4 * width, n),
            Matrix("ffn_down", 4 * width, width, n),
        ),
        known=True,
    )


def guide_evidence(config: PretrainConfig) -> Evidence:
    """The configuration's row in the guide's table, whatever block size it is tried with."""
    from tools.citing import guide

    config = pretrain_config(config.name) or config

    claim = f"{config.name}.json: {config.stated_vram_gb:g} GB of VRAM, {config.stated_time}"
    return guide(GUIDE, OVERVIEWS[1024 if config.block_size > 256 else 256], claim)


def usual_request(config: PretrainConfig) -> TrainingRequest:
    """The configuration as the guide trains it: mixed precision, AdamW, no checkpointing."""
    return TrainingRequest(
        method="scratch",
        sequence_length=config.block_size,
        micro_batch_size=config.batch_size,
        framework=FRAMEWORK,
    )


def estimate_pretraining(config: PretrainConfig, request: TrainingRequest | None = None) -> TrainingEstimate:
    """Memory of training a configuration on one GPU, as the guide trains it or as requested.

    A longer or shorter `sequence_length` changes the position table, and so the model.

    Raises:
        UsageError: lengths or batches below 1.
    """
    usual = usual_request(config)
    asked = request or usual
    basis = (guide_evidence(config),)
    found = estimate_shape(
        pretrain_shape(replace(config, block_size=asked.sequence_length)), asked, basis, ()
    )
    if asked != usual:
        return found
    stated, total = config.stated_vram_gb, found.total_bytes / 1e9
    apart = abs(total / stated - 1) > 0.15
    verdict = ("more" if total > stated else "less") if apart else "about the same"
    said = (
        f"The guide states {stated:g} GB; the parts add up to {verdict}, {total:.1f} GB with "
        f"{asked.micro_batch_size} x {asked.sequence_length} tokens."
    )
    return replace(found, caveats=(said, *found.caveats))
