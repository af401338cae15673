"""The catalog in memory: every part is read from its data file once, when it is first asked for."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import cache, cached_property
from pathlib import Path
from typing import Any, Protocol, TypeVar

from pydantic import TypeAdapter, ValidationError

from knowledge.catalog.added import added_folder, read_added
from knowledge.catalog.benchmarks import Benchmarks
from knowledge.catalog.overlay import EMPTY, FieldChange, ModelChange, Overlay, load_overlay
from knowledge.catalog.records import (
    Accelerator,
    Engine,
    License,
    ModelRecord,
    Quantization,
    Record,
    SystemMemory,
)
from knowledge.catalog.sources import Sources
from knowledge.catalog.support import EngineSupport

DATA = Path(__file__).resolve().parent / "data"
R = TypeVar("R", bound=Record)
_log = logging.getLogger("llm_advisor.refresh")


class _Cached(Protocol):
    def cache_clear(self) -> None: ...


F = TypeVar("F", bound=_Cached)


class Catalog:
    """What is known of models, hardware, licenses, engines and quantizations.

    Records come from the data files beside this module and are validated on reading. A record that a person
    added goes into `with_models`, what was refreshed into `with_overlay`; both leave this catalog as it is.
    """

    def __init__(
        self,
        folder: Path = DATA,
        extra_models: tuple[ModelRecord, ...] = (),
        overlay: Overlay = EMPTY,
    ) -> None:
        self._folder = folder
        self._extra = extra_models
        self.overlay = overlay

    def with_models(self, models: tuple[ModelRecord, ...]) -> Catalog:
        """A catalog that also holds `models`; on equal ids they come first."""
        return Catalog(self._folder, (*models, *self._extra), self.overlay)

    def with_overlay(self, overlay: Overlay) -> Catalog:
        """A catalog whose bundled records stand with what was refreshed of them."""
        return Catalog(self._folder, self._extra, overlay)

    def _read(self, name: str, kind: type[R]) -> tuple[R, ...]:
        data = (self._folder / name).read_bytes()
        return TypeAdapter(tuple[kind, ...]).validate_json(data)  # type: ignore[valid-type]

    @cached_property
    def models(self) -> tuple[ModelRecord, ...]:
        """All models, the added ones first."""
        own = {record.id for record in self._extra}
        bundled = self._read("models.json", ModelRecord)
        newer = {change.id: change for change in self.overlay.models}
        if newer:
            bundled = tuple(refreshed(r, newer[r.id]) if r.id in newer else r for r in bundled)
        return (*self._extra, *(record for record in bundled if record.id not in own))

    @cached_property
    def by_id(self) -> dict[str, ModelRecord]:
        """Models by Hub id in lower case; a second Hub id of the same weights leads to the same record."""
        found = {record.id.lower(): record for record in self.models}
        for record in self.models:
            for alias in record.aliases:
                if "/" in alias:
                    found.setdefault(alias.lower(), record)
        return found

    def model(self, model_id: str) -> ModelRecord | None:
        """The model of a Hub id, in any case; None where the catalog has none."""
        return self.by_id.get(model_id.lower())

    @cached_property
    def accelerators(self) -> tuple[Accelerator, ...]:
        """GPUs, Apple chips and other accelerators."""
        return self._read("accelerators.json", Accelerator)

    @cached_property
    def system_memory(self) -> tuple[SystemMemory, ...]:
        """Memory classes with their theoretical bandwidth."""
        return self._read("system_memory.json", SystemMemory)

    @cached_property
    def licenses(self) -> dict[str, License]:
        """Licenses by id."""
        return {record.id: record for record in self._read("licenses.json", License)}

    def license_of(self, record: ModelRecord) -> License | None:
        """The license of a model; where families carry one tag with different texts, the family's own."""
        if record.license is None:
            return None
        own = self.licenses.get(f"{record.license}@{record.family}")
        return own or self.licenses.get(record.license)

    @cached_property
    def engines(self) -> dict[str, Engine]:
        """Inference engines by id."""
        return {record.id: record for record in self._read("engines.json", Engine)}

    @cached_property
    def engine_support(self) -> dict[str, EngineSupport]:
        """Architectures and weight formats by engine id; engines that read GGUF files are not in it."""
        return {record.id: record for record in self._read("engine_support.json", EngineSupport)}

    @cached_property
    def quantizations(self) -> dict[str, Quantization]:
        """Weight formats by id."""
        return {record.id: record for record in self._read("quantizations.json", Quantization)}

    @cached_property
    def benchmarks(self) -> Benchmarks:
        """Published scores."""
        return Benchmarks(self._folder / "benchmarks.json", self._folder / "boards.json", self.overlay.scores)

    @cached_property
    def _sources(self) -> Sources:
        return Sources(self._folder / "sources.json")

    def sources(self, model_id: str) -> dict[str, str]:
        """Where each field of a model comes from; `*` is the source of the rest."""
        record = self.model(model_id)
        if record is not None and record.added is not None:
            return record.added.sources
        if record is None:
            return {}
        newer = self.refreshed(record.id)
        own = {c.field: _source_words(c, newer) for c in newer.changes} if newer is not None else {}
        return self._sources.of(record.id) | own

    def refreshed(self, model_id: str) -> ModelChange | None:
        """What was refreshed of a model and holds; None where nothing was, or the bundled row is newer."""
        change = self.overlay.of_model(model_id)
        record = self.model(model_id)
        holds = change is not None and record is not None and record.as_of == change.fetched
        return change if holds else None


def _source_words(change: FieldChange, of: ModelChange) -> str:
    was = "unknown" if change.was is None else shown_value(change.was)
    told = f" ({change.was_source})" if change.was_source else ""
    return f"refreshed on {of.fetched} from {of.source}; bundled: {was}{told}"


def shown_value(value: object) -> str:
    """A field's value in a line; of a shape its sizes."""
    if isinstance(value, dict):
        return ", ".join(f"{key} {shown_value(part)}" for key, part in value.items())
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def refreshed(record: ModelRecord, change: ModelChange) -> ModelRecord:
    """A bundled record with what was refreshed of it; alone where it is newer, or they do not go together."""
    if change.fetched < record.as_of:
        return record
    fields: dict[str, Any] = {one.field: one.value for one in change.changes}
    shape = fields.pop("architecture", None)
    stored = record.model_dump()
    if shape is not None:
        stored["architecture"] = shape
    try:
        return ModelRecord.model_validate({**stored, **fields, "as_of": change.fetched})
    except ValidationError as error:
        _log.warning("what was refreshed of %s is left out: %s", record.id, type(error).__name__)
        return record


_FOLLOWERS: list[Callable[[], None]] = []


def follows_models(cached: F) -> F:
    """Marks a cached function whose results change when a person adds, removes or refreshes models."""
    _FOLLOWERS.append(cached.cache_clear)
    return cached


@cache
def bundled_catalog() -> Catalog:
    """The catalog as it ships, without anything that a person added or refreshed."""
    return Catalog()


@follows_models
@cache
def load_catalog() -> Catalog:
    """The catalog with what was refreshed and the models that a person added, read once in a process."""
    own, newer = read_added(added_folder()), load_overlay()
    found = bundled_catalog() if newer == EMPTY else bundled_catalog().with_overlay(newer)
    return found.with_models(own) if own else found


def forget_added() -> None:
    """Makes the next `load_catalog` read the state folder again, and forgets what was computed from it."""
    load_overlay.cache_clear()
    for clear in _FOLLOWERS:
        clear()
