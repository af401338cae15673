"""The maintainers' builder, on small tables made for the test."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from knowledge.catalog.parameters import implied_parameters
from knowledge.catalog.records import Architecture
from knowledge.catalog.store import Catalog
from knowledge.shapes.from_config import built_architecture
from scripts.build_catalog import build
from scripts.catalog.facts import correct
from scripts.catalog.languages import language_codes
from scripts.catalog.tables import accelerators, american, licenses
from scripts.catalog.write import LIMIT_BYTES, write_json

PLAIN: dict[str, Any] = {
    "hf_id": "org/Small-1B",
    "family": "Small",
    "kind": "chat",
    "model_type": "llama",
    "params_total": None,
    "n_layers": 16,
    "hidden_size": 2048,
    "n_heads": 32,
    "n_kv_heads": 8,
    "head_dim": 64,
    "intermediate_size": 8192,
    "vocab_size": 128256,
    "tied_embeddings": None,
    "context_length": 131072,
    "attention": {"kind": "gqa"},
    "license": "mit",
    "commercial_use": None,
    "commercial_condition": None,
    "languages": ["eng-Latn", "de"],
    "source": "a table with a licence",
    "as_of": "2026-11-20",
    "field_sources": {"n_layers": "config"},
}
TIED, UNTIED = 1_235_814_400, 1_498_482_688
"""Parameters of the shape above with the output sharing the embedding, and without."""


def _row(**changes: Any) -> dict[str, Any]:
    return {**PLAIN, **changes}


def _built(**changes: Any) -> Architecture:
    built = built_architecture(_row(**changes))
    assert built is not None
    return built


def test_the_parameter_count_settles_whether_embeddings_are_tied() -> None:
    tied, untied = _built(params_total=TIED), _built(params_total=UNTIED)
    assert (tied.tied, tied.measured) == (True, True)
    assert (untied.tied, untied.measured) == (False, True)


def test_a_class_default_is_no_evidence_but_a_statement_is() -> None:
    default = {"tied_embeddings": "transformers configuration_llama.py (class default)"}
    assert _built(params_total=TIED, tied_embeddings=False, field_sources=default).tied is True
    stated = _built(params_total=int(TIED * 1.2), tied_embeddings=False, field_sources={})
    assert stated.tied is False


def test_a_shape_that_misses_the_stated_count_says_so() -> None:
    wrong = _built(params_total=3_000_000_000)
    assert not wrong.measured
    assert "misses the stated parameters" in wrong.approximations[-1]


def test_the_difference_of_a_wrapper_is_its_tower() -> None:
    wrapper = _built(model_type="idefics3", params_total=UNTIED + 400_000_000, tied_embeddings=False)
    assert wrapper.extra["vision_params"] == 400_000_000


def test_layer_patterns_of_families() -> None:
    gemma = _built(model_type="gemma3_text", n_layers=12, attention={"kind": "sliding", "window": 512})
    assert gemma.window is not None
    assert [layer for layer, flag in enumerate(gemma.window.layers) if not flag] == [5, 11]
    oss = _built(model_type="gpt_oss", n_layers=4, attention={"kind": "sliding", "window": 128})
    assert oss.window is not None
    assert oss.window.layers == (True, False, True, False)
    linear = {
        "linear_num_key_heads": 16,
        "linear_num_value_heads": 32,
        "linear_key_head_dim": 128,
        "linear_value_head_dim": 128,
        "linear_conv_kernel_dim": 4,
    }
    delta = _built(model_type="qwen3_5", n_layers=8, attention={"kind": "hybrid", "linear_state": linear})
    assert delta.attention_layers == (False, False, False, True) * 2
    assert delta.recurrent is not None
    assert (delta.recurrent.inner, delta.recurrent.groups, delta.recurrent.dt_rank) == (4096, 16, 32)


def test_an_unknown_layer_list_of_a_convolution_hybrid_follows_from_the_count() -> None:
    facts = {"kind": "hybrid", "conv_L_cache": 3}
    flags = [layer in (1, 4, 7) for layer in range(10)]
    shape = _built(model_type="lfm2", n_layers=10, attention=facts | {"full_attention_layers": [1, 4, 7]})
    assert shape.attention_layers == tuple(flags)
    count = implied_parameters(shape.model_copy(update={"tied": True}))
    solved = _built(model_type="lfm2", n_layers=10, attention=facts, params_total=count)
    assert solved.attention_layers is not None
    assert sum(solved.attention_layers) == 3
    assert "not which" in solved.approximations[0]


def test_a_row_without_its_shape_has_no_architecture() -> None:
    assert built_architecture(_row(n_layers=None)) is None
    assert built_architecture(_row(intermediate_size=None)) is None


def test_corrections_are_named_as_the_source() -> None:
    row = _row(hf_id="Qwen/Qwen3-Reranker-4B", max_seq=40960, field_sources={})
    correct(row)
    assert row["max_seq"] == 32768
    assert "model card" in row["field_sources"]["max_seq"]
    roberta = _row(max_seq=514, field_sources={})
    correct(roberta)
    assert roberta["max_seq"] == 512


def test_one_cell_with_several_licenses_becomes_several_records() -> None:
    keys = "name thresholds field_or_region_limits attribution_or_naming redistribution derivatives"
    row = dict.fromkeys([*keys.split(), "output_training", "applies_to"], "")
    row |= {"license_id": "a, b", "commercial_use": "unknown", "source": "x", "as_of": "2026-01-01"}
    row |= {"verified_text": "no", "name": "custom licence"}
    found = {record.id: record for record in licenses([row], ["a", "custom:https://x.org/licence"])}
    assert set(found) == {"a", "b", "custom:https://x.org/licence"}
    assert found["a"].name == "custom license"
    assert found["custom:https://x.org/licence"].source == "https://x.org/licence"
    assert found["custom:https://x.org/licence"].commercial_use == "unknown"


def test_spelling_is_american_but_addresses_stay() -> None:
    assert american("licence at https://x.org/licence") == "license at https://x.org/licence"
    assert american(None) is None


def test_languages_are_two_letter_codes_where_there_are_any() -> None:
    assert language_codes(["eng-Latn", "en", "zho-Hans", "xyz"]) == ("en", "zh", "xyz")


def test_a_card_without_fast_half_precision_has_no_rate() -> None:
    keys = (
        "name vendor cls memory_gb memory_type memory_bandwidth_gbs bandwidth_source note release_date "
        "fp16_vector_tflops fp16_tensor_dense_tflops compute_capability architecture tdp_w source"
    )
    row = dict.fromkeys(keys.split(), "")
    row |= {"name": "P", "vendor": "NVIDIA", "cls": "datacentre", "fp16_vector_tflops": "0.2"}
    row |= {"compute_capability": "6.1", "source": "x", "as_of": "2026-01-01"}
    (card,) = accelerators([row])
    assert card.fp16_tflops is None
    assert card.cls == "datacenter"
    assert "FP32" in (card.note or "")


def test_a_file_that_is_too_large_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="more than"):
        write_json(tmp_path / "large.json", ["x" * LIMIT_BYTES])
    assert not (tmp_path / "large.json").exists()


def _csv(path: Path, rows: list[dict[str, str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def _write_facts(facts: Path) -> None:
    """A file of each kind, with one row."""
    facts.mkdir()
    second = _row(hf_id="org/Small-1B-Base", kind="base", attention=None, params_total=TIED)
    (facts / "models.json").write_text(json.dumps([_row(params_total=TIED), second]), encoding="utf-8")
    (facts / "architectures.json").write_text("{}", encoding="utf-8")
    license_row = {"license_id": "mit", "name": "MIT", "commercial_use": "yes", "thresholds": "none"}
    license_row |= dict.fromkeys(
        ("field_or_region_limits", "attribution_or_naming", "redistribution", "derivatives"), ""
    )
    license_row |= {"output_training": "", "applies_to": "", "source": "SPDX", "as_of": "2026-01-01"}
    _csv(facts / "licenses.csv", [license_row | {"verified_text": "yes"}])
    card = {"name": "X", "vendor": "NVIDIA", "cls": "consumer", "memory_gb": "8", "memory_type": "GDDR6"}
    card |= {"memory_bandwidth_gbs": "200", "bandwidth_source": "b", "fp16_vector_tflops": "9"}
    card |= {"fp16_tensor_dense_tflops": "", "compute_capability": "8.6", "architecture": "Ampere"}
    _csv(
        facts / "gpus.csv",
        [
            card
            | {"tdp_w": "100", "release_date": "2022-01-04", "note": "", "source": "s", "as_of": "2026-01-01"}
        ],
    )
    memory = {"name": "DDR4", "bandwidth_gbs": "51.2", "note": "", "source": "s", "as_of": "2026-01-01"}
    _csv(facts / "system_memory.csv", [memory])
    score = {
        "model": "Small",
        "hf_id": "org/Small-1B",
        "benchmark": "MMLU",
        "score": "41.5",
        "unit": "percent",
    }
    score |= {
        "unit": "percent",
        "higher_is_better": "yes",
        "setting": "5-shot",
        "source": "card",
        "as_of": "2026-01-01",
    }
    _csv(facts / "benchmarks.csv", [score | {"run_by": "vendor"}])


def test_everything_is_written_and_read_back(tmp_path: Path) -> None:
    facts, out = tmp_path / "facts", tmp_path / "out"
    _write_facts(facts)
    counts = build(facts, out)
    assert counts["benchmarks"] == 1
    catalog = Catalog(out)
    model = catalog.model("org/small-1b")
    assert model is not None
    assert model.commercial_use == "yes"
    assert model.languages == ("en", "de")
    assert model.architecture is not None
    assert catalog.sources("org/Small-1B")["*"] == "a table with a license"
    assert catalog.sources("org/Small-1B")["architecture.layers"] == "config"
    (result,) = catalog.benchmarks.for_model("org/Small-1B")
    assert (result.score, result.run_by, result.setting) == (41.5, "vendor", "5-shot")
    assert catalog.accelerators[0].fp16_tflops == 9
    assert catalog.system_memory[0].bandwidth_gbs == 51.2
