"""`models` and `gpus`: what the catalog holds."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from knowledge.catalog.api_models import bundled_price_map, read_price_map
from knowledge.catalog.overlay import load_overlay
from knowledge.catalog.records import Accelerator, ApiModel, Kind, ModelRecord
from knowledge.catalog.store import load_catalog
from knowledge.errors import NoAnswerError
from tools.commands.about import api_relations, relations
from tools.commands.added import shown
from tools.commands.facts import with_facts
from tools.commands.lookups import accelerator_named, any_model_named
from tools.commands.requests import Name, Number, Request
from tools.licensing import judge
from tools.needs import LicenseNeed
from tools.roles.common import features_of_model
from tools.successor import shown_tasks, standing_of, superseded_line

Document = dict[str, Any]
Billions = Annotated[float, Number, Field(ge=0, le=1e6, allow_inf_nan=False)]


class ModelsQuery(Request):
    """Request of `models list`."""

    text: Name | None = Field(None, description="only models whose id or family holds this")
    kind: Kind | None = Field(
        None, description="chat, base, code, reasoning, vision, embedding, reranker, encoder"
    )
    license: Name | None = Field(None, description="only models under this license id")
    commercial: bool = Field(False, description="only models whose license allows commercial use")
    min_params: Billions | None = Field(None, description="billions of parameters, at least")
    max_params: Billions | None = Field(None, description="billions of parameters, at most")
    added: bool = Field(False, description="only models that you added")


class ModelQuery(Request):
    """Request of `models show`."""

    model: Name = Field(description="name, alias, hub id, Ollama tag or API model")


class GpusQuery(Request):
    """Request of `gpus list`."""

    text: Name | None = Field(None, description="only accelerators whose name, maker or class holds this")
    min_memory: Billions | None = Field(None, description="memory in GB, at least")


class GpuQuery(Request):
    """Request of `gpus show`."""

    gpu: Name = Field(description="name of an accelerator")


def list_models(query: ModelsQuery) -> Document:
    """The models that pass the filters, by id.

    Raises:
        NoAnswerError: No model passes.
    """
    kept = sorted(
        (model for model in load_catalog().models if _passes(model, query)), key=lambda m: m.id.lower()
    )
    if not kept:
        if query.added and not any(model.added for model in load_catalog().models):
            raise NoAnswerError(
                "You added no model yet.", hint="`llm-advisor models add --help` tells how.", code="no_model"
            )
        raise NoAnswerError(
            "No model of the catalog passes these filters.", hint="Leave one of them away.", code="no_model"
        )
    return with_facts({"count": len(kept), "models": [_summary(model) for model in kept]})


def _passes(model: ModelRecord, query: ModelsQuery) -> bool:
    size = model.params_b
    return (
        (model.added is not None or not query.added)
        and (query.text is None or query.text.lower() in f"{model.id} {model.family}".lower())
        and (query.kind is None or model.kind == query.kind)
        and (query.license is None or (model.license or "").lower() == query.license.lower())
        and (not query.commercial or model.commercial_use in ("yes", "conditional"))
        and (query.min_params is None or (size is not None and size >= query.min_params))
        and (query.max_params is None or (size is not None and size <= query.max_params))
    )


def _summary(model: ModelRecord) -> Document:
    return {
        "model": model.name,
        "model_id": model.id,
        "kind": model.kind,
        "family": model.family,
        "params_b": model.params_b,
        "active_b": None if model.params_active is None else model.params_active / 1e9,
        "context_length": model.context_length,
        "license": model.license,
        "commercial_use": model.commercial_use,
        "release_date": model.release_date,
        "added": model.added.location if model.added is not None else None,
    }


def show_model(query: ModelQuery) -> Document:
    """Everything known of one model, with the source of each field.

    Raises:
        NoAnswerError: The model is not known.
    """
    model, note = any_model_named(query.model)
    facts = shown(model) if isinstance(model, ModelRecord) else model.model_dump(mode="json")
    document: Document = {"model": getattr(model, "name", None) or query.model, **facts}
    if isinstance(model, ModelRecord):
        catalog = load_catalog()
        document["model_id"] = model.id
        document["features"] = list(features_of_model(model))
        document["license_terms"] = judge(
            model, LicenseNeed(use="any"), catalog.license_of(model)
        ).figure.as_json()
        document |= relations(model)
        document["sources"] = catalog.sources(model.id)
        document["standings"] = _standings(model)
        if (newer := catalog.refreshed(model.id)) is not None:
            document["refreshed"] = newer.model_dump(mode="json")
    else:
        document |= {"model": model.key, "model_id": model.key, "sources": {"*": model.source}}
        document |= _repriced(model)
        document |= api_relations(model)
    if note:
        document["note"] = note
    return with_facts(document, model)


def _repriced(model: ApiModel) -> Document:
    """What the price map of the package says otherwise, where a newer one was taken."""
    newer = read_price_map().newer.get(model.key)
    old = bundled_price_map().record(model.key)
    if newer is None:
        return {}
    now = model.model_dump()
    was = old.model_dump() if old is not None else dict.fromkeys(now)
    changes = [
        {"field": name, "value": value, "was": was[name], "was_source": was["source"] or ""}
        for name, value in now.items()
        if name != "source" and value != was[name]
    ]
    row = next(row for row in load_overlay().prices if row.key == model.key)
    return {"refreshed": {"changes": changes, "source": row.source, "fetched": row.fetched}}


def _standings(model: ModelRecord) -> list[Document]:
    """What beats the model now, by task; nothing for a model that a person added."""
    tasks = shown_tasks(model) if model.added is None else ()
    found = [standing for task in tasks if (standing := standing_of(model.id, task)) is not None]
    return [{**standing.as_json(), "line": superseded_line(standing)} for standing in found]


def list_gpus(query: GpusQuery) -> Document:
    """The accelerators that pass the filters.

    Raises:
        NoAnswerError: None passes.
    """
    kept = [gpu for gpu in load_catalog().accelerators if _gpu_passes(gpu, query)]
    if not kept:
        raise NoAnswerError(
            "No accelerator of the catalog passes these filters.",
            hint="Leave one of them away.",
            code="no_gpu",
        )
    return with_facts({"count": len(kept), "gpus": [gpu.model_dump(mode="json") for gpu in kept]})


def _gpu_passes(gpu: Accelerator, query: GpusQuery) -> bool:
    words = f"{gpu.name} {gpu.vendor} {gpu.cls} {gpu.architecture or ''}".lower()
    memory = max((gpu.memory_gb or 0.0, *gpu.memory_options_gb))
    return (query.text is None or query.text.lower() in words) and (
        query.min_memory is None or memory >= query.min_memory
    )


def show_gpu(query: GpuQuery) -> Document:
    """Everything known of one accelerator.

    Raises:
        NoAnswerError: It is not known, or several could be meant.
    """
    gpu = accelerator_named(query.gpu)
    return with_facts(gpu.model_dump(mode="json"), gpu)
