"""Small GPTs trained from scratch: named configurations and the memory their training takes."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from functools import cache
from importlib.resources import files

from tools.memory.training import TrainingShape, estimate_shape
from tools.memory.types import Evidence, TrainingEstimate, TrainingRequest


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


def parameter_count(config: PretrainConfig) -> int:
    """Parameters of a GPT-2 shape: 12 x layers x width squared, and the token and position tables."""
    width = config.n_embd
    return 12 * config.n_layer * width**2 + (config.vocab_size + config.block_size) * width


def estimate_pretraining(config: PretrainConfig) -> TrainingEstimate:
    """Memory of training a configuration on one GPU in mixed precision with AdamW, without checkpointing."""
    width = config.n_embd
    shape = TrainingShape(
        params=parameter_count(config),
        embedding=config.vocab_size * width,
        layers=config.n_layer,
        hidden=width,
        vocab=config.vocab_size,
        # Korthikanti et al. 2022: 34 bytes a token and unit of width, at 16 bits and with flash attention.
        layer_values=17 * width,
        heads=config.n_head,
        linear=(),
        attention=(),
        known=True,
    )
    request = TrainingRequest(
        method="scratch",
        sequence_length=config.block_size,
        micro_batch_size=config.batch_size,
        gradient_checkpointing=False,
        framework="pytorch",
    )
    found = estimate_shape(shape, request, (Evidence("guide", _raw()[1]),), ())
    total = f"{found.total_bytes / 1e9:.1f} GB"
    stated = f"The guide states {config.stated_vram_gb:g} GB; the parts add up to {total}."
    return replace(found, caveats=(stated,))
