"""Losses of quantization: the table holds together, and what is computed from it."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.catalog.records import Added
from knowledge.catalog.store import load_catalog
from tests.tools.asking import model
from tools.memory.engines import CACHE_BYTES
from tools.needs import Task
from tools.quant_loss import (
    MEASURED_WITHIN,
    cache_loss,
    cache_rows,
    derived,
    difference,
    loss_evidence,
    loss_table,
    measured_points,
    quality_loss,
    quantization_of,
    size_factor,
    weight_rows,
)
from tools.scores import benchmark_table
from tools.utility import table

ROWS = [*weight_rows().values(), *cache_rows().values()]
NAMES = [row.get("format", row.get("type")) for row in ROWS]
DATE = re.compile(r"20\d\d(-(0\d|1[0-2])(-[0-3]\d)?)?")
QUICK = settings(max_examples=60, deadline=None)
every_row = pytest.mark.parametrize("row", ROWS, ids=NAMES)


def test_every_format_and_cache_type_that_can_be_chosen_has_a_row() -> None:
    assert set(weight_rows()) == set(load_catalog().quantizations)
    assert {name for names in table()["ladders"].values() for name in names} <= set(weight_rows())
    assert set(table()["cache_ladder"]) | set(CACHE_BYTES) <= set(cache_rows())


@every_row
def test_no_loss_without_derivation_and_source(row: dict[str, Any]) -> None:
    sources = loss_table()["sources"]
    assert row["derivation"] in loss_table()["derivations"]
    assert row["why"]
    assert all(m["source"] in sources for m in row["measurements"])
    # Where nothing was measured, a relative or the neighbors are named.
    assert row["measurements"] or row["derivation"] in ("reference", "interpolated")


def test_every_source_says_where_when_and_whether_it_was_read() -> None:
    cited = {m["source"] for row in ROWS for m in row["measurements"]}
    cited |= {*loss_table()["tasks_sources"], *loss_table()["size_sources"]}
    assert cited == set(loss_table()["sources"]), "no source is missing, none idle"
    for source in loss_table()["sources"].values():
        assert DATE.fullmatch(source["date"])
        assert source["where"]
        assert source["what"]
        assert isinstance(source["checked"], bool)


@every_row
def test_what_is_stated_follows_from_the_measurements(row: dict[str, Any]) -> None:
    stated, found = float(row.get("points", row.get("keys", -1.0))), derived(row)
    assert (found is None) == (row["derivation"] in ("interpolated", "bounded"))
    if found is not None:
        assert stated == pytest.approx(found, abs=MEASURED_WITHIN)
    if row["derivation"] == "bounded":
        assert min(measured_points(row)) < stated < max(measured_points(row))


def test_known_measurements() -> None:
    """Llama 3 8B in Q4_K_M: 64.64 of 65.20; 97.9 % of 68 points are 1.43 lost."""
    assert difference({"full": 65.20, "quantized": 64.64}) == pytest.approx(0.56)
    assert difference({"full": 68.0, "recovery": 0.979}) == pytest.approx(1.43, abs=0.01)
    assert difference({"difference": 1.0}) == 1.0
    # 3.33 points of MMLU-Pro at 4B are 1.77 of MMLU at 8B.
    assert measured_points(weight_rows()["MLX-4bit"]) == pytest.approx([1.77], abs=0.01)
    assert measured_points(cache_rows()["q4_0"]) == pytest.approx([2.83, 0.34], abs=0.01)


def test_fewer_bits_never_cost_less_within_a_family() -> None:
    known = load_catalog().quantizations
    families: dict[str, list[str]] = {}
    for name, row in weight_rows().items():
        families.setdefault(row["family"], []).append(name)
    assert max(map(len, families.values())) > 8
    for names in families.values():
        by_bits = sorted(
            names, key=lambda name: (-known[name].bits_per_weight, weight_rows()[name]["points"])
        )
        losses = [weight_rows()[name]["points"] for name in by_bits]
        assert losses == sorted(losses), by_bits


def test_smaller_cache_types_cost_more_and_keys_more_than_values() -> None:
    ladder = ("f16", "q8_0", "q5_1", "q5_0", "q4_1", "q4_0")
    keys, values = ([cache_rows()[name][part] for name in ladder] for part in ("keys", "values"))
    assert keys == sorted(keys)
    assert values == sorted(values)
    assert all(row["keys"] >= row["values"] >= 0 for row in cache_rows().values())
    assert cache_rows()["q4_0"]["keys"] > 3 * cache_rows()["q4_0"]["values"]


@pytest.mark.parametrize(
    ("kv_cache_type", "points"),
    [
        ("f16", 0.0),
        ("q8_0", 0.3),
        ("q4_0", 2.5),
        ("q4_0/f16", 2.5),
        ("f16/q4_0", 0.4),
        ("q8_0/q4_0", 0.4),
        ("auto", 0.0),
        ("fp8", 0.3),
    ],
)
def test_the_worse_of_keys_and_values_counts(kv_cache_type: str, points: float) -> None:
    assert cache_loss(kv_cache_type) == points


@QUICK
@given(st.integers(10**6, 10**12), st.integers(10**6, 10**12))
def test_small_models_suffer_more(one: int, other: int) -> None:
    small, large = sorted((one, other))
    assert 2.5 >= size_factor(small) >= size_factor(large) >= 0.5
    assert size_factor(8_000_000_000) == 1.0
    assert size_factor(None) == 1.0


@QUICK
@given(st.sampled_from(sorted(weight_rows())), st.sampled_from(sorted(cache_rows())))
def test_a_loss_is_the_sum_of_weights_and_cache(quant: str, kv: str) -> None:
    task: Task = "chat"
    record = model("meta-llama/Llama-3.1-8B-Instruct")
    alone = quality_loss(record, quant, "f16", task)
    factor = 1.5 * size_factor(record.params_total)
    assert alone == pytest.approx(weight_rows()[quant]["points"] * factor)
    assert quality_loss(record, quant, kv, task) == pytest.approx(alone + cache_loss(kv))


def test_tasks_that_lose_more_are_tasks() -> None:
    factors = loss_table()["tasks"]
    assert set(factors) - {"default"} <= set(benchmark_table()["tasks"])
    assert min(factors.values()) == factors["default"] > 1.0, "MMLU itself loses least"


def test_a_native_format_costs_nothing_and_costs_others() -> None:
    native, other = model("openai/gpt-oss-20b"), model("meta-llama/Llama-3.1-8B-Instruct")
    assert quality_loss(native, "MXFP4", "f16") == 0
    assert quality_loss(other, "MXFP4", "f16") > quality_loss(other, "Q4_K_M", "f16")


@pytest.mark.parametrize(("bits", "counts_as"), [(4.27, "Q3_K_L"), (4.9, "Q4_K_M"), (1.9, "Q2_K")])
def test_an_unmeasured_recipe_counts_as_the_next_below_it(bits: float, counts_as: str) -> None:
    """MXFP4 has 4.25 bits, but files are not mixed from it, and it costs others more than Q3_K_L."""
    known = model("meta-llama/Llama-3.1-8B-Instruct")
    assert known.params_total
    size = round(bits * known.params_total / 8)
    added = Added(source="file", location="a.gguf", day="2026-11-21", file_bytes=size, quant="UD-MINE")
    mine = known.model_copy(update={"added": added})
    found = quantization_of(mine, "UD-MINE")
    assert found is not None
    assert found.id == counts_as
    assert quality_loss(mine, "UD-MINE", "f16") == quality_loss(known, counts_as, "f16")


def test_losses_come_with_their_source() -> None:
    record, native = model("meta-llama/Llama-3.1-8B-Instruct"), model("openai/gpt-oss-20b")
    weights, cache = loss_evidence(record, "Q4_K_M", "q8_0")
    assert weights.kind == cache.kind == "measurement"
    assert weights.source.startswith("Q4_K_M: 0.6 points of MMLU for a model of 8B (measured; Llama 3 8B")
    assert "matt-c1" in weights.locator
    assert cache.source.startswith("q8_0 cache: 0.3 points (measured")
    assert len(loss_evidence(record, "Q4_K_M", "q8_0/q4_0")) == 3
    assert loss_evidence(record, "Q4_K_M", "q4_1")[1].kind == "catalog", "nobody measured it"
    assert loss_evidence(record, "BF16", "f16") == ()
    assert loss_evidence(native, "MXFP4", "f16") == ()
    assert [e.source.split(":")[0] for e in loss_evidence(native, "MXFP4", "q8_0")] == ["q8_0 cache"]
