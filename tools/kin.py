"""Which models belong together: siblings of a family and size, and originals of derivatives."""

from __future__ import annotations

from functools import cache

from knowledge.catalog.records import ModelRecord
from knowledge.catalog.store import follows_models, load_catalog

GROUP_OF_KIND = {"embedding": "embedder", "reranker": "reranker"}
SAME_SIZE = 0.12
"""How far the parameters of two models of one size may be apart."""
Shape = tuple[object, ...]


def group_of(model: ModelRecord) -> str:
    """generator, embedder or reranker: what the model's scores are compared with."""
    return GROUP_OF_KIND.get(model.kind, "generator")


def maker_of(model_id: str) -> str:
    """The organization before the slash of a hub id, in lower case."""
    return model_id.split("/", 1)[0].lower()


@follows_models
@cache
def _families() -> dict[tuple[str, str], tuple[ModelRecord, ...]]:
    """Models that have scores and a date, by group and family."""
    found: dict[tuple[str, str], list[ModelRecord]] = {}
    catalog = load_catalog()
    for model in catalog.models:
        # Without size and date nothing is expected of a model, and its scores tell nothing of its kin.
        dated = model.params_total is not None and model.release_date is not None and model.added is None
        if dated and catalog.benchmarks.for_model(model.id):
            found.setdefault((group_of(model), model.family), []).append(model)
    return {key: tuple(models) for key, models in found.items()}


def siblings_of(model: ModelRecord) -> tuple[ModelRecord, ...]:
    """Measured models of the same family and size: other dates, chat and thinking versions, the base."""
    size = model.params_total
    if not size:
        return ()
    return tuple(
        other
        for other in _families().get((group_of(model), model.family), ())
        if other.id not in (model.id, model.scored_as)
        and abs((other.params_total or 0) / size - 1) <= SAME_SIZE
    )


def _shape(model: ModelRecord) -> Shape | None:
    """Sizes that two models share only where one was made from the other."""
    a = model.architecture
    if a is None or model.params_total is None or model.release_date is None:
        return None
    experts = a.experts.count if a.experts is not None else 0
    return (group_of(model), a.layers, a.hidden, a.heads, a.kv_heads, a.head_dim, a.ff, a.vocab, experts)


@follows_models
@cache
def _shapes() -> dict[Shape, tuple[ModelRecord, ...]]:
    """Models by shape, oldest first."""
    found: dict[Shape, list[ModelRecord]] = {}
    for model in load_catalog().models:
        shape = _shape(model)
        if shape is not None and model.added is None:
            found.setdefault(shape, []).append(model)
    return {shape: tuple(sorted(models, key=_date)) for shape, models in found.items() if len(models) > 1}


def _date(model: ModelRecord) -> str:
    return model.release_date or ""


@follows_models
@cache
def original_of(model_id: str) -> ModelRecord | None:
    """The model that this one was made from: for an added one as its file says, else by its shape.

    A shape with every size and the vocabulary in common belongs to the maker who published it first; of that
    maker's models, the newest that was there before is the original. None where the model is nobody's
    derivative, or its own maker's.
    """
    catalog = load_catalog()
    model = catalog.by_id[model_id.lower()]
    if model.added is not None:
        base = catalog.by_id.get(model.origin_id.lower())
        return base if base is not None and base.id != model.id else None
    shape = _shape(model)
    same = _shapes().get(shape, ()) if shape is not None else ()
    if not same or maker_of(same[0].id) == maker_of(model.id):
        return None
    first = maker_of(same[0].id)
    before = [m for m in same if maker_of(m.id) == first and _date(m) <= _date(model) and m.kind != "base"]
    return before[-1] if before else same[0]
