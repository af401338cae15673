"""The catalog in memory: every part is read from its data file once, when it is first asked for."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, cached_property
from pathlib import Path
from typing import Protocol, TypeVar

from pydantic import TypeAdapter

from knowledge.catalog.added import added_folder, read_added
from knowledge.catalog.benchmarks import Benchmarks
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


class _Cached(Protocol):
    def cache_clear(self) -> None: ...


F = TypeVar("F", bound=_Cached)


class Catalog:
    """What is known of models, hardware, licenses, engines and quantizations.

    Records come from the data files beside this module and are validated on reading. A record that a person
    added goes into `with_models`, which leaves this catalog as it is.
    """

    def __init__(self, folder: Path = DATA, extra_models: tuple[ModelRecord, ...] = ()) -> None:
        self._folder = folder
        self._extra = extra_models

    def with_models(self, models: tuple[ModelRecord, ...]) -> Catalog:
        """A catalog that also holds `models`; on equal ids they come first."""
        return Catalog(self._folder, (*models, *self._extra))

    def _read(self, name: str, kind: type[R]) -> tuple[R, ...]:
        data = (self._folder / name).read_bytes()
        return TypeAdapter(tuple[kind, ...]).validate_json(data)  # type: ignore[valid-type]

    @cached_property
    def models(self) -> tuple[ModelRecord, ...]:
        """All models, the added ones first."""
        own = {record.id for record in self._extra}
        bundled = self._read("models.json", ModelRecord)
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
        return Benchmarks(self._folder / "benchmarks.json", self._folder / "boards.json")

    @cached_property
    def _sources(self) -> Sources:
        return Sources(self._folder / "sources.json")

    def sources(self, model_id: str) -> dict[str, str]:
        """Where each field of a model comes from; `*` is the source of the rest."""
        record = self.model(model_id)
        if record is not None and record.added is not None:
            return record.added.sources
        return {} if record is None else self._sources.of(record.id)


_FOLLOWERS: list[Callable[[], None]] = []


def follows_models(cached: F) -> F:
    """Marks a cached function whose results change when a person adds or removes a model."""
    _FOLLOWERS.append(cached.cache_clear)
    return cached


@cache
def _bundled() -> Catalog:
    return Catalog()


@follows_models
@cache
def load_catalog() -> Catalog:
    """The bundled catalog with the models that a person added, read once in a process."""
    own = read_added(added_folder())
    return _bundled().with_models(own) if own else _bundled()


def forget_added() -> None:
    """Makes the next `load_catalog` read the added models again, and forgets what was computed from them."""
    for clear in _FOLLOWERS:
        clear()
