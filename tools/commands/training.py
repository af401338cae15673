"""`memory` with `train`: what one training run takes on each GPU."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from knowledge.catalog.records import ModelRecord
from knowledge.errors import UsageError
from tools.candidates import evidence_json
from tools.commands.lookups import machine_named, model_named
from tools.hardware_types import Machine
from tools.memory.pretrain import (
    FRAMEWORK,
    PretrainConfig,
    estimate_pretraining,
    pretrain_config,
    usual_request,
)
from tools.memory.training import estimate_training
from tools.memory.training_models import training_model
from tools.memory.training_shape import training_shape
from tools.memory.training_tables import settled
from tools.memory.types import TrainingEstimate, TrainingRequest
from tools.training_plan import training_bytes

if TYPE_CHECKING:
    from tools.commands.memory import MemoryQuery

Document = dict[str, Any]
SHOWN = (
    "sequence_length", "micro_batch_size", "lora_rank", "target_modules", "optimizer", "precision",
    "gradient_checkpointing", "fused_cross_entropy", "flash_attention", "double_quantization",
    "offload_optimizer", "sharding", "framework",
)  # fmt: skip
ADAPTER_KEYS = ("lora_rank", "target_modules", "double_quantization")


def training(query: MemoryQuery, keys: tuple[str, ...]) -> Document:
    """The memory of one training run per GPU.

    Args:
        query: the request, with `train`.
        keys: its training options.

    Raises:
        NoAnswerError: the model or a device is not known, or neither shape nor parameter count are.
        UsageError: a value that no run takes, or adapter options where no adapter is trained.
    """
    assert query.train is not None
    given = {key: getattr(query, key) for key in keys if getattr(query, key) is not None}
    misplaced = [key for key in ADAPTER_KEYS if key in given and query.train in ("full", "scratch")]
    if misplaced:
        raise UsageError(
            f"`{misplaced[0]}` belongs to adapters, but train {query.train} trains all parameters.",
            hint="Leave it out, or use train: lora or qlora.",
        )
    machine, notes = None, tuple[str, ...]()
    if query.hardware is not None:
        machine, notes = machine_named(query.hardware, train=True)
    gpus = len(machine.devices) if machine is not None and machine.devices else 1
    request = TrainingRequest(method=query.train, flash_attention=query.flash_attention, gpus=gpus)
    config = pretrain_config(query.model) if query.train == "scratch" else None
    if config is not None:
        usual = replace(usual_request(config), flash_attention=query.flash_attention, gpus=gpus)
        document = _config_document(config, replace(usual, **given))
    else:
        model, note = training_model(query.model), ""
        if model is None:
            model, note = model_named(query.model)
        if query.train == "scratch":
            request = replace(request, framework=FRAMEWORK)
        document = _model_document(model, replace(request, **given))
        if note:
            document["note"] = note
    if machine is not None:
        document |= _held_against(machine, document)
    document["caveats"] += notes
    return document


def _model_document(model: ModelRecord, request: TrainingRequest) -> Document:
    estimate = estimate_training(model, request)
    document = _document(request, estimate, training_shape(model).vocab)
    return {"model": model.name, "model_id": model.id} | document


def _config_document(config: PretrainConfig, request: TrainingRequest) -> Document:
    document = _document(request, estimate_pretraining(config, request), config.vocab_size)
    return {"model": config.name, "model_id": None, "config": config.as_json()} | document


def _document(request: TrainingRequest, estimate: TrainingEstimate, vocabulary: int) -> Document:
    asked = settled(request)
    adapters = request.method in ("lora", "qlora")
    return {
        "train": request.method,
        **{key: getattr(asked, key) if adapters or key not in ADAPTER_KEYS else None for key in SHOWN},
        "gpus": request.gpus,
        "tokens": request.sequence_length * request.micro_batch_size,
        "vocabulary": vocabulary,
        **training_bytes(estimate),
        "formula": estimate.formula,
        "basis": [evidence_json(evidence) for evidence in estimate.basis],
        "caveats": list(estimate.caveats),
    }


def _held_against(machine: Machine, document: Document) -> Document:
    """What the smallest device offers (or the system memory, without one), and whether the run fits."""
    smallest = min((device.memory_bytes for device in machine.devices), default=machine.ram_bytes)
    return {
        "hardware": machine.name,
        "available_bytes": smallest,
        "fits": None if smallest is None else document["total_bytes"] <= smallest,
        "assumptions": list(machine.assumptions),
    }
