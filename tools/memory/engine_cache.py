"""Cache of engines other than llama.cpp: blocks of tokens, windows, latent rows and recurrent states.

Source: vLLM `v1/kv_cache_interface.py` and `v1/core/kv_cache_utils.py` (page sizes, windows of `window - 1 +
batched tokens`, layers grouped and padded), `model_executor/models/config.py` (attention blocks raised to
the page of a recurrent state), `QKVParallelLinear` (KV heads repeated beyond their number); the others are
simpler cases.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from math import ceil

from knowledge.catalog.records import Architecture
from tools.memory.engine_data import EngineModel
from tools.memory.generic import KV_SPREAD, shape_plans, unknown_cache
from tools.memory.kv_cache import CachePlan
from tools.memory.parallel import Split

STATE_BYTES = 4
"""Recurrent states are float32 in most configurations; convolution states have the cache's 16 bits."""
SLACK = 1.07
"""Padding layers waste at most 6.25 % (vLLM's own warning), and blocks their last tokens."""


@dataclass(frozen=True, slots=True)
class Load:
    """What a cache is asked to hold."""

    tokens: int
    """Over all sequences."""
    sequences: int
    step: int
    """Prompt tokens of one step, which windows hold beside themselves."""


@dataclass(frozen=True, slots=True)
class _Layers:
    """Layers of a stage that cache alike, and bytes of one token in one layer on one device."""

    full: dict[float, int]
    windowed: dict[float, int]
    states: dict[float, int]


class CacheModel:
    """The cache of one model on one engine with one split."""

    def __init__(
        self,
        arch: Architecture | None,
        params: int,
        engine: EngineModel,
        split: Split,
        width: float,
        *,
        hybrid: bool | None,
    ) -> None:
        """Prepares the layers of each stage.

        Args:
            arch: the model's shape; None gives the cache of usual models of its size.
            params: parameters, used where the shape is not known.
            engine: the engine.
            split: how the model is divided.
            width: bytes of a cached value.
            hybrid: whether windows are cached as windows; None takes the engine's rule.
        """
        self._engine, self._split, self._width = engine, split, width
        self._params, self._measured = params, arch is not None and arch.measured
        self._plan = None if arch is None else shape_plans(arch)[0]
        self._hybrid = engine.windows if hybrid is None else hybrid
        self._hybrid_high = engine.windows_high if hybrid is None else hybrid
        self._stages = (
            ()
            if arch is None or self._plan is None
            else tuple(self._layers(arch, self._plan, range_) for range_ in split.stages)
        )
        self.block = self._block()

    @property
    def uniform(self) -> bool:
        """Every layer keeps every token, so that blocks convert to tokens without knowing the requests."""
        return self._plan is not None and not any(
            stage.states or (stage.windowed and self._hybrid) for stage in self._stages
        )

    def _layers(self, arch: Architecture, plan: CachePlan, layers: range) -> _Layers:
        full: Counter[float] = Counter()
        windowed: Counter[float] = Counter()
        states: Counter[float] = Counter()
        tp = self._split.tensor
        for make, count in Counter(plan.by_layer[layers.start : layers.stop]).items():
            key, value, is_windowed, convolution, state = plan.kinds[make]
            if key:
                heads = arch.kv_heads
                if is_windowed and arch.window is not None:
                    heads = arch.window.kv_heads or heads
                share = 1.0 if arch.latent is not None else max(1 / tp, 1 / max(heads, 1))
                (windowed if is_windowed else full)[(key + value) * self._width * share] += count
            if state or convolution:
                states[(convolution * 2 + state * STATE_BYTES) / tp] += count
        return _Layers(dict(full), dict(windowed), dict(states))

    def _block(self) -> int:
        """Tokens of a block; with paged states at least a state's page."""
        block = self._engine.block
        if not self._engine.paged_states:
            return block
        for stage in self._stages:
            if stage.states and (stage.full or stage.windowed):
                per_token = max((*stage.full, *stage.windowed))
                block = max(block, ceil(max(stage.states) / per_token / 16) * 16)
        return block

    def _stage(self, stage: _Layers, load: Load, *, hybrid: bool, padded: bool) -> float:
        block, sequences = self.block, load.sequences
        each = ceil(load.tokens / sequences)
        whole = ceil(each / block) * block * sequences
        assert self._plan is not None
        window = self._plan.window
        inside = min(each, window) * sequences + min(load.step, load.tokens)
        kept = min(whole, ceil(inside / block) * block) if hybrid else whole
        counts = dict(stage.full), dict(stage.windowed)
        if padded and hybrid and stage.windowed and stage.full and set(stage.full) == set(stage.windowed):
            group = min(sum(stage.full.values()), sum(stage.windowed.values()))
            counts = _rounded(stage.full, group), _rounded(stage.windowed, group)
        size = sum(width * layers * whole for width, layers in counts[0].items())
        size += sum(width * layers * kept for width, layers in counts[1].items())
        for state, layers in stage.states.items():
            page = state
            if padded and self._engine.paged_states and stage.full:
                page = max(state, block * max(stage.full))
            size += page * layers * sequences
        return size

    def needed(self, load: Load) -> tuple[tuple[float, float, float], ...]:
        """Lowest, middle and highest bytes on one device, by stage."""
        if self._plan is None:
            size = unknown_cache(self._params, load.tokens, self._width) / self._split.devices
            return ((size * KV_SPREAD[0], size, size * KV_SPREAD[1]),) * len(self._split.stages)
        found = []
        for stage in self._stages:
            plain = self._stage(stage, load, hybrid=self._hybrid, padded=False)
            mid = self._stage(stage, load, hybrid=self._hybrid, padded=self._engine.grouped)
            high = self._stage(stage, load, hybrid=self._hybrid_high, padded=self._engine.grouped)
            low = plain if self._measured else 0.5 * plain
            if stage.states:
                # One more block of states for each sequence where prefixes are cached.
                high += sum(state * layers for state, layers in stage.states.items()) * load.sequences
            slack = SLACK if stage.windowed or stage.states else 1.0
            found.append((low, mid, max(mid, high) * slack))
        return tuple(found)

    def copied(self, load: Load) -> int:
        """The largest layer, which a growing cache copies."""
        widest = max((w for stage in self._stages for w in (*stage.full, *stage.windowed)), default=0.0)
        return int(widest * load.tokens)


def _rounded(counts: dict[float, int], group: int) -> dict[float, int]:
    return {width: ceil(layers / group) * group for width, layers in counts.items()}
