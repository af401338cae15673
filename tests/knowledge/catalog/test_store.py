from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from knowledge.catalog.records import ModelRecord
from knowledge.catalog.store import DATA, Catalog, load_catalog


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return load_catalog()


def test_it_holds_enough(catalog: Catalog) -> None:
    kinds = Counter(model.kind for model in catalog.models)
    complete = [model for model in catalog.models if model.architecture and model.architecture.measured]
    assert len(catalog.models) >= 900
    assert len(complete) >= 500
    assert kinds["embedding"] >= 150
    assert kinds["reranker"] >= 30
    assert kinds["encoder"] >= 20
    assert len(catalog.accelerators) >= 190
    assert len(catalog.system_memory) >= 19


def test_models_are_found_by_id_in_any_case_and_by_a_second_id(catalog: Catalog) -> None:
    model = catalog.model("QWEN/qwen3-8b")
    assert model is not None
    assert model.id == "Qwen/Qwen3-8B"
    second = catalog.model("meta-llama/CodeLlama-34b-Instruct-hf")
    assert second is not None
    assert second.id == "codellama/CodeLlama-34b-Instruct-hf"
    assert catalog.model("nobody/nothing") is None


@pytest.mark.parametrize("part", ["fields of a shape", "license", "layer flags"])
def test_known_facts(catalog: Catalog, part: str) -> None:
    if part == "fields of a shape":
        model = catalog.model("meta-llama/Llama-3.1-8B")
        assert model is not None
        assert model.architecture is not None
        a = model.architecture
        assert (a.layers, a.hidden, a.heads, a.kv_heads, a.head_dim, a.ff) == (32, 4096, 32, 8, 128, 14336)
    elif part == "license":
        model = catalog.model("MiniMaxAI/MiniMax-M2.7")
        assert model is not None
        assert model.commercial_use == "no"
    else:
        model = catalog.model("google/gemma-3-12b-it")
        assert model is not None
        assert model.architecture is not None
        assert model.architecture.window is not None
        assert [layer for layer, flag in enumerate(model.architecture.window.layers) if not flag][:2] == [
            5,
            11,
        ]


def test_a_sibling_with_another_name_shares_the_measured_shape(catalog: Catalog) -> None:
    base, tuned = catalog.model("Qwen/Qwen3-30B-A3B-Base"), catalog.model("Qwen/Qwen3-30B-A3B")
    assert base is not None
    assert tuned is not None
    assert base.architecture == tuned.architecture


def test_a_shape_is_not_shared_where_the_attention_differs(catalog: Catalog) -> None:
    """OLMo 3 7B has the sizes of OLMo 2 7B, but windows; DeepSeek V3.2 those of V3, but an indexer."""
    windowed = catalog.model("allenai/Olmo-3-7B-Think")
    sparse = catalog.model("deepseek-ai/DeepSeek-V3.2")
    assert windowed is not None
    assert windowed.architecture is not None
    assert windowed.architecture.window is not None
    assert sum(windowed.architecture.window.layers) == 24
    assert sparse is not None
    assert sparse.architecture is not None
    assert "indexer" in sparse.architecture.approximations[0]


def test_gemma_3n_reuses_the_cache_of_its_last_layers(catalog: Catalog) -> None:
    model = catalog.model("google/gemma-3n-E4B-it")
    assert model is not None
    assert model.architecture is not None
    assert model.architecture.shared_kv_layers == 15


def test_licenses_resolve_and_one_tag_may_carry_two_texts(catalog: Catalog) -> None:
    for model in catalog.models:
        assert model.license is None or model.license in catalog.licenses
    kimi, minimax = catalog.model("moonshotai/Kimi-K2-Instruct"), catalog.model("MiniMaxAI/MiniMax-M2.5")
    assert kimi is not None
    assert minimax is not None
    assert kimi.license == minimax.license == "modified-mit"
    texts = [catalog.license_of(kimi), catalog.license_of(minimax)]
    assert texts[0] is not None
    assert texts[1] is not None
    assert texts[0].id != texts[1].id


def test_an_unread_license_says_so(catalog: Catalog) -> None:
    model = catalog.model("zai-org/GLM-5.3")
    assert model is not None
    assert model.commercial_use == "unknown"
    assert "read the license" in (model.commercial_condition or "")


def test_engines_name_known_quantizations(catalog: Catalog) -> None:
    assert {"llama.cpp", "ollama", "vllm", "sglang", "mlx", "transformers"} <= set(catalog.engines)
    for engine in catalog.engines.values():
        assert set(engine.quants) <= set(catalog.quantizations), engine.id


def test_sources_are_field_by_field_and_read_late(catalog: Catalog) -> None:
    sources = catalog.sources("qwen/qwen3-8b")
    assert "params_total" in sources
    assert "*" in sources
    assert catalog.sources("nobody/nothing") == {}


def test_an_added_model_comes_first_and_leaves_the_bundled_catalog_alone(catalog: Catalog) -> None:
    bundled = catalog.model("Qwen/Qwen3-8B")
    assert bundled is not None
    added = bundled.model_copy(update={"context_length": 1234})
    other = catalog.with_models((added,))
    assert other.models[0].context_length == 1234
    assert len(other.models) == len(catalog.models)
    assert catalog.model("Qwen/Qwen3-8B") is bundled


def test_no_data_file_is_too_large() -> None:
    for path in DATA.iterdir():
        assert path.stat().st_size <= 2_000_000, path.name


def test_loading_imports_nothing_heavy() -> None:
    program = (
        "import sys; from knowledge.catalog.store import load_catalog\n"
        "c=load_catalog(); c.models; c.by_id\n"
        "print(sorted({'litellm','torch','numpy','rapidfuzz','chromadb'} & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_a_record_refuses_an_unknown_field(tmp_path: Path, catalog: Catalog) -> None:
    from pydantic import ValidationError

    row = catalog.models[0].model_dump_json().replace('"family":', '"colour":"red","family":', 1)
    (tmp_path / "models.json").write_text(f"[{row}]", encoding="utf-8")
    with pytest.raises(ValidationError, match="colour"):
        _ = Catalog(tmp_path).models
    with pytest.raises(ValidationError):
        ModelRecord.model_validate({"id": "a/b"})
