"""Engines other than llama.cpp as rows of `data/engines.json`: formats, cache rules, buffers, old releases.

A row may be like another and say only what differs; what older releases did is a list of overrides. One
evaluator (`tools/memory/engines.py`) reads them all.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any, Literal

from knowledge.errors import UsageError
from tools.memory.llama_cpp import runs_gguf

MIB = 1 << 20
Three = tuple[float, float, float]
"""Lowest, middle and highest."""
Claim = Literal["share", "static", "free"]
"""What the utilization is a share of: the card with everything in it, the card with weights and cache only
(buffers take the rest), or what is free beside weights and buffers."""


@dataclass(frozen=True, slots=True)
class WeightFormat:
    """Bits of a weight format outside GGUF, scales included."""

    linear: Three
    attention: Three
    """Bits of attention projections, which some recipes leave wider."""
    experts: Three
    rest: float
    """Bits of embeddings and output."""
    plain: float
    """Bits of norms, routers and vision towers."""
    pad: tuple[int, int]
    """The engine rounds hidden and expert widths of experts up to these; (1, 1) where it does not."""


@dataclass(frozen=True, slots=True)
class Large:
    """Defaults on large devices."""

    gib: float
    compute_capability: float
    batched_tokens: int
    sequences: int


@dataclass(frozen=True, slots=True)
class EngineModel:
    """How an engine uses memory."""

    id: str
    name: str
    formats: tuple[str, ...]
    default: str
    """Weight format where none is named."""
    cache_types: tuple[str, ...]
    options: tuple[str, ...]
    """Request keys of `Serving` that it takes."""
    windows: bool
    """Sliding windows are cached as windows."""
    windows_high: bool
    """The same at the high end of the interval: other releases or settings cache them in full."""
    grouped: bool
    """Layers of one kind are padded to whole groups (vLLM's hybrid KV cache manager)."""
    paged_states: bool
    """Recurrent states live in pages of the cache, and attention blocks are raised to their size."""
    tensor_parallel: bool
    claim: Claim | None
    """None where the engine takes what it needs."""
    utilization: float
    block: int
    batched_tokens: int | None
    """Prompt tokens computed in one step; None reads a prompt whole."""
    whole_prompts_until: int
    """Prompts up to this length are read whole whatever `batched_tokens` says."""
    sequences: int
    large: Large | None
    graphs: tuple[int, int, int]
    graphs_inside: bool
    """CUDA graphs come out of the claimed share."""
    runtime: tuple[int, int, int]
    """Outside the framework's allocator, by device, with one device."""
    runtime_many: tuple[int, int, int]
    """The same with several devices, which hold communication buffers."""
    logit_bytes: Three
    """Peak bytes of the sampler for one logit: float32 copies, probabilities, sorted values and indices."""
    prompt_logits_high: bool
    """At the high end logits are computed for the whole prompt."""
    eager_scores: bool
    """Without flash attention the scores of a layer are held."""
    cache_copy: bool
    """A growing cache is copied layer by layer."""
    activation_spread: tuple[float, float]
    encoder: tuple[int, int, int]
    """What a vision tower adds to the peak."""
    encoder_by_sequence: bool
    """The same once for every sequence: one image each is tried."""
    weights_spread: tuple[float, float]
    weights_extra: tuple[int, int, int]
    rope_table: bool
    """Rotary tables for the model's whole window are held."""
    latent_copy: bool
    """Quantized latent attention keeps its up-projections in 16 bits as well."""
    source: str


@cache
def _raw() -> dict[str, Any]:
    text = files("tools.memory").joinpath("data/engines.json").read_text(encoding="utf-8")
    table: dict[str, Any] = json.loads(text)
    return table


@cache
def weight_format(name: str) -> WeightFormat:
    """A weight format by its name in upper case."""
    row = _raw()["formats"][name]
    linear: Three = tuple(row["bits"])
    rest = float(row.get("rest", 16))
    return WeightFormat(
        linear=linear,
        attention=tuple(row.get("attention", linear)),
        experts=tuple(row.get("experts", linear)),
        rest=rest,
        plain=32.0 if rest == 32 else 16.0,
        pad=tuple(row.get("pad", (1, 1))),
    )


def llama_cpp_format(name: str) -> str:
    """The llama.cpp quantization with about as many bits."""
    return str(_raw()["llama_cpp"][name.upper()])


@cache
def visible_gib(device: str, gib: float) -> Three:
    """Memory that programs see on a device sold with `gib` GiB: measured by device, else a share."""
    rows = _raw()["visible"]
    for name, row in rows["gib"].items():
        words, _, size = name.rpartition(" ")
        if float(size) == gib and (device == words or device.startswith(words + " ")):
            low, mid, high = row
            return low, mid, high
    low, mid, high = (share * gib for share in rows["share"])
    return low, mid, high


def visible_source() -> str:
    """Where the visible memory comes from."""
    return str(_raw()["visible"]["source"])


def _mib(values: list[float]) -> tuple[int, int, int]:
    low, mid, high = (int(value * MIB) for value in values)
    return low, mid, high


def _pair(values: list[float]) -> tuple[float, float]:
    low, high = values
    return low, high


def _row(id_: str) -> dict[str, Any]:
    row = _raw()["engines"][id_]
    return {**_row(row["like"]), **row} if "like" in row else row


def _engine(id_: str, row: Mapping[str, Any]) -> EngineModel:
    large = row.get("large")
    return EngineModel(
        id=id_,
        name=row["name"],
        formats=tuple(row["formats"]),
        default=row.get("default", "BF16"),
        cache_types=tuple(row["cache_types"]),
        options=tuple(row["options"]),
        windows=row["windows"],
        windows_high=row.get("windows_high", row["windows"]),
        grouped=row.get("grouped", False),
        paged_states=row.get("paged_states", False),
        tensor_parallel=row["tensor_parallel"],
        claim=row.get("claim"),
        utilization=row.get("utilization", 1.0),
        block=row["block"],
        batched_tokens=row.get("batched_tokens"),
        whole_prompts_until=row.get("whole_prompts_until", 0),
        sequences=row["sequences"],
        large=None if large is None else Large(**large),
        graphs=_mib(row["graphs_mib"]),
        graphs_inside=row.get("graphs_inside", False),
        runtime=_mib(row["runtime_mib"]),
        runtime_many=_mib(row["runtime_many_mib"]),
        logit_bytes=tuple(row["logit_bytes"]),
        prompt_logits_high=row.get("prompt_logits_high", False),
        eager_scores=row.get("eager_scores", False),
        cache_copy=row.get("cache_copy", False),
        activation_spread=_pair(row["activation_spread"]),
        encoder=_mib(row["encoder_mib"]),
        encoder_by_sequence=row.get("encoder_by_sequence", False),
        weights_spread=_pair(row["weights_spread"]),
        weights_extra=_mib(row["weights_extra_mib"]),
        rope_table=row.get("rope_table", False),
        latent_copy=row.get("latent_copy", False),
        source=row["source"],
    )


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:3])


@lru_cache(maxsize=64)
def engine_of_release(id_: str, version: str | None) -> EngineModel:
    """An engine as it is, or as it was in an older release.

    Raises:
        UsageError: a version without a number.
    """
    row = _row(id_)
    if version is None:
        return _engine(id_, row)
    asked = _numbers(version)
    if not asked:
        raise UsageError(f"`engine_version` {version!r} is no release.", hint="For example 0.21.0.")
    for release in row.get("releases", ()):  # newest first: older ones override what they share
        if asked < _numbers(release["before"]):
            row = {**row, **release}
    return _engine(id_, row)


@lru_cache(maxsize=256)
def engine_named(name: str, quant: str) -> EngineModel | None:
    """The engine of a request; None for llama.cpp and the programs around it.

    Raises:
        UsageError: an engine that is not known.
    """
    if runs_gguf(name, quant):
        return None
    key = name.lower()
    key = "mlx" if key == "lmstudio" else key
    known = _raw()["engines"]
    if key not in known:
        names = ("llama.cpp", "ollama", "lmstudio", *known)
        raise UsageError(f"Unknown engine {name!r}.", hint=f"Known: {', '.join(names)}.")
    return engine_of_release(key, None)


def default_quant(name: str) -> str:
    """The weight format to assume where a request names only the engine.

    Raises:
        UsageError: an engine that is not known.
    """
    engine = engine_named(name, "")
    return "Q4_K_M" if engine is None else engine.default


def format_of(engine: EngineModel, quant: str) -> WeightFormat:
    """The weight format of a request.

    Raises:
        UsageError: a format that the engine does not read.
    """
    name = quant.upper()
    if name not in engine.formats:
        raise UsageError(
            f"{engine.name} does not read weights in {quant}.", hint=f"It reads {', '.join(engine.formats)}."
        )
    return weight_format(name)
