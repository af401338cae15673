"""`compare`: models side by side in memory, speed, benchmarks, license and price."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from knowledge.catalog.records import ApiModel, ModelRecord
from knowledge.catalog.store import load_catalog
from knowledge.errors import AdvisorError, UsageError
from tools.brief import brief_of
from tools.candidates import Reason, beside_json
from tools.commands.benchmarks import id_of, name_of, results_of
from tools.commands.facts import with_facts
from tools.commands.lookups import CHAT_MODES, any_model_named, machine_named
from tools.commands.memory import DEFAULTS, Slots, memory_document, usual_format
from tools.commands.requests import Name, Request, Text, Tokens
from tools.commands.task_words import TaskWord
from tools.hardware_types import Machine
from tools.licensing import judge
from tools.memory.estimate import estimate_memory
from tools.memory.generic import is_encoder
from tools.memory.types import MemoryRequest
from tools.needs import Deployment, HardwareNeed, LicenseNeed, Needs, Priority, Slot, Task, TaskNeed
from tools.quant_loss import quality_loss
from tools.roles.common import features_of_model
from tools.speed import estimate_speed
from tools.successor import usual_task
from tools.task_mix import api_quality_for, quality_for
from tools.versus import standing_of, versus

Document = dict[str, Any]
MAX_MODELS = 12
DEFAULT_TASK: Task = "chat"


def _names(value: object) -> object:
    return [part.strip() for part in value.split(",")] if isinstance(value, str) else value


class CompareSettings(Request):
    """How models are compared, whichever they are."""

    quant: Name | None = Field(None, description=f"quantization of the weights (usually {DEFAULTS.quant})")
    context: Tokens = Field(DEFAULTS.context, description="tokens of the engine's context (8192, 32k)")
    parallel: Slots = Field(DEFAULTS.parallel, description="slots: conversations that share the context")
    kv_cache_type: Name = Field(DEFAULTS.kv_cache_type, description="type of the KV cache")
    engine: Name | None = Field(None, description=f"inference engine (usually {DEFAULTS.engine})")
    hardware: Text | None = Field(
        None,
        description="the machine in words; adds speed and whether it fits",
        json_schema_extra={"metavar": "TEXT"},
    )
    task: TaskWord | None = Field(None, description="what the models are for (usually chat)")
    license: Literal["personal", "research", "commercial", "any"] | None = Field(
        None, description="intended use (usually any)"
    )
    priority: Priority = Field("balanced", description="what counts most")


class CompareQuery(CompareSettings):
    """Request of `compare`."""

    models: Annotated[
        tuple[Name, ...], BeforeValidator(_names), Field(min_length=2, max_length=MAX_MODELS)
    ] = Field(description="two or more models: names, hub ids, Ollama tags or API models")


def compare(query: CompareQuery) -> Document:
    """Each model's figures in the same configuration, and the benchmarks that they share.

    Raises:
        NoAnswerError: A model or device is not known.
        UsageError: Two names mean one model.
    """
    found = [any_model_named(name) for name in query.models]
    ids = [id_of(model) for model, _ in found]
    if len(set(ids)) < len(ids):
        double = next(item for item in ids if ids.count(item) > 1)
        raise UsageError(f"`{double}` is named twice.", hint="Name different models.")
    models = [model for model, _ in found]
    document = side_by_side(models, query)
    verdict = _verdict(models, query)
    if verdict is not None:
        document["verdict"] = verdict.as_json()
    if any(note for _, note in found):
        document["note"] = " ".join(note for _, note in found if note)
    return document


def side_by_side(models: Sequence[ModelRecord | ApiModel], settings: CompareSettings) -> Document:
    """The document of `compare` without its verdict, for any number of models.

    Raises:
        NoAnswerError: The device is not known.
    """
    machine, notes = machine_named(settings.hardware) if settings.hardware is not None else (None, ())
    document: Document = {
        "context": settings.context,
        "parallel": settings.parallel,
        "kv_cache_type": settings.kv_cache_type,
        "hardware": machine.name if machine is not None else None,
        "task": settings.task or DEFAULT_TASK,
        "models": [
            _api(model, settings) if isinstance(model, ApiModel) else _local(model, settings, machine)
            for model in models
        ],
        "benchmarks": _shared(models),
        "caveats": list(notes),
    }
    return with_facts(document, *models)


def _verdict(models: list[ModelRecord | ApiModel], query: CompareQuery) -> Reason | None:
    """Which comes first for these needs, and why; without hardware by what does not depend on it."""
    needs = Needs(
        task=Slot(value=TaskNeed(name=query.task or DEFAULT_TASK)), priority=Slot(value=query.priority)
    )
    needs = needs.updated(
        context=Slot(value=query.context // query.parallel),
        concurrency=Slot(value=query.parallel) if query.parallel > 1 else None,
        deployment=Slot(value=Deployment(mode="either")),
        license=Slot(value=LicenseNeed(use=query.license or "any")),
        hardware=Slot(value=HardwareNeed(text=query.hardware or "", none=query.hardware is None)),
    )
    brief = brief_of(needs)
    return versus([standing_of(model, brief) for model in models], brief)


def _local(model: ModelRecord, query: CompareSettings, machine: Machine | None) -> Document:
    license_ = judge(model, LicenseNeed(use="any"), load_catalog().license_of(model)).figure
    task = usual_task(model, query.task or DEFAULT_TASK)
    quant, engine = usual_format(model, query.engine)
    request = MemoryRequest(
        quant=query.quant or quant,
        context=query.context,
        parallel=query.parallel,
        kv_cache_type=query.kv_cache_type,
        engine=engine,
        hardware=machine,
    )
    memory: Document
    try:
        memory = memory_document(model, request, estimate_memory(model, request))
    except AdvisorError as error:
        memory = {"error": error.as_json()}
    return {
        "model": model.name,
        "model_id": model.id,
        "kind": "local",
        "params": {
            "total_b": model.params_b,
            "active_b": None if model.params_active is None else model.params_active / 1e9,
        },
        "context_length": model.context_length,
        "release_date": model.release_date,
        "features": list(features_of_model(model)),
        "license": license_.as_json(),
        "quant": request.quant,
        "engine": request.engine,
        "kv_cache_type": request.kv_cache_type,
        "context": request.context,
        "memory": memory,
        "quality": _quality(model, request, task),
        "speed": _speed(model, request, machine, memory),
        "price": None,
    }


def _quality(model: ModelRecord, request: MemoryRequest, task: Task) -> Document:
    """Expected score at the task in this quantization; specialists are judged by what their kind does."""
    lost = 0.0 if is_encoder(model) else quality_loss(model, request.quant, request.kv_cache_type, task)
    return {"task": task, **quality_for(model.id, (task,)).less(lost).as_json()}


def _speed(
    model: ModelRecord, request: MemoryRequest, machine: Machine | None, memory: Document
) -> Document | None:
    """Expected speed where everything fits on the named machine; None where it does not or is not known."""
    if machine is None or not memory.get("fits"):
        return None
    speed = estimate_speed(
        model,
        request.quant,
        machine,
        engine=request.engine,
        context=request.context // request.parallel,
        gpu_share=1.0,
        parallel=request.parallel,
        kv_cache_type=request.kv_cache_type,
    )
    if speed is None:
        return None
    return {
        "tokens_per_second": {
            "low": round(speed.low, 1),
            "mid": round(speed.mid, 1),
            "high": round(speed.high, 1),
        },
        **beside_json(speed.estimate, speed.here),
        "basis": speed.basis,
    }


def _api(model: ApiModel, settings: CompareSettings) -> Document:
    task = settings.task or DEFAULT_TASK
    chats = model.mode in CHAT_MODES
    flags = {"tool_calling": model.tool_calling, "thinking": model.thinking, "vision": model.vision}
    flags["structured_output"] = model.structured_output
    return {
        "model": model.key,
        "model_id": model.key,
        "kind": "api",
        "params": {"total_b": None, "active_b": None},
        "context_length": model.max_input_tokens,
        "release_date": None,
        "features": [name for name, has in flags.items() if has],
        "license": None,
        "quant": None,
        "engine": None,
        "kv_cache_type": None,
        "context": None,
        "memory": None,
        "quality": {"task": task, **api_quality_for(model.key, (task,)).as_json()} if chats else None,
        "speed": None,
        "price": {
            "input_usd_per_mtok": model.input_usd_per_mtok,
            "output_usd_per_mtok": model.output_usd_per_mtok,
            "cache_read_usd_per_mtok": model.cache_read_usd_per_mtok,
            "ends": model.ends,
            "source": model.source,
        },
    }


def _shared(models: Sequence[ModelRecord | ApiModel]) -> list[Document]:
    """Scores that two models have in one benchmark, setting and source; others do not compare."""
    rows: dict[tuple[str, str, str], Document] = {}
    for model in models:
        for result in results_of(model):
            key = (result.benchmark, result.setting, result.source)
            row = rows.setdefault(
                key,
                {
                    "benchmark": result.benchmark,
                    "setting": result.setting,
                    "unit": result.unit,
                    "higher_is_better": result.higher_is_better,
                    "run_by": result.run_by,
                    "as_of": result.as_of,
                    "source": result.source,
                    "scores": {},
                    "elsewhere": {},
                },
            )
            row["scores"].setdefault(name_of(model), result.score)
    shared = [row for row in rows.values() if len(row["scores"]) > 1]
    for row in shared:
        row["elsewhere"] = _elsewhere(row, models)
    return sorted(shared, key=lambda row: (-len(row["scores"]), row["run_by"], row["benchmark"]))


def _elsewhere(row: Document, models: Sequence[ModelRecord | ApiModel]) -> Document:
    """The newest score in the same benchmark but another setting, of models that have none in this one.

    It is shown, so that what is known is not called unknown, and not compared.
    """
    found: Document = {}
    for model in models:
        if name_of(model) in row["scores"]:
            continue
        others = [r for r in results_of(model) if r.benchmark == row["benchmark"] and r.unit == row["unit"]]
        newest = max(others, key=lambda r: (r.run_by == row["run_by"], r.as_of or ""), default=None)
        if newest is not None:
            found[name_of(model)] = {
                "score": newest.score,
                "setting": newest.setting,
                "run_by": newest.run_by,
                "as_of": newest.as_of,
                "source": newest.source,
            }
    return found
