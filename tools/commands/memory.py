"""`memory`: what one model takes in one configuration, in use or in training."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator

from knowledge.catalog.records import ModelRecord
from knowledge.errors import UsageError
from tools.budget import room_of
from tools.candidates import device_json, evidence_json
from tools.commands.facts import with_facts
from tools.commands.lookups import machine_named, model_named
from tools.commands.memory_parts import difference_documents, pool_document
from tools.commands.requests import Name, Number, Request, Text, Tokens
from tools.engine_support import support_caveats
from tools.engines import published_quant
from tools.hardware_types import Machine
from tools.memory.engines import check_serving, default_quant, engine_named
from tools.memory.estimate import estimate_memory
from tools.memory.generic import is_encoder
from tools.memory.types import (
    Frontend,
    MemoryEstimate,
    MemoryRequest,
    Optimizer,
    Precision,
    Serving,
    Sharding,
)
from tools.projector import UNKNOWN, beside_projector

Document = dict[str, Any]
DEFAULTS = MemoryRequest()
TRAINING_KEYS = (
    "sequence_length",
    "micro_batch_size",
    "lora_rank",
    "target_modules",
    "optimizer",
    "precision",
    "gradient_checkpointing",
    "fused_cross_entropy",
    "double_quantization",
    "offload_optimizer",
    "sharding",
    "framework",
)
SERVING_KEYS = frozenset(field.name for field in fields(Serving))


def _shares(value: object) -> object:
    """Reads `3,1` as (3.0, 1.0)."""
    if isinstance(value, str):
        return tuple(part.strip() for part in value.replace("/", ",").split(","))
    return value


Split = Annotated[
    tuple[Annotated[float, Number, Field(ge=0, allow_inf_nan=False)], ...],
    BeforeValidator(_shares),
    Field(min_length=1, max_length=64),
]


def _switch(value: object) -> object:
    """`auto` as engines write it: flash attention is then on wherever it can be."""
    return True if isinstance(value, str) and value.strip().lower() == "auto" else value


Slots = Annotated[int, Number, Field(ge=1, le=4096)]
Devices = Annotated[int, Number, Field(ge=1, le=1024)]
Logged = Annotated[int, Number, Field(ge=0, le=1 << 50)]
"""Bytes that a log tells."""


class EngineRequest(Request):
    """What `memory` and `fit` share: how an engine is to hold a model."""

    quant: Name | None = Field(None, description="quantization of the weights, such as Q4_K_M")
    context: Tokens | None = Field(
        None, description="the engine's context setting in tokens, shared by its slots (8192, 32k)"
    )
    kv_cache_type: Name | None = Field(None, description="type of the KV cache, such as f16 or q8_0")
    engine: Name | None = Field(None, description="inference engine, such as llama.cpp, ollama or vllm")
    parallel: Slots = Field(DEFAULTS.parallel, description="slots: conversations held at once")
    ubatch_size: Annotated[int, Number, Field(ge=1, le=65536)] = Field(
        DEFAULTS.ubatch_size, description="tokens computed in one step"
    )
    flash_attention: Annotated[bool, BeforeValidator(_switch)] = Field(
        True,
        description="whether flash attention is on; `auto` counts as on",
    )
    vision: bool = Field(False, description="count the vision projector too: images are read")
    hardware: Text | None = Field(
        None,
        description='the machine in words, such as "2x RTX 3090 + 64 GB"',
        json_schema_extra={"metavar": "TEXT"},
    )
    gpu_layers: Annotated[int, Number, Field(ge=0, le=10_000)] | None = Field(
        None, description="llama.cpp: layers on the accelerators"
    )
    cpu_moe: bool = Field(False, description="llama.cpp: keep the experts in system memory")
    cpu_moe_layers: Annotated[int, Number, Field(ge=0, le=10_000)] | None = Field(
        None, description="llama.cpp: keep the experts of so many layers in system memory (--n-cpu-moe)"
    )
    swa_full: bool = Field(False, description="llama.cpp: full cache also for sliding-window layers")
    kv_unified: bool = Field(True, description="llama.cpp: one cache shared by all slots")
    kv_offload: bool = Field(True, description="llama.cpp: KV cache on the accelerators")
    tensor_split: Split | None = Field(
        None,
        description="llama.cpp: shares of the devices, such as 3,1",
        json_schema_extra={"metavar": "N,N"},
    )
    frontend: Frontend = Field(
        "server", description="llama.cpp: `server` or `api`", json_schema_extra={"metavar": "TEXT"}
    )
    gpu_memory_utilization: Annotated[float, Number, Field(gt=0, le=1, allow_inf_nan=False)] | None = Field(
        None, description="vLLM and its kin: share of each card that the engine claims, such as 0.9"
    )
    tensor_parallel: Devices | None = Field(
        None, description="vLLM and its kin: devices over which every layer is sliced"
    )
    pipeline_parallel: Devices | None = Field(
        None, description="vLLM and its kin: stages of layers, each on its own devices"
    )
    expert_parallel: bool = Field(
        False, description="vLLM and its kin: whole experts on each device instead of slices of all"
    )
    max_num_batched_tokens: Tokens | None = Field(
        None, description="vLLM and its kin: prompt tokens computed in one step"
    )
    max_num_seqs: Annotated[int, Number, Field(ge=1, le=65536)] | None = Field(
        None, description="vLLM and its kin: sequences computed in one step"
    )
    hybrid_kv_manager: bool | None = Field(
        None,
        description="vLLM and SGLang: cache sliding windows as windows (on) or in full (off)",
        json_schema_extra={"metavar": "on|off"},
    )
    enforce_eager: bool = Field(False, description="vLLM and its kin: without CUDA graphs")
    activation_bytes: Logged | None = Field(
        None, description="other engines: activation peak of a device as its log tells it, in bytes"
    )
    non_torch_bytes: Logged | None = Field(
        None, description="other engines: memory of a device outside torch as its log tells it, in bytes"
    )
    visible_bytes: Logged | None = Field(
        None, description="vLLM and its kin: total memory of a device as its log tells it, in bytes"
    )
    engine_version: Name | None = Field(
        None, description="vLLM: release whose defaults hold, such as 0.8.5 (usually the newest)"
    )


class MemoryQuery(EngineRequest):
    """Request of `memory`."""

    model: Name = Field(description="name, alias, hub id or Ollama tag of the model")
    train: Literal["full", "lora", "qlora", "scratch"] | None = Field(
        None,
        description="estimate training instead: full, lora, qlora, or scratch (also of the guide's small "
        "GPTs, such as 150M)",
        json_schema_extra={"metavar": "TEXT"},
    )
    sequence_length: Tokens | None = Field(None, description="training: tokens of one example")
    micro_batch_size: Annotated[int, Number, Field(ge=1, le=65536)] | None = Field(
        None, description="training: examples in one step on one GPU"
    )
    lora_rank: Annotated[int, Number, Field(ge=1, le=8192)] | None = Field(
        None, description="training: rank of the adapters"
    )
    target_modules: Name | None = Field(
        None,
        description="training: modules that get adapters: all-linear, attention, or a list such as "
        "q_proj,v_proj (embed_tokens and lm_head are trained whole)",
        json_schema_extra={"metavar": "TEXT"},
    )
    optimizer: Optimizer | None = Field(
        None, description="training: adamw, adamw_8bit, paged_adamw_8bit, adafactor, lion, muon or sgd"
    )
    precision: Precision | None = Field(
        None,
        description="full training: mixed (float32 weights), bf16 or float32",
        json_schema_extra={"metavar": "TEXT"},
    )
    gradient_checkpointing: bool | None = Field(
        None,
        description="training: recompute activations to save memory",
        json_schema_extra={"metavar": "on|off"},
    )
    fused_cross_entropy: bool | None = Field(
        None,
        description="training: never hold the logits of all tokens (Liger, Unsloth, chunked loss)",
        json_schema_extra={"metavar": "on|off"},
    )
    double_quantization: bool | None = Field(
        None,
        description="qlora: quantize the scales of the 4-bit blocks too",
        json_schema_extra={"metavar": "on|off"},
    )
    offload_optimizer: bool | None = Field(
        None,
        description="training: keep the optimizer states in system memory",
        json_schema_extra={"metavar": "on|off"},
    )
    sharding: Sharding | None = Field(
        None, description="training: none, zero1, zero2, zero3 or fsdp, over the GPUs of the hardware"
    )
    framework: Name | None = Field(
        None,
        description="training: transformers, unsloth, torchtune, axolotl, llama-factory, deepspeed, litgpt, "
        "pytorch",
    )

    @field_validator("train", "target_modules", "optimizer", "precision", "sharding", mode="before")
    @classmethod
    def _lower(cls, value: object) -> object:
        return value.strip().lower() if isinstance(value, str) else value


def memory(query: MemoryQuery) -> Document:
    """The memory breakdown of one model.

    Raises:
        NoAnswerError: The model or a device is not known, or its architecture is not.
        UsageError: A value that no engine takes, or training options without `train`.
    """
    if query.train is not None:
        if given := sorted(query.model_fields_set & SERVING_KEYS):
            raise UsageError(
                f"`{given[0]}` says how to serve, not how to train.", hint="Leave it or `train` out."
            )
        from tools.commands.training import training

        return training(query, TRAINING_KEYS)
    model, note = model_named(query.model)
    machine: Machine | None = None
    notes: tuple[str, ...] = ()
    if query.hardware is not None:
        machine, notes = machine_named(query.hardware)
    document = _inference(query, model, machine)
    document["caveats"] += notes
    if note:
        document["note"] = note
    return with_facts(document, model)


def _inference(query: MemoryQuery, model: ModelRecord, machine: Machine | None) -> Document:
    given = [key for key in TRAINING_KEYS if getattr(query, key) is not None]
    if given:
        raise UsageError(
            f"`{given[0]}` says how to train, but `train` is missing.",
            hint="Add train: full, lora, qlora or scratch.",
        )
    request = engine_request(query, model, machine)
    if request.serving is not None:
        check_serving(engine_named(request.engine, request.quant), request.engine, request.serving)
    estimate = estimate_memory(model, request)
    if query.vision:
        estimate = _seeing(model, request, estimate)
    return memory_document(model, request, estimate)


def _seeing(model: ModelRecord, request: MemoryRequest, estimate: MemoryEstimate) -> MemoryEstimate:
    """The estimate with the projector, which llama.cpp puts on the first device.

    Other engines load it with the weights, where it is counted already.

    Raises:
        UsageError: the model reads no images.
    """
    if not model.vision:
        raise UsageError(f"{model.name} reads no images.", hint="Leave `vision` out.")
    if engine_named(request.engine, request.quant) is not None:
        return estimate
    return beside_projector(model, estimate, 0) or replace(estimate, caveats=(*estimate.caveats, UNKNOWN))


def usual_format(model: ModelRecord, engine: str | None = None) -> tuple[str, str]:
    """Quantization and engine where they are not named: what models of this kind are published for.

    Raises:
        UsageError: an engine that is not known.
    """
    if is_encoder(model):
        return "F16", engine or "transformers"
    name = engine or DEFAULTS.engine
    native, other = published_quant(model), engine_named(name, "")
    if native is not None and (other is None or native in other.formats):
        return native, name
    return default_quant(name), name


def engine_request(query: EngineRequest, model: ModelRecord, machine: Machine | None) -> MemoryRequest:
    """The memory engine's request; what was not given takes the default."""
    quant, engine = usual_format(model, query.engine)
    return MemoryRequest(
        quant=query.quant or quant,
        context=query.context or DEFAULTS.context,
        kv_cache_type=query.kv_cache_type or DEFAULTS.kv_cache_type,
        engine=engine,
        parallel=query.parallel,
        ubatch_size=query.ubatch_size,
        flash_attention=query.flash_attention,
        hardware=machine,
        gpu_layers=query.gpu_layers,
        cpu_moe=query.cpu_moe,
        cpu_moe_layers=query.cpu_moe_layers,
        swa_full=query.swa_full,
        kv_unified=query.kv_unified,
        kv_offload=query.kv_offload,
        tensor_split=query.tensor_split,
        frontend=query.frontend,
        serving=_serving(query),
    )


def _serving(query: EngineRequest) -> Serving | None:
    """The options of engines other than llama.cpp; None where none was given."""
    given = query.model_fields_set & SERVING_KEYS
    return Serving(**{key: getattr(query, key) for key in given}) if given else None


def memory_document(model: ModelRecord, request: MemoryRequest, estimate: MemoryEstimate) -> Document:
    """The contract's answer of `memory`."""
    caveats = list(estimate.caveats)
    if model.context_length is not None and request.context // request.parallel > model.context_length:
        caveats.append(f"The model reads {model.context_length:,} tokens; the context asked for is larger.")
    engine = engine_named(request.engine, request.quant)
    if engine is not None and not is_encoder(model):
        caveats += support_caveats(model, engine.id, request.quant, request.hardware)
    document: Document = {
        "model": model.name,
        "model_id": model.id,
        "quant": request.quant,
        "engine": request.engine,
        "context": request.context,
        "kv_cache_type": request.kv_cache_type,
        "parallel": request.parallel,
        "weights_bytes": estimate.weights_bytes,
        "kv_cache_bytes": estimate.kv_cache_bytes,
        "compute_bytes": estimate.compute_bytes,
        "overhead_bytes": estimate.overhead_bytes,
        "total_bytes": estimate.total_bytes,
        "host_bytes": estimate.host_bytes,
        "file_bytes": estimate.file_bytes,
        "low_bytes": estimate.low_bytes,
        "high_bytes": estimate.high_bytes,
        "exact": estimate.exact,
        "per_device": [device_json(device) for device in estimate.per_device],
        "inputs": dict(estimate.inputs),
        "formula": estimate.formula,
        "basis": [evidence_json(evidence) for evidence in estimate.basis],
        "caveats": caveats,
    }
    if request.hardware is not None:
        document |= _held_against(request.hardware, estimate)
    if estimate.pool is not None:
        document["pool"] = pool_document(estimate.pool)
    if engine is not None and not is_encoder(model):
        document["difference"] = difference_documents(model, request, estimate)
    return document


def _held_against(machine: Machine, estimate: MemoryEstimate) -> Document:
    """What the named machine offers, and whether every part has room (None where that is not known)."""
    available = machine.accelerator_bytes if machine.devices else machine.ram_bytes
    room = room_of(machine)
    return {
        "hardware": machine.name,
        "available_bytes": available,
        "usable_bytes": sum(room.device_bytes) if machine.devices else room.host_bytes,
        "fits": _fits(machine, estimate),
        "assumptions": list(machine.assumptions),
    }


def _fits(machine: Machine, estimate: MemoryEstimate) -> bool | None:
    pool = estimate.pool
    if pool is not None and not all(
        share.kv_cache_bytes <= place.kv_pool_bytes
        for share, place in zip(estimate.per_device, pool.per_device, strict=True)
    ):
        return False
    held = all(
        share.total_bytes <= device.memory_bytes
        for share, device in zip(estimate.per_device, machine.devices, strict=False)
    )
    in_ram = estimate.host_bytes + (0 if machine.devices else estimate.total_bytes)
    if machine.ram_bytes is None:
        # An unknown system memory decides nothing where (almost) all is on the accelerators.
        return held if machine.devices and estimate.host_bytes < 2 << 30 else (False if not held else None)
    return held and in_ram <= machine.ram_bytes
