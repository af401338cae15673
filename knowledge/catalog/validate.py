"""Checks of the catalog's facts against each other; each names the record and what is wrong.

Unknown fields and wrong types are refused by the records themselves when they are read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from knowledge.catalog.parameters import implied_parameters
from knowledge.catalog.records import (
    Accelerator,
    Architecture,
    BenchmarkResult,
    Engine,
    License,
    ModelRecord,
)
from knowledge.catalog.store import Catalog
from knowledge.catalog.support import EngineSupport, FormatSupport
from knowledge.catalog.tokens import TUNED, core, tokens

PARAMETERS_WITHIN = 0.03
"""Relative difference allowed between the parameters that a shape implies and the stated ones."""
PREDICTION_BLOCK = 0.045
"""Further share that a multi-token prediction block may hold."""
NAME_FACTOR = 2.0
"""The size in a name and the stated parameters differ by less than this factor."""
EARLIEST = "2017"
CONTEXT_RANGE = (64, 20_000_000)
_SIZE = re.compile(r"(?<![b-z\d.])(a?)(\d+x)?(\d+(?:[._]\d+)?)([bmt])(?![a-z\d])", re.IGNORECASE)
_DATE = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?")
_EXPLAINED = ("weights come from the parameter count", "not counted")


@dataclass(frozen=True, slots=True)
class Finding:
    """One contradiction in the facts."""

    record: str
    rule: str
    message: str


def check_catalog(catalog: Catalog, today: date) -> list[Finding]:
    """All findings on a catalog; empty where it holds together."""
    findings = check_models(catalog.models, catalog.licenses, today)
    findings += check_accelerators(catalog.accelerators, today)
    for board in catalog.benchmarks.names:
        findings += check_results(board, catalog.benchmarks.for_name(board), today)
    architectures = {model.architecture.arch for model in catalog.models if model.architecture is not None}
    findings += check_support(catalog.engine_support.values(), catalog.engines, architectures, today)
    return findings


def check_models(
    models: Sequence[ModelRecord], licenses: Mapping[str, License], today: date
) -> list[Finding]:
    """Findings on models, alone and among each other."""
    findings = [finding for model in models for finding in check_model(model, licenses, today)]
    return findings + _duplicates(models)


def check_model(model: ModelRecord, licenses: Mapping[str, License], today: date) -> list[Finding]:
    """Findings on one model."""
    found: list[tuple[str, str]] = []
    found += _license(model, licenses)
    found += [("date", message) for message in _dates((model.release_date, model.as_of), today)]
    found += _context(model)
    found += _name_size(model)
    if model.params_active is not None and model.params_total and model.params_active > model.params_total:
        found.append(("parameters", f"{model.params_active} active of {model.params_total} parameters"))
    if model.architecture is not None:
        shape = list(_shape(model.architecture))
        found += shape or _implied(model, model.architecture)
    found += _embedding(model)
    return [Finding(model.id, rule, message) for rule, message in found]


def _license(model: ModelRecord, licenses: Mapping[str, License]) -> Iterable[tuple[str, str]]:
    if model.license is not None and model.license not in licenses:
        yield "license", f"{model.license!r} is not in the license table"
    if model.license is None and model.commercial_use != "unknown":
        yield "license", f"commercial use {model.commercial_use!r} without a license"
    if model.commercial_use == "conditional" and not model.commercial_condition:
        yield "license", "conditional use without its condition"
    known = licenses.get(model.license or "")
    if known is not None and model.commercial_use == "yes" and known.commercial_use in ("no", "conditional"):
        yield "license", f"commercial use 'yes' under {known.id}, which says {known.commercial_use!r}"


def _dates(values: Iterable[str | None], today: date) -> Iterable[str]:
    for value in values:
        if value is None:
            continue
        if not _DATE.fullmatch(value):
            yield f"{value!r} is no date"
        elif value > today.isoformat()[: len(value)]:
            yield f"{value} lies in the future"
        elif value < EARLIEST:
            yield f"{value} lies before {EARLIEST}"


def _context(model: ModelRecord) -> Iterable[tuple[str, str]]:
    low, high = CONTEXT_RANGE
    if model.context_length is not None and not low <= model.context_length <= high:
        yield "context", f"a context of {model.context_length} tokens"


def _name_size(model: ModelRecord) -> Iterable[tuple[str, str]]:
    """A size in the name against the parameters; `A3B` is the active part, `4T` beside `2B` counts tokens."""
    if model.params_total is None:
        return
    sizes = []
    for active, times, number, unit in _SIZE.findall(model.name):
        value = float(number.replace("_", ".")) * {"m": 1e6, "b": 1e9, "t": 1e12}[unit.lower()]
        if not active:
            sizes.append(value * (int(times[:-1]) if times else 1))
    counts = [count for count in (model.params_total, model.params_active) if count is not None]
    fits = [
        1 / NAME_FACTOR <= count / size <= NAME_FACTOR
        for size in (*sizes, sum(sizes))
        if size
        for count in counts
    ]
    if sizes and not any(fits):
        yield "name", f"{model.params_total} parameters, while the name says {max(sizes):.3g}"


def _shape(a: Architecture) -> Iterable[tuple[str, str]]:
    windowed = None if a.window is None else a.window.layers
    with_state = None if a.recurrent is None else a.recurrent.layers
    for flag in (a.attention_layers, windowed, with_state):
        if flag is not None and len(flag) != a.layers:
            yield "shape", f"{len(flag)} layer flags for {a.layers} layers"
    if min(a.layers, a.hidden, a.vocab) <= 0:
        yield "shape", "layers, hidden size and vocabulary must be positive"
    if a.heads and a.latent is None:
        if a.kv_heads > a.heads or a.kv_heads < 1 or (a.heads % a.kv_heads and not a.window):
            yield "shape", f"{a.kv_heads} KV heads for {a.heads} heads"
        if not a.hidden / 8 <= a.heads * a.head_dim <= a.hidden * 10:
            yield "shape", f"{a.heads} heads of {a.head_dim} in a hidden size of {a.hidden}"
    if a.experts is not None and not 0 < a.experts.used <= a.experts.count:
        yield "shape", f"{a.experts.used} of {a.experts.count} experts used"
    if a.shared_kv_layers >= a.layers:
        yield "shape", f"{a.shared_kv_layers} of {a.layers} layers reuse a cache"
    if a.measured and (a.approximations or a.tied is None):
        yield "shape", "marked as fully known, yet something is assumed"


def _implied(model: ModelRecord, a: Architecture) -> Iterable[tuple[str, str]]:
    implied = implied_parameters(a, context_length=model.context_length)
    if implied is None or model.params_total is None:
        return
    if any(word in note for note in a.approximations for word in _EXPLAINED):
        return
    tower = a.extra.get("vision_params", 0)
    stated = model.params_total - (tower if isinstance(tower, int) else 0)
    high = PREDICTION_BLOCK if "nextn_predict_layers" in a.extra else PARAMETERS_WITHIN
    if not -PARAMETERS_WITHIN <= (stated - implied) / implied <= high:
        yield "parameters", f"the shape implies {implied} parameters, {stated} are stated"


def _embedding(model: ModelRecord) -> Iterable[tuple[str, str]]:
    facts = model.embedding
    if model.kind in ("embedding", "reranker") and facts is None:
        yield "embedding", "an embedder or reranker without its facts"
    if facts is None:
        return
    if facts.dimensions is not None and not 16 <= facts.dimensions <= 16384:
        yield "embedding", f"vectors of {facts.dimensions} numbers"
    if facts.dimensions is not None and any(size > facts.dimensions for size in facts.dimensions_mrl):
        yield "embedding", "shortened vectors longer than the full ones"
    a = model.architecture
    if facts.dimensions is not None and a is not None and facts.dimensions == a.ff != a.hidden:
        yield "embedding", f"vectors of {facts.dimensions} numbers are the feed-forward size"
    if facts.max_tokens is not None and not 32 <= facts.max_tokens <= 1_000_000:
        yield "embedding", f"inputs of {facts.max_tokens} tokens"
    if facts.memory_mb is not None and model.params_total:
        bytes_each = facts.memory_mb * 1e6 / model.params_total
        if not 0.4 <= bytes_each <= 9:
            yield "embedding", f"{facts.memory_mb} MB for {model.params_total} parameters"


def _duplicates(models: Sequence[ModelRecord]) -> list[Finding]:
    findings = []
    names: dict[tuple[str, ...], ModelRecord] = {}
    ids: set[str] = set()
    for model in models:
        if model.id.lower() in ids:
            findings.append(Finding(model.id, "duplicate", "the id stands twice"))
        ids.add(model.id.lower())
        known = names.setdefault(tokens(model.name), model)
        if known is not model:
            findings.append(Finding(model.id, "duplicate", f"the name is that of {known.id}"))
    given: dict[tuple[str, ...], ModelRecord] = {}
    for model in models:
        for alias in dict.fromkeys((*model.aliases, *((model.ollama_tag,) if model.ollama_tag else ()))):
            if "/" in alias:
                continue
            key = tokens(alias)
            other = given.setdefault(key, model)
            if other is not model:
                findings.append(
                    Finding(model.id, "duplicate", f"the alias {alias!r} is also that of {other.id}")
                )
            named = names.get(key)
            if named is not None and named is not model and not _base_of(named, model):
                findings.append(
                    Finding(model.id, "duplicate", f"the alias {alias!r} is the name of {named.id}")
                )
    return findings


def _base_of(base: ModelRecord, model: ModelRecord) -> bool:
    """Whether the name is that of the base model, which a bare name does not mean."""
    words = tokens(model.name)
    return base.family == model.family and (
        base.kind in ("base", "code") or core(words) == core(tokens(base.name)) or bool(TUNED & set(words))
    )


def check_accelerators(cards: Sequence[Accelerator], today: date) -> list[Finding]:
    """Findings on accelerators."""
    findings = []
    names: set[str] = set()
    for card in cards:
        if card.name.lower() in names:
            findings.append(Finding(card.name, "duplicate", "the name stands twice"))
        names.add(card.name.lower())
        if card.memory_gb is not None and not 1 <= card.memory_gb <= 1024:
            findings.append(Finding(card.name, "memory", f"{card.memory_gb} GB"))
        if card.bandwidth_gbs is not None and not 10 <= card.bandwidth_gbs <= 25_000:
            findings.append(Finding(card.name, "bandwidth", f"{card.bandwidth_gbs} GB/s"))
        if card.memory_options_gb and card.memory_gb != max(card.memory_options_gb):
            findings.append(Finding(card.name, "memory", "the memory is not the largest option"))
        for value in (card.release_date, card.as_of):
            if value is not None and (not _DATE.fullmatch(value) or value > today.isoformat()[: len(value)]):
                findings.append(Finding(card.name, "date", f"{value!r}"))
    return findings


def check_results(name: str, results: Iterable[BenchmarkResult], today: date) -> list[Finding]:
    """Findings on the scores that a board lists under one name."""
    findings = []
    for result in results:
        if result.unit == "percent" and not -100 <= result.score <= 100:
            findings.append(Finding(name, "score", f"{result.benchmark}: {result.score} percent"))
        if not re.match(r"\d{4}", result.as_of) or result.as_of > today.isoformat()[: len(result.as_of)]:
            findings.append(Finding(name, "date", f"{result.benchmark}: {result.as_of!r}"))
        if not result.source:
            findings.append(Finding(name, "source", f"{result.benchmark} without a source"))
    return findings


WITHOUT_MODELS = {"dots1", "gpt2", "mistral3"}
"""Architectures that engines list and no model of the catalog has yet."""


def check_support(
    rows: Iterable[EngineSupport],
    engines: Mapping[str, Engine],
    architectures: Iterable[str | None],
    today: date,
) -> list[Finding]:
    """Findings on what engines run: unknown engines, architectures and formats, sources, contradictions."""
    known = {*architectures, *WITHOUT_MODELS}
    findings = []
    for row in rows:
        found: list[tuple[str, str]] = []
        engine = engines.get(row.id)
        if engine is None:
            found.append(("engine", "no engine of the catalog"))
        listed = [*row.runs, *row.since, *row.not_run]
        found += [("architecture", f"{name!r} is no known architecture") for name in set(listed) - known]
        if len(listed) != len(set(listed)):
            found.append(("architecture", "an architecture stands twice"))
        formats = [name for item in row.formats for name in item.formats]
        if len(formats) != len(set(formats)):
            found.append(("format", "a format stands twice"))
        read = set(engine.quants) if engine is not None else set(formats)
        found += [("format", f"{name!r} is not read by it") for name in set(formats) - read]
        sourced: tuple[EngineSupport | FormatSupport, ...] = (row, *row.formats)
        for item in sourced:
            if not item.source:
                found.append(("source", "without a source"))
            found += [("date", message) for message in _dates((item.as_of,), today)]
        findings += [Finding(row.id, rule, message) for rule, message in found]
    return findings
