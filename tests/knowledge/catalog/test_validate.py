from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.catalog.parameters import implied_parameters
from knowledge.catalog.records import Architecture, EmbeddingFacts, ModelRecord
from knowledge.catalog.store import Catalog, load_catalog
from knowledge.catalog.support import EngineSupport
from knowledge.catalog.validate import (
    check_accelerators,
    check_catalog,
    check_model,
    check_models,
    check_results,
    check_support,
)

TODAY = date(2026, 11, 20)


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return load_catalog()


def _model(catalog: Catalog, model_id: str = "Qwen/Qwen3-8B", **changes: Any) -> ModelRecord:
    model = catalog.model(model_id)
    assert model is not None
    return model.model_copy(update=changes)


def _rules(catalog: Catalog, model: ModelRecord) -> set[str]:
    return {finding.rule for finding in check_model(model, catalog.licenses, TODAY)}


def test_the_shipped_data_hold_together(catalog: Catalog) -> None:
    assert check_catalog(catalog, TODAY) == []


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"params_total": 8_600_000_000}, "parameters"),
        ({"params_active": 9_000_000_000}, "parameters"),
        ({"params_total": 1_700_000_000}, "name"),
        ({"context_length": 0}, "context"),
        ({"context_length": 10**9}, "context"),
        ({"license": "my-own"}, "license"),
        ({"license": None}, "license"),
        ({"license": "cc-by-nc-4.0"}, "license"),
        ({"commercial_use": "conditional", "commercial_condition": None}, "license"),
        ({"release_date": "2027-01-01"}, "date"),
        ({"release_date": "2026-12"}, "date"),
        ({"release_date": "2012-05-01"}, "date"),
        ({"release_date": "last May"}, "date"),
    ],
)
def test_a_planted_error_is_found(catalog: Catalog, changes: dict[str, Any], rule: str) -> None:
    assert _rules(catalog, _model(catalog)) == set()
    assert rule in _rules(catalog, _model(catalog, **changes))


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"ff": 11008}, "parameters"),
        ({"layers": 40}, "parameters"),
        ({"tied": True}, "parameters"),
        ({"kv_heads": 5}, "shape"),
        ({"head_dim": 4096}, "shape"),
        ({"attention_layers": (True,)}, "shape"),
        ({"approximations": ("a guess",)}, "shape"),
        ({"shared_kv_layers": 36}, "shape"),
    ],
)
def test_a_planted_shape_is_found(catalog: Catalog, changes: dict[str, Any], rule: str) -> None:
    model = _model(catalog)
    assert model.architecture is not None
    wrong = model.model_copy(update={"architecture": model.architecture.model_copy(update=changes)})
    assert rule in _rules(catalog, wrong)


@pytest.mark.parametrize(
    "changes",
    [
        {"dimensions": 3072},
        {"dimensions": 4},
        {"max_tokens": 8},
        {"memory_mb": 9},
        {"dimensions_mrl": (9999,)},
    ],
)
def test_a_planted_embedder_is_found(catalog: Catalog, changes: dict[str, Any]) -> None:
    model = _model(catalog, "Qwen/Qwen3-Embedding-0.6B")
    assert _rules(catalog, model) == set()
    assert model.embedding is not None
    facts = EmbeddingFacts.model_validate({**model.embedding.model_dump(), **changes})
    assert "embedding" in _rules(catalog, model.model_copy(update={"embedding": facts}))


def test_an_embedder_needs_its_facts(catalog: Catalog) -> None:
    assert "embedding" in _rules(catalog, _model(catalog, "BAAI/bge-m3", embedding=None))


def test_duplicates_are_found(catalog: Catalog) -> None:
    model, other = _model(catalog), _model(catalog, "Qwen/Qwen3-14B")
    doubled = check_models([model, model], catalog.licenses, TODAY)
    assert {finding.rule for finding in doubled} == {"duplicate"}
    same_name = model.model_copy(update={"id": "mirror/qwen-3_8b"})
    assert check_models([model, same_name], catalog.licenses, TODAY)
    alias = other.model_copy(update={"aliases": ("qwen3 8b",)})
    found = check_models([model, alias], catalog.licenses, TODAY)
    assert {finding.record for finding in found} == {alias.id}


def test_accelerators_and_scores_are_checked(catalog: Catalog) -> None:
    card = catalog.accelerators[0]
    wrong = [
        card.model_copy(update={"memory_gb": 0.0}),
        card.model_copy(update={"name": "a", "bandwidth_gbs": 1e6}),
        card.model_copy(update={"name": "b", "release_date": "2030-01"}),
    ]
    found = {finding.rule for finding in check_accelerators([card, *wrong], TODAY)}
    assert found == {"duplicate", "memory", "bandwidth", "date"}
    result = catalog.benchmarks.for_model("Qwen/Qwen3-8B")[0]
    planted = [
        result._replace(unit="percent", score=101.0),
        result._replace(as_of="2030-01-01"),
        result._replace(source=""),
    ]
    assert {finding.rule for finding in check_results("m", planted, TODAY)} == {"score", "date", "source"}


@given(
    layers=st.integers(1, 40),
    heads=st.sampled_from([8, 16, 32]),
    groups=st.sampled_from([1, 2, 4, 8]),
    ff=st.integers(64, 4096),
    vocab=st.integers(100, 5000),
    tied=st.booleans(),
)
def test_a_plain_shape_counts_as_the_formula_says(
    layers: int, heads: int, groups: int, ff: int, vocab: int, tied: bool
) -> None:
    """Per layer 2 h q + 2 h kv + 3 h ff + 2 norms, the vocabulary once or twice, and the last norm."""
    hidden, kv = heads * 32, heads // groups * 32
    shape = Architecture(
        arch="llama",
        layers=layers,
        hidden=hidden,
        heads=heads,
        kv_heads=heads // groups,
        head_dim=32,
        ff=ff,
        vocab=vocab,
        tied=tied,
    )
    each = 2 * hidden * hidden + 2 * hidden * kv + 3 * hidden * ff + 2 * hidden
    assert implied_parameters(shape) == layers * each + vocab * hidden * (1 if tied else 2) + hidden


def test_an_architecture_without_a_table_or_a_size_implies_nothing() -> None:
    shape = Architecture(
        arch=None, layers=1, hidden=8, heads=1, kv_heads=1, head_dim=8, ff=8, vocab=8, tied=True
    )
    assert implied_parameters(shape) is None
    assert implied_parameters(shape.model_copy(update={"arch": "llama", "tied": None})) is None
    assert implied_parameters(shape.model_copy(update={"arch": "llama", "ff": None})) is None
    assert implied_parameters(shape.model_copy(update={"arch": "bert"})) is None
    assert implied_parameters(shape.model_copy(update={"arch": "bert"}), context_length=4) is not None


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"id": "no-such-engine"}, "engine"),
        ({"runs": ("llama", "no-such-arch")}, "architecture"),
        ({"runs": ("llama",), "not_run": ("llama",)}, "architecture"),
        ({"source": ""}, "source"),
        ({"as_of": "2031-01-01"}, "date"),
        ({"formats": ({"formats": ("Q4_K_M",)},)}, "format"),
        ({"formats": ({"formats": ("FP8",)}, {"formats": ("FP8",)})}, "format"),
        ({"formats": ({"formats": ("FP8",), "source": ""},)}, "source"),
    ],
)
def test_what_engines_run_is_checked(catalog: Catalog, changes: dict[str, Any], rule: str) -> None:
    facts = {"source": "a page", "as_of": "2026-11-20"}
    row: dict[str, Any] = {"id": "vllm", "runs": ("llama",), "formats": (), **facts, **changes}
    row["formats"] = tuple({**facts, **item} for item in row["formats"])
    support = EngineSupport.model_validate(row)
    assert [finding.rule for finding in check_support([support], catalog.engines, {"llama"}, TODAY)] == [rule]


def test_every_server_engine_has_its_support(catalog: Catalog) -> None:
    readers = {engine.id for engine in catalog.engines.values() if "gguf" not in engine.formats}
    assert set(catalog.engine_support) == readers
