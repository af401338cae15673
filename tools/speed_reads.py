"""What an engine reads from memory for one token: active weights and cache, and how many layers it runs."""

from __future__ import annotations

from dataclasses import dataclass

from knowledge.catalog.records import Architecture, ModelRecord
from knowledge.catalog.store import load_catalog
from knowledge.errors import UsageError
from tools.memory.kv_cache import cache_plan, cache_types
from tools.memory.llama_cpp import Plan, plan_of
from tools.memory.quantization import tables
from tools.memory.shapes import has_experts, has_state
from tools.speed_work import MOST_SCALE

_STATE_BYTES = 4
"""Recurrent states are float32, read and written once a token."""


@dataclass(frozen=True, slots=True)
class Reads:
    """Bytes and steps of one token of one model in one quantization."""

    dense: int
    """Weights that every token passes through, with the output matrix; token tables are only looked up."""
    experts: int
    """Routed experts that a token passes through."""
    experts_held: int
    """All routed experts, used or not."""
    state: int
    """Recurrent and convolution state, read and written."""
    cache_full: float
    """Cache per cached token over the layers that see the whole context."""
    cache_window: float
    """Cache per cached token over the layers with a window."""
    window: int
    layers: int
    expert_layers: int
    state_layers: int
    exact: bool
    """False where the tensors are not known and parameters x bits stand for them."""

    @property
    def weights(self) -> int:
        return self.dense + self.experts

    def experts_of_batch(self, tokens: int) -> float:
        """Bytes of the experts that some token of a batch passes through, each choosing on its own."""
        if tokens <= 1 or not self.experts_held:
            return float(self.experts)
        return self.experts_held * (1 - (1 - self.experts / self.experts_held) ** tokens)

    def spread_of_batch(self, tokens: int) -> float:
        """Experts that a batch uses, in multiples of those that one token uses."""
        return self.experts_of_batch(tokens) / self.experts if self.experts else 1.0

    def cache(self, depth: int) -> float:
        """Cache bytes read for a token at a depth in tokens."""
        return self.cache_full * depth + self.cache_window * min(depth, self.window)


_reads: dict[tuple[str, int | None, str, str], Reads | None] = {}


def reads_of(model: ModelRecord, quant: str, kv_cache_type: str) -> Reads | None:
    """What a token reads; None where neither tensors nor parameters are known."""
    key = (model.id, model.params_total, quant, kv_cache_type)
    if key not in _reads:
        _reads[key] = _compute(model, quant, kv_cache_type)
    return _reads[key]


def _compute(model: ModelRecord, quant: str, kv_cache_type: str) -> Reads | None:
    arch = model.architecture
    plan = plan_of(model)
    if plan is not None and plan.knows(quant.upper()) and 1 / MOST_SCALE < plan.scale < MOST_SCALE:
        dense, experts, held = _by_tensor(plan, quant.upper())
        exact = True
    else:
        found = _by_parameters(model, quant)
        if found is None:
            return None
        dense, experts, held, exact = found, 0, 0, False
    full, windowed, window, state = _cache(arch, kv_cache_type)
    layers = range(arch.layers) if arch is not None else range(0)
    return Reads(
        dense=dense,
        experts=experts,
        experts_held=held,
        state=state,
        cache_full=full,
        cache_window=windowed,
        window=window,
        layers=len(layers),
        expert_layers=sum(has_experts(arch, layer) for layer in layers) if arch else 0,
        state_layers=sum(has_state(arch, layer) for layer in layers) if arch else 0,
        exact=exact,
    )


def _by_tensor(plan: Plan, quant: str) -> tuple[int, int, int]:
    """Weights tensor by tensor, as the memory engine lays them out; token tables are only looked up."""
    weights, experts, scale = plan.weights_in(quant), plan.arch.experts, plan.scale
    held = sum(weights.experts)
    used = experts.used / experts.count if experts is not None else 1.0
    dense = sum(weights.layers) - held + weights.output
    return round(scale * dense), round(scale * held * used), round(scale * held)


def _by_parameters(model: ModelRecord, quant: str) -> int | None:
    """Active parameters x nominal bits, less the token table where its size is known."""
    params = model.params_active or model.params_total
    record = load_catalog().quantizations.get(quant) or load_catalog().quantizations.get(quant.upper())
    if params is None or record is None:
        return None
    arch = model.architecture
    if arch is not None and arch.tied is False:
        params = max(params - arch.vocab * arch.hidden, params // 2)
    return round(params * record.bits_per_weight / 8)


def _cache(arch: Architecture | None, kv_cache_type: str) -> tuple[float, float, int, int]:
    """Cache bytes per token of full and of windowed layers, the window, and the bytes of the states."""
    if arch is None:
        return 0.0, 0.0, 0, 0
    try:
        widths = [
            size / block for block, size in (tables().types[name] for name in cache_types(kv_cache_type))
        ]
    except (KeyError, UsageError):
        widths = [2.0, 2.0]
    plan = cache_plan(arch)
    per_kind = {
        kind: sum(
            (group.key * widths[0] + group.value * widths[1]) * group.layers
            for group in plan.groups
            if group.windowed is kind
        )
        for kind in (False, True)
    }
    state = 2 * _STATE_BYTES * sum((conv + state) * layers for conv, state, layers in plan.states)
    return per_kind[False], per_kind[True], plan.window, state
