"""What a source shows of a model, and the record that it becomes beside the catalog."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal

from knowledge.catalog.added import PREFIX, added_name
from knowledge.catalog.lineage import STRICTNESS, inherited, strictest
from knowledge.catalog.names import resolve_model_verbose
from knowledge.catalog.records import (
    Added,
    Architecture,
    CommercialUse,
    EmbeddingFacts,
    Kind,
    ModelRecord,
    OwnTensors,
)
from knowledge.catalog.store import Catalog
from knowledge.errors import AmbiguousNameError, UnknownNameError

READ_THE_LICENSE = "license not known or not read: read the license before commercial use"
INHERITED = (
    "family",
    "kind",
    "languages",
    "multilingual",
    "tool_calling",
    "thinking",
    "vision",
    "release_date",
    "embedding",
    "params_active",
)
"""Facts that hold for the same weights in another format."""


@dataclass(slots=True)
class Sighting:
    """One model as its source shows it; None is what the source does not say."""

    source: Literal["file", "ollama", "hub"]
    location: str
    name: str
    """Suggested name of the record."""
    names: tuple[str, ...] = ()
    """Names under which the catalog may hold the same weights."""
    same_as: tuple[str, ...] = ()
    """Hub ids that the source says this is a quantization of."""
    bases: tuple[str, ...] = ()
    """Hub ids that the source names as base, which may be the same weights or not."""
    revision: str | None = None
    architecture: Architecture | None = None
    tensors: OwnTensors | None = None
    params_total: int | None = None
    params_active: int | None = None
    context_length: int | None = None
    quant: str | None = None
    file_bytes: int | None = None
    kind: Kind | None = None
    family: str | None = None
    license: str | None = None
    languages: tuple[str, ...] = ()
    tool_calling: bool | None = None
    thinking: Literal["yes", "hybrid", "no"] | None = None
    vision: bool | None = None
    release_date: str | None = None
    ollama_tag: str | None = None
    gguf_available: bool | None = None
    gguf_repo: str | None = None
    sources: dict[str, str] = field(default_factory=dict)


def record_of(seen: Sighting, catalog: Catalog, name: str | None, today: date) -> ModelRecord:
    """The record of a sighting, linked to the model of the catalog that it is or comes from.

    Args:
        seen: what the source shows.
        catalog: where the base is looked for.
        name: the person's own name for it; None takes the suggested one.
        today: the day of adding.

    Raises:
        UsageError: a name without a letter or digit.
    """
    base, same = find_base(seen, catalog)
    sources = dict(seen.sources)
    facts = _facts(seen, base, same, sources)
    license_id, use, condition = _license(seen, base, same, catalog, sources)
    added = Added(
        source=seen.source,
        location=seen.location,
        revision=seen.revision,
        day=today.isoformat(),
        file_bytes=seen.file_bytes,
        quant=seen.quant,
        base_model=base.id if base is not None else None,
        bases=() if same else tuple(dict.fromkeys(b for b in seen.bases if b not in seen.same_as)),
        same_weights=same,
        tensors=seen.tensors,
        sources=sources,
    )
    record = ModelRecord(
        id=PREFIX + added_name(name or seen.name),
        params_total=seen.params_total,
        context_length=seen.context_length,
        license=license_id,
        commercial_use=use,
        commercial_condition=condition,
        ollama_tag=seen.ollama_tag,
        gguf_available=seen.gguf_available,
        gguf_repo=seen.gguf_repo,
        architecture=seen.architecture,
        as_of=today.isoformat(),
        added=added,
        **facts,
    )
    return bound_by_bases(record, catalog)


def bound_by_bases(record: ModelRecord, catalog: Catalog) -> ModelRecord:
    """The record with the class of the strictest license among its own and those of its bases."""
    bases = inherited(record, catalog.model)
    known = [catalog.licenses.get(str(base.license)) for base in bases]
    uses = [one.commercial_use if one is not None else "unknown" for one in known]
    use = strictest([record.commercial_use, *uses])
    if use == record.commercial_use:
        return record
    words = "; ".join(
        f"bound by {base.license or 'the unread license'} of its base {base.base}" for base in bases
    )
    return record.model_copy(update={"commercial_use": use, "commercial_condition": words})


def _facts(seen: Sighting, base: ModelRecord | None, same: bool, sources: dict[str, str]) -> dict[str, Any]:
    """What is known of the model itself; of the same weights the catalog knows more, as `sources` tells."""
    facts: dict[str, Any] = {
        "family": seen.family or (seen.architecture.arch if seen.architecture else None) or "unknown",
        "kind": seen.kind or "chat",
        "languages": seen.languages,
        "tool_calling": seen.tool_calling,
        "thinking": seen.thinking,
        "vision": seen.vision,
        "release_date": seen.release_date,
        "embedding": _embedding(seen),
        "params_active": seen.params_active,
    }
    if base is not None:
        for key in INHERITED if same else ("family",):
            value = getattr(base, key)
            if value not in (None, ()):
                facts[key], sources[key] = value, f"the catalog's {base.id}"
    return facts


def _embedding(seen: Sighting) -> EmbeddingFacts | None:
    if seen.kind not in ("embedding", "reranker"):
        return None
    width = seen.architecture.hidden if seen.architecture is not None else None
    return EmbeddingFacts(dimensions=width, max_tokens=seen.context_length)


def find_base(seen: Sighting, catalog: Catalog) -> tuple[ModelRecord | None, bool]:
    """The model of the catalog that this one is or comes from, and whether it is the same weights.

    A name alone proves nothing: the shape has to agree as well.
    """
    for name in seen.same_as:
        found = _catalog_model(catalog, name)
        if found is not None and _same_shape(seen, found):
            return found, True
    for name in dict.fromkeys(seen.names):
        found = _exactly_named(catalog, name)
        if found is not None and _same_shape(seen, found):
            return found, True
    for name in (*seen.same_as, *seen.bases):
        found = _catalog_model(catalog, name)
        if found is not None and _same_shape(seen, found):
            return found, False
    return None, False


def _catalog_model(catalog: Catalog, hub_id: str) -> ModelRecord | None:
    found = catalog.model(hub_id)
    return found if found is not None and found.added is None else None


def _exactly_named(catalog: Catalog, name: str) -> ModelRecord | None:
    try:
        found = resolve_model_verbose(catalog, name)
    except (UnknownNameError, AmbiguousNameError):
        return None
    exact = found.how in ("id", "alias", "name") and found.record.added is None
    return found.record if exact else None


def _same_shape(seen: Sighting, base: ModelRecord) -> bool:
    mine, its = seen.architecture, base.architecture
    if mine is None or its is None:
        close = seen.params_total and base.params_total
        return bool(close) and 0.97 <= seen.params_total / base.params_total <= 1.03  # type: ignore[operator]
    experts = [shape.experts.count if shape.experts is not None else 0 for shape in (mine, its)]
    return (mine.layers, mine.hidden, mine.heads, experts[0]) == (
        its.layers,
        its.hidden,
        its.heads,
        experts[1],
    )


def _license(
    seen: Sighting, base: ModelRecord | None, same: bool, catalog: Catalog, sources: dict[str, str]
) -> tuple[str | None, CommercialUse, str | None]:
    """License id, commercial use and condition.

    The terms of a model bind what derives from it: of the base's license and the one that the source states,
    the stricter one is told. `tools.licensing` holds a use against both.
    """
    own = stated_terms(seen.license, catalog)
    if base is not None and base.license is not None:
        freer = STRICTNESS[own[1]] <= STRICTNESS[base.commercial_use]
        if same or seen.license is None or (freer and base.commercial_use != "yes"):
            stated = f"; the source states {seen.license}" if seen.license else ""
            sources["license"] = f"the terms of {base.id} bind it{stated}"
            return base.license, base.commercial_use, base.commercial_condition
    return own


def stated_terms(license_id: str | None, catalog: Catalog) -> tuple[str | None, CommercialUse, str | None]:
    """License id, commercial use and condition, as a source's own license tag means them."""
    if license_id is None:
        return None, "unknown", READ_THE_LICENSE
    known = catalog.licenses.get(license_id)
    if known is None or known.commercial_use == "unknown":
        return license_id, "unknown", READ_THE_LICENSE
    condition = known.thresholds or known.limits
    if known.commercial_use == "conditional" and not condition:
        condition = "under the conditions of the license"
    return known.id, known.commercial_use, condition if known.commercial_use == "conditional" else None


def unknown_fields(record: ModelRecord) -> list[str]:
    """What the source did not say, for the answer of `models add`."""
    names: Iterable[str] = (
        "architecture",
        "params_total",
        "context_length",
        "license",
        "tool_calling",
        "thinking",
        "vision",
        "release_date",
    )
    found = [name for name in names if getattr(record, name) is None]
    found += [] if record.languages or record.multilingual is not None else ["languages"]
    return found
