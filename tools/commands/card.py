"""The card of a model: everything known of it in one document, for the screen that shows it."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from knowledge.catalog.records import ApiModel, ModelRecord
from knowledge.catalog.store import load_catalog
from knowledge.errors import AdvisorError
from tools.calibrated import measurements_of
from tools.commands.benchmarks import BenchmarksQuery, benchmarks, results_of
from tools.commands.catalog import ModelQuery, show_model
from tools.commands.compare import DEFAULT_TASK
from tools.commands.facts import with_facts
from tools.commands.lookups import CHAT_MODES, any_model_named, machine_named
from tools.commands.memory import DEFAULTS, memory_document, usual_format
from tools.commands.requests import Name, Request, Text, Tokens
from tools.commands.task_words import TaskWord
from tools.hardware_types import Machine
from tools.memory.estimate import estimate_memory
from tools.memory.generic import is_encoder
from tools.memory.types import MemoryRequest
from tools.quality import quality_of
from tools.quant_loss import quality_loss
from tools.scores import row_weight
from tools.successor import usual_task
from tools.task_mix import api_quality_for

Document = dict[str, Any]
CONTEXTS = (8192, 32768)
"""Tokens whose memory is always told, as far as the model reads them."""


class CardQuery(Request):
    """Whose card, and for what: the configuration and the machine that its memory is held against."""

    model: Name = Field(description="name, alias, hub id, Ollama tag or API model")
    task: TaskWord | None = Field(None, description="what the model is for; orders the benchmarks")
    hardware: Text | None = Field(None, description="the machine in words")
    context: Tokens | None = Field(None, description="tokens that are needed")
    parallel: int = Field(1, ge=1, le=4096, description="conversations held at once")
    quant: Name | None = Field(None, description="quantization of the weights")
    kv_cache_type: Name | None = Field(None, description="type of the KV cache")
    engine: Name | None = Field(None, description="inference engine")
    gpu_layers: int | None = Field(None, ge=0, le=10_000, description="layers on the accelerators")
    cpu_moe_layers: int | None = Field(
        None, ge=0, le=10_000, description="layers whose experts are in system memory"
    )


def model_card(query: CardQuery) -> Document:
    """The answer of `models show` with `task`, `quality`, `benchmarks` and `memory`.

    `benchmarks` are those of the command, the ones that say most about the task first; `memory` is a list of
    the command's documents, one for each context, and holds `needed` where that context was asked for;
    `measured_here` is there where `bench` measured the model on this machine.

    Raises:
        NoAnswerError: The model or the device is not known.
    """
    model, _ = any_model_named(query.model)
    document = show_model(ModelQuery(model=query.model))
    own = query.task or DEFAULT_TASK
    task = usual_task(model, own) if isinstance(model, ModelRecord) else own
    document["task"] = task
    document["benchmarks"] = _benchmarks(query.model, model, task)
    if isinstance(model, ApiModel):
        chats = model.mode in CHAT_MODES
        document["quality"] = api_quality_for(model.key, (task,)).as_json() if chats else None
        document["memory"] = []
        return document
    quant = _format(model, query)[0]
    lost = 0.0
    if not is_encoder(model):
        lost = quality_loss(model, quant, query.kv_cache_type or DEFAULTS.kv_cache_type, task)
    document["quality"] = quality_of(model.id, task).less(lost).as_json()
    machine, notes = machine_named(query.hardware) if query.hardware is not None else (None, ())
    document["memory"], document["memory_error"] = _memory(model, query, machine)
    document["hardware_notes"] = list(notes)
    measured = [row.as_json() for row in measurements_of(model.id) if row.generation]
    return document | {"measured_here": measured} if measured else document


def _benchmarks(name: str, model: ModelRecord | ApiModel, task: str) -> Document:
    if not results_of(model):
        return {"results": [], "boards": []}
    document = benchmarks(BenchmarksQuery(model=name))
    weights = {(r.benchmark, r.setting, r.source): row_weight(r, task) for r in results_of(model)}
    document["results"].sort(
        key=lambda r: (-weights.get((r["benchmark"], r["setting"], r["source"]), 0.0), r["benchmark"])
    )
    return document


def _contexts(model: ModelRecord, needed: int | None) -> list[int]:
    """8k, 32k, what is needed and the longest, in order; none above what the model reads but the needed."""
    longest = model.context_length or (model.embedding.max_tokens if model.embedding is not None else None)
    found = {context for context in CONTEXTS if longest is None or context <= longest}
    if needed and longest and is_encoder(model):
        needed = min(needed, longest)
    found |= {context for context in (needed, longest) if context}
    return sorted(found)


def _format(model: ModelRecord, query: CardQuery) -> tuple[str, str]:
    """Quantization and engine that are told of; encoders have only their usual one."""
    if is_encoder(model):
        return usual_format(model)
    quant, engine = usual_format(model, query.engine)
    return query.quant or quant, engine


def _memory(
    model: ModelRecord, query: CardQuery, machine: Machine | None
) -> tuple[list[Document], Document | None]:
    """The estimates, and why there are none where the architecture is not known."""
    quant, engine = _format(model, query)
    documents = []
    for context in _contexts(model, query.context):
        request = MemoryRequest(
            quant=quant,
            engine=engine,
            context=context * query.parallel,
            parallel=query.parallel,
            kv_cache_type=query.kv_cache_type or DEFAULTS.kv_cache_type,
            hardware=machine,
            gpu_layers=query.gpu_layers,
            cpu_moe_layers=query.cpu_moe_layers,
        )
        try:
            told = with_facts(memory_document(model, request, estimate_memory(model, request)), model)
        except AdvisorError as error:
            return [], error.as_json()
        documents.append(
            told | {"needed": context == query.context, "longest": context == model.context_length}
        )
    return documents, None


def all_names() -> list[str]:
    """Hub ids of the catalog, added models first, then the models behind APIs."""
    from knowledge.catalog.api_models import current_api_models

    return [model.id for model in load_catalog().models] + [model.key for model in current_api_models()]
