"""Operations that a model's tokens need: of the weights, of the experts, and of attention by depth."""

from __future__ import annotations

from dataclasses import dataclass

from knowledge.catalog.records import Architecture, ModelRecord
from tools.memory.llama_cpp import plan_of
from tools.memory.shapes import attention_widths, has_attention, is_windowed

_F16_BYTES = 2
MOST_SCALE = 2.0
"""Factor between stated and tabled parameters above which the table does not describe the model."""


@dataclass(frozen=True, slots=True)
class Work:
    """Floating-point operations of one token; two for each multiplication and addition of a weight."""

    dense: float
    """Weights of the layers that every token passes through."""
    experts: float
    """Routed experts that a token passes through."""
    output: float
    """The output matrix: once a prompt, once for every generated token."""
    attention_full: float
    """For each cached token, over the layers that see the whole context."""
    attention_window: float
    """For each cached token, over the layers with a window."""
    window: int

    def batch(self, tokens: int, spread: float, fill: float) -> float:
        """Operations of a batch through the layers' weights.

        Args:
            tokens: Tokens in the batch.
            spread: Routed experts that the batch uses, in multiples of those that one token uses.
            fill: Tokens that each expert in use costs beside its own.
        """
        return tokens * self.dense + (tokens + fill * spread) * self.experts

    def attention(self, depth: float) -> float:
        """Operations of one token's attention at a depth in tokens."""
        return self.attention_full * depth + self.attention_window * min(depth, self.window)


_works: dict[tuple[str, int | None], Work | None] = {}


def work_of(model: ModelRecord) -> Work | None:
    """What a token of a model needs; None where neither tensors nor parameters are known."""
    key = (model.id, model.params_total)
    if key not in _works:
        _works[key] = _compute(model)
    return _works[key]


def _compute(model: ModelRecord) -> Work | None:
    arch, plan = model.architecture, plan_of(model)
    full, windowed, window = _attention(arch) if arch is not None else (0.0, 0.0, 0)
    if plan is not None and 1 / MOST_SCALE < plan.scale < MOST_SCALE:
        weights, found = plan.weights_in("F16"), plan.arch.experts
        held = sum(weights.experts)
        used = found.used / found.count if found is not None else 1.0
        two = 2 * plan.scale / _F16_BYTES
        dense, experts, output = sum(weights.layers) - held, held * used, weights.output
        return Work(two * dense, two * experts, two * output, full, windowed, window)
    params = model.params_active or model.params_total
    if params is None:
        return None
    head = arch.vocab * arch.hidden if arch is not None else 0
    return Work(2.0 * max(params - 2 * head, params // 2), 0.0, 2.0 * head, full, windowed, window)


def _attention(arch: Architecture) -> tuple[float, float, int]:
    """Operations per cached token: scores and weighted values of every query head, two each.

    Latent attention (MLA) works on the compressed rows, as llama.cpp computes it.
    """
    by_kind = {False: 0.0, True: 0.0}
    for layer in range(arch.layers):
        if not has_attention(arch, layer):
            continue
        if arch.latent is not None:
            width = arch.heads * (2 * arch.latent.kv_rank + arch.latent.rope_dim)
        else:
            width = 2 * attention_widths(arch, layer)[1]
        by_kind[is_windowed(arch, layer)] += 2.0 * width
    return by_kind[False], by_kind[True], arch.window.size if arch.window is not None else 0
