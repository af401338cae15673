"""What differs between training frameworks and optimizers, read from `data/training.json`."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import Any, get_args

from knowledge.errors import UsageError
from tools.memory.types import Optimizer, Precision, TrainingRequest

MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Framework:
    """How a framework trains where the request does not say otherwise; bytes are per value."""

    name: str
    precision: Precision
    """`mixed` keeps float32 weights and computes in 16 bits, `bf16` keeps 16 bits only."""
    adapter_bytes: float
    unquantized_bytes: float
    """Token table, output matrix and norms beside quantized matrices."""
    double_quantization: bool
    source: str
    runtime: tuple[int, int, int]
    """Driver context, libraries and blocks the allocator keeps unused: lowest, usual, highest."""
    master: float = 0
    """Float32 copy of trained weights beside the 16-bit ones."""
    state_bytes: float | None = None
    """Optimizer states; None has the type of the trained weights."""
    step_copy: float = 0
    """Temporary copy of the trained weights in the optimizer step, bytes for each value."""
    buffers: int = 0
    """Communication buffers that do not depend on the model."""
    quantized_residual: float = 2
    """Bytes of a hidden value between the layers of a quantized model."""
    dropout: bool = False
    layer_factor: float = 1
    """What own kernels or a compiler leave of a layer's activations."""
    checkpoints_kept: float = 1
    """Share of the checkpoints that stays on the GPU."""
    checkpointing: bool = True
    fused: bool = False
    chunk_tokens: int = 1024
    """Tokens whose logits exist at once with fused or chunked cross-entropy."""
    chunk_logits: float = 0
    """Bytes an entry that stay for all tokens with chunked cross-entropy."""
    logits: float | None = None
    """Bytes an entry; None is what transformers takes."""
    kept_inputs: bool = False
    """Quantized matrices keep their inputs for the backward pass, though nothing needs them."""
    accumulates: bool = True
    """Gradients stay between micro-batches, so they are there while the loss is computed."""
    optimizer: Optimizer = "adamw"
    full_optimizer: Optimizer | None = None
    optimizer_in_backward: bool = False
    targets: str = "all-linear"


@dataclass(frozen=True, slots=True)
class OptimizerState:
    """What an optimizer keeps."""

    values: float
    """Values for each trained one."""
    bytes: float | None = None
    """Bytes of each; None follows the framework."""
    paged: bool = False
    """May leave the GPU where memory is short."""


@dataclass(frozen=True, slots=True)
class Tables:
    """The whole table."""

    quantized_bits: dict[str, float]
    optimizers: dict[str, OptimizerState]
    activations: dict[str, Any]
    frameworks: dict[str, Framework]
    same_as: dict[str, str]
    modules: dict[str, str]
    state_spread: dict[str, tuple[float, float]]
    dynamic_spread: tuple[float, float]
    source: str


@cache
def tables() -> Tables:
    """Reads the table once."""
    raw = json.loads(files("tools.memory").joinpath("data/training.json").read_text(encoding="utf-8"))
    frameworks = {}
    for name, row in raw["frameworks"].items():
        low, mid, high = (int(value * MIB) for value in row.pop("runtime_mib"))
        frameworks[name] = Framework(name=name, runtime=(low, mid, high), **row)
    spread = raw["spread"]
    return Tables(
        quantized_bits=raw["quantized_bits"],
        optimizers={name: OptimizerState(**raw["optimizers"][name]) for name in get_args(Optimizer)},
        activations=raw["activations"],
        frameworks=frameworks,
        same_as=raw["same_as"],
        modules=raw["modules"],
        state_spread={method: (low, high) for method, (low, high) in spread["states"].items()},
        dynamic_spread=(spread["dynamic"][0], spread["dynamic"][1]),
        source=raw["source"],
    )


def framework_named(name: str) -> Framework:
    """The framework's row; an unknown name is treated as Transformers."""
    table = tables()
    key = name.strip().lower().replace("_", "-")
    return table.frameworks.get(table.same_as.get(key, key), table.frameworks["transformers"])


def is_known(name: str) -> bool:
    """True where the framework has a row of its own or one it shares."""
    key = name.strip().lower().replace("_", "-")
    return key in tables().frameworks or key in tables().same_as


def settled(request: TrainingRequest) -> TrainingRequest:
    """The request with everything left open filled by the framework's own defaults."""
    framework = framework_named(request.framework)
    full = request.method in ("full", "scratch")
    usual = framework.full_optimizer if full and framework.full_optimizer else framework.optimizer
    optimizer = request.optimizer or usual
    precision = request.precision or framework.precision
    if framework.master and precision == "mixed":
        precision = "bf16"  # with master copies, these are two words for one thing

    def chosen(asked: bool | None, default: bool) -> bool:
        return default if asked is None else asked

    return replace(
        request,
        optimizer=optimizer,
        target_modules=request.target_modules or framework.targets,
        gradient_checkpointing=chosen(request.gradient_checkpointing, framework.checkpointing),
        fused_cross_entropy=chosen(request.fused_cross_entropy, framework.fused),
        precision=precision,
        double_quantization=chosen(request.double_quantization, framework.double_quantization),
        optimizer_in_backward=chosen(
            request.optimizer_in_backward,
            full and framework.optimizer_in_backward and tables().optimizers[optimizer].paged,
        ),
    )


TABLES = {"embed_tokens": "token_embd", "wte": "token_embd", "lm_head": "output"}
"""Modules that are trained whole where they are named (peft's `modules_to_save`)."""


@dataclass(frozen=True, slots=True)
class Targets:
    """What adapters are put on, as `target_modules` says it."""

    all_linear: bool
    attention: bool
    names: frozenset[str]
    """Tensors by name."""
    tables: frozenset[str]
    """Token table and output matrix, trained whole."""


@cache
def targets_of(text: str) -> Targets:
    """Reads `all-linear`, `attention`, modules such as `q_proj,v_proj`, or several of these.

    Raises:
        UsageError: a module that is not known.
    """
    known = tables().modules
    wanted = [part.strip().lower() for part in text.split(",") if part.strip()]
    unknown = [
        w for w in wanted if w not in known and w not in TABLES and w not in ("all-linear", "attention")
    ]
    if unknown or not wanted:
        raise UsageError(
            f"`target_modules` does not know {unknown[0] if unknown else 'an empty list'!r}.",
            hint="Write all-linear, attention, or a list such as q_proj,k_proj,v_proj,o_proj.",
        )
    return Targets(
        all_linear="all-linear" in wanted,
        attention="attention" in wanted,
        names=frozenset(known[w] for w in wanted if w in known),
        tables=frozenset(TABLES[w] for w in wanted if w in TABLES),
    )
