"""Model records from models.json and architectures.json."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import cast

from knowledge.catalog.lineage import Inherited, inherited, strictest
from knowledge.catalog.parameters import implied_parameters
from knowledge.catalog.records import Architecture, EmbeddingFacts, License, ModelRecord
from knowledge.catalog.tokens import tokens
from knowledge.shapes.draft import COUNTED_ATTENTION
from knowledge.shapes.families import FAMILIES, Family
from knowledge.shapes.from_config import built_architecture
from knowledge.shapes.rows import Row, integer, text
from knowledge.shapes.settle import CONFIRMED, NEXTN_SHARE, TOWER_SHARE
from scripts.catalog.aliases import MODEL_ALIASES
from scripts.catalog.languages import language_codes
from scripts.catalog.measured import measured_architecture
from scripts.catalog.tables import american

READ_THE_LICENSE = "license not known or not read: read the license before commercial use"
NOT_READ = "the text itself was not read here: read the license"
FIELD_NAMES = {
    "kind": "kind",
    "params_total": "params_total",
    "params_active": "params_active",
    "n_layers": "architecture.layers",
    "hidden_size": "architecture.hidden",
    "n_heads": "architecture.heads",
    "n_kv_heads": "architecture.kv_heads",
    "head_dim": "architecture.head_dim",
    "intermediate_size": "architecture.ff",
    "moe_experts": "architecture.experts.count",
    "moe_experts_per_token": "architecture.experts.used",
    "moe_intermediate": "architecture.experts.ff",
    "vocab_size": "architecture.vocab",
    "tied_embeddings": "architecture.tied",
    "attention": "architecture.attention",
    "context_length": "context_length",
    "embedding_dim": "embedding.dimensions",
    "embedding_dims_mrl": "embedding.dimensions_mrl",
    "max_seq": "embedding.max_tokens",
    "embedding_params": "embedding.backbone_params",
    "memory_mb": "embedding.memory_mb",
    "hf_downloads": "downloads",
}
# A published model that the tables hold only as an architecture.
EXTRA_MODELS: tuple[Row, ...] = (
    {
        "hf_id": "state-spaces/mamba2-2.7b",
        "measured": "Mamba2-2.7B",
        "family": "Mamba 2",
        "kind": "base",
        "as_of": "2026-11-20",
        "source": "architectures.json (Mamba2-2.7B)",
    },
)
_KEY = ("n_layers", "hidden_size", "n_heads", "moe_experts", "moe_intermediate")


class Builder:
    """Builds all records, so that models of one shape can share what is known of it."""

    def __init__(
        self, rows: Sequence[Row], architectures: Mapping[str, Row], licenses: Sequence[License]
    ) -> None:
        self._rows = [*rows, *EXTRA_MODELS]
        self._licenses = {item.id: item for item in licenses}
        self._by_id = {str(row["hf_id"]): row for row in self._rows}
        self._measured: dict[str, Architecture] = {}
        self._names: dict[str, list[str]] = {}
        self._shapes: dict[tuple[object, ...], Architecture] = {}
        for name, entry in architectures.items():
            hub_id = str(entry["hf_id"] or next(r["hf_id"] for r in EXTRA_MODELS if r["measured"] == name))
            self._measured[hub_id] = measured_architecture(entry)
            self._names.setdefault(hub_id, []).append(name)
            row = self._by_id.get(hub_id)
            if row is not None and _key(row) is not None:
                self._shapes[cast("tuple[object, ...]", _key(row))] = self._measured[hub_id]
        self._donors = self._find_donors()
        self._ties = self._find_ties()
        self._solved = self._find_solved()

    def records(self) -> list[ModelRecord]:
        """Every row as a record; none is freer than what it was made from."""
        found = [self._record(row) for row in self._rows]
        by_id = {record.id.lower(): record for record in found}
        return [
            self._bound(record, inherited(record, lambda name: by_id.get(name.lower()))) for record in found
        ]

    def _bound(self, record: ModelRecord, bases: Sequence[Inherited]) -> ModelRecord:
        """The record with the class of the strictest license that binds it."""
        known = [self._licenses[str(base.license)] for base in bases if base.license in self._licenses]
        use = strictest([record.commercial_use, *(item.commercial_use for item in known)])
        if use == record.commercial_use:
            return record
        words = "; ".join(f"bound by {base.license} of its base {base.base}" for base in bases)
        return record.model_copy(update={"commercial_use": use, "commercial_condition": words})

    def sources(self) -> dict[str, dict[str, str]]:
        """Source of each field, by model."""
        return {str(row["hf_id"]): self._sources(row) for row in self._rows}

    def _find_donors(self) -> dict[tuple[object, ...], Row]:
        """Rows with a full `attention` field, by shape: siblings that lack it take it from them."""
        donors: dict[tuple[object, ...], Row] = {}
        for row in self._rows:
            key, attention = _key(row), cast("dict[str, object] | None", row.get("attention"))
            if key is None or not attention:
                continue
            best = donors.get(key)
            if best is None or len(attention) > len(cast("dict[str, object]", best["attention"])):
                donors[key] = row
        return donors

    def _find_ties(self) -> dict[tuple[object, ...], bool]:
        """Tied embeddings by shape: confirmed by a text model's parameter count, else as published."""
        stated_ties: dict[tuple[object, ...], bool] = {}
        ties: dict[tuple[object, ...], bool] = {}
        for row in self._rows:
            key, family = _tie_key(row), FAMILIES.get(str(row.get("model_type")))
            if key is None or family is None:
                continue
            source = cast("Mapping[str, str]", row.get("field_sources") or {}).get("tied_embeddings", "")
            if row.get("tied_embeddings") is not None and "class default" not in source:
                stated_ties[key] = bool(row["tied_embeddings"])
            built = None if family.wrapper else built_architecture(row)
            stated = integer(row, "params_total")
            implied = None if built is None else implied_parameters(built)
            fits = stated and implied and abs(stated - implied) <= CONFIRMED * stated
            if fits and built is not None and built.tied is not None:
                ties[key] = built.tied
        return stated_ties | ties

    def _architecture(self, row: Row) -> Architecture | None:
        hub_id = str(row["hf_id"])
        if hub_id in self._measured:
            return _with_tower(self._measured[hub_id], row)
        key = _key(row)
        if key is None:
            return None
        row = dict(row)
        donor = self._donors.get(key)
        if row.get("model_type") is None and donor is not None:
            row["model_type"] = donor.get("model_type")
        shared = self._shapes.get(_key(row) or ())
        if shared is not None:
            architecture = _with_tower(_adapted(shared, row), row)
            if _plausible(architecture, row):
                return architecture
        tie = _tie_key(row)
        if FAMILIES.get(str(row["model_type"]), Family(None)).wrapper and tie in self._ties:
            row["tied_embeddings"] = self._ties[tie]
            row["field_sources"] = {"tied_embeddings": "text model of the same shape"}
        built = built_architecture(row, donor if donor is not row else None)
        if built is None or built.measured:
            return built
        wrapper = FAMILIES.get(str(row["model_type"]), Family(None)).wrapper
        solved = self._solved.get(key) if wrapper else None
        return built if solved is None else _with_tower(_adapted(solved, row), row)

    def _find_solved(self) -> dict[tuple[object, ...], Architecture]:
        """Text models whose layers the parameter count told; wrappers of the same shape take them over."""
        solved: dict[tuple[object, ...], Architecture] = {}
        for row in self._rows:
            key, family = _key(row), FAMILIES.get(str(row.get("model_type")))
            if key is None or family is None or family.wrapper:
                continue
            built = built_architecture(row)
            if built is not None and (built.measured or COUNTED_ATTENTION in built.approximations):
                solved.setdefault(key, built)
        return solved

    def _record(self, row: Row) -> ModelRecord:
        hub_id = str(row["hf_id"])
        architecture = self._architecture(row)
        license_id = text(row, "license")
        commercial = text(row, "commercial_use") or self._commercial(license_id)
        condition = american(text(row, "commercial_condition"))
        if commercial == "unknown":
            condition = f"{READ_THE_LICENSE} ({condition})" if condition else READ_THE_LICENSE
        elif license_id in self._licenses and not self._licenses[license_id].verified:
            condition = f"{condition or commercial}; {NOT_READ}"
        active = integer(row, "params_active")
        aliases = [*self._names.get(hub_id, ()), *cast("list[str]", row.get("aliases", []))]
        aliases += MODEL_ALIASES.get(hub_id, ())
        own_name = tokens(hub_id.split("/")[-1])
        params = integer(row, "params_total")
        if params is None and architecture is not None:
            params = implied_parameters(architecture, context_length=integer(row, "context_length"))
        return ModelRecord.model_validate(
            {
                "id": hub_id,
                "family": row["family"],
                "kind": row["kind"],
                "params_total": params,
                "params_active": None if active == params else active,
                "context_length": integer(row, "context_length"),
                "license": license_id,
                "commercial_use": commercial,
                "commercial_condition": condition,
                "languages": language_codes(cast("Iterable[str]", row.get("languages") or ())),
                **{name: row.get(name) for name in ("multilingual", "tool_calling", "thinking", "vision")},
                **{
                    name: row.get(name)
                    for name in ("release_date", "ollama_tag", "gguf_available", "gguf_repo")
                },
                "downloads": integer(row, "hf_downloads") or None,
                "aliases": tuple(dict.fromkeys(alias for alias in aliases if tokens(alias) != own_name)),
                "inherited_from": text(row, "inherited_from"),
                "architecture": architecture,
                "embedding": _embedding(row),
                "as_of": row["as_of"],
            }
        )

    def _commercial(self, license_id: str | None) -> str:
        if license_id is None or license_id not in self._licenses:
            return "unknown"
        return self._licenses[license_id].commercial_use

    def _sources(self, row: Row) -> dict[str, str]:
        hub_id = str(row["hf_id"])
        fields = cast("Mapping[str, str]", row.get("field_sources") or {})
        sources = {FIELD_NAMES.get(field, field): american(source) or "" for field, source in fields.items()}
        if hub_id in self._measured:
            names = ", ".join(self._names[hub_id])
            sources["architecture"] = f"tensor list of llama.cpp ({names}); reproduces the parameter count"
        sources["*"] = american(text(row, "source")) or ""
        return sources


def _key(row: Row) -> tuple[object, ...] | None:
    values = tuple(row.get(name) for name in _KEY)
    if None in values[:3]:
        return None
    dense = None if row.get("moe_experts") else row.get("intermediate_size")
    family = FAMILIES.get(str(row.get("model_type")))
    if family is None:
        return (*values, dense, row.get("model_type"))
    return (*values, dense, family.arch, family.window is not None, family.sparse)


def _tie_key(row: Row) -> tuple[object, ...] | None:
    values = (
        row.get("n_layers"),
        row.get("hidden_size"),
        row.get("vocab_size"),
        row.get("intermediate_size"),
    )
    return None if None in values else values


def _adapted(architecture: Architecture, row: Row) -> Architecture:
    """A measured shape for a sibling, with the sibling's own vocabulary."""
    vocab = integer(row, "vocab_size")
    padded = architecture.arch in ("gemma3", "gemma3n")
    if vocab is None or vocab == architecture.vocab or padded:
        return architecture
    return architecture.model_copy(update={"vocab": vocab})


def _with_tower(architecture: Architecture, row: Row) -> Architecture:
    """Name what the stored parameters hold beside the text model."""
    family = FAMILIES.get(str(row.get("model_type")), Family(None))
    stated, implied = integer(row, "params_total"), implied_parameters(architecture)
    if stated is None or implied is None or stated - implied <= CONFIRMED * stated:
        return architecture
    if family.wrapper:
        return architecture.model_copy(
            update={"extra": {**architecture.extra, "vision_params": stated - implied}}
        )
    if family.nextn:
        return architecture.model_copy(update={"extra": {**architecture.extra, "nextn_predict_layers": 1}})
    return architecture


def _plausible(architecture: Architecture, row: Row) -> bool:
    family = FAMILIES.get(str(row.get("model_type")), Family(None))
    stated, implied = integer(row, "params_total"), implied_parameters(architecture)
    if stated is None or implied is None:
        return architecture.arch in ("gemma3n", "gemma4")
    over = TOWER_SHARE if family.wrapper else NEXTN_SHARE if family.nextn else CONFIRMED
    return -CONFIRMED * stated <= stated - implied <= over * stated


def _embedding(row: Row) -> EmbeddingFacts | None:
    if row["kind"] not in ("embedding", "reranker"):
        return None
    return EmbeddingFacts(
        dimensions=integer(row, "embedding_dim"),
        dimensions_mrl=tuple(sorted(cast("list[int]", row.get("embedding_dims_mrl") or []))),
        max_tokens=integer(row, "max_seq"),
        late_interaction=bool(row.get("late_interaction")),
        backbone_params=integer(row, "embedding_params"),
        memory_mb=integer(row, "memory_mb"),
    )
