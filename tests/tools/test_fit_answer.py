"""What `fit` answers for one model: what was given, what does not fit and the ways out."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.catalog.records import ModelRecord
from knowledge.catalog.store import load_catalog
from tests.tools.asking import GIB, box, model
from tests.tools.test_fit import QUICK, machines, models
from tools.budget import room_of
from tools.fit import solve
from tools.fit_model import NO_RESERVE, FitAnswer, FitWish, fit_model
from tools.fit_types import Ask, Refusal
from tools.hardware_types import Machine


def _fit(model_id: str, place: Machine, **wish: object) -> FitAnswer:
    return fit_model(model(model_id), place, FitWish(**wish))  # type: ignore[arg-type]


@QUICK
@given(
    models,
    machines,
    st.sampled_from([None, "Q8_0", "Q4_K_M", "Q3_K_M"]),
    st.sampled_from([None, 3000, 65_536]),
    st.sampled_from([None, "llama.cpp", "ollama"]),
    st.sampled_from([None, "f16", "q8_0", "q8_0/q4_0"]),
)
def test_fit_keeps_what_is_given_or_says_why_not(
    found: ModelRecord,
    place: Machine,
    quant: str | None,
    context: int | None,
    engine: str | None,
    kv: str | None,
) -> None:
    wish = FitWish(quant=quant, context=context, engine=engine, kv_cache_type=kv)
    answer = fit_model(found, place, wish)
    document = answer.as_json()
    if answer.candidate is None:
        assert answer.error is not None
        assert answer.error["message"].startswith(found.name)
        assert document["memory"]["fits"] is False
        assert document["memory"]["available_bytes"] > 0
        return
    assert "error" not in document
    assert quant in (None, document["quant"])
    assert context in (None, document["context"])
    assert engine in (None, document["engine"])
    assert kv in (None, document["kv_cache_type"])


def test_without_the_reserve_comes_with_a_caveat() -> None:
    """The smallest card that holds a configuration holds it only without what is kept for the desktop."""
    found = model("meta-llama/Llama-3.1-8B-Instruct")
    wish = FitWish(quant="Q8_0", context=8192, engine="llama.cpp", kv_cache_type="f16")
    roomy = fit_model(found, box(24), wish)
    assert roomy.candidate is not None
    assert roomy.candidate.configuration is not None
    assert roomy.candidate.configuration.memory is not None
    need = roomy.candidate.configuration.memory.total_bytes
    tight = fit_model(found, box((need + (50 << 20)) / GIB, ram=64), wish)
    assert tight.candidate is not None
    assert NO_RESERVE in tight.as_json()["caveats"]
    assert tight.candidate.configuration is not None
    assert tight.candidate.configuration.gpu_layers is None
    enough = fit_model(found, box(need * 24 / 23 / GIB + 0.05), wish)
    assert NO_RESERVE not in enough.as_json()["caveats"]
    assert enough.error is None
    assert fit_model(found, box((need - (50 << 20)) / GIB), wish).error is not None


@pytest.mark.parametrize(
    ("model_id", "place", "wish", "constraint"),
    [
        ("meta-llama/Llama-3.1-70B-Instruct", box(8), {}, "does_not_fit"),
        ("meta-llama/Llama-3.1-70B-Instruct", box(24), {"quant": "Q8_0"}, "does_not_fit"),
        ("meta-llama/Llama-3.1-8B-Instruct", box(8), {"quant": "F16"}, "does_not_fit"),
        ("meta-llama/Llama-3.1-8B-Instruct", box(6), {"context": 131_072}, "does_not_fit"),
        ("meta-llama/Llama-3.1-8B-Instruct", box(24), {"context": 200_000}, "context"),
        ("meta-llama/Llama-3.1-8B-Instruct", box(24), {"min_speed": 5000.0}, "min_speed"),
    ],
)
def test_what_does_not_fit_has_an_error_and_a_way_out(
    model_id: str, place: Machine, wish: dict[str, object], constraint: str
) -> None:
    answer = _fit(model_id, place, **wish)
    assert answer.candidate is None
    assert answer.error is not None
    assert answer.error["code"] == constraint
    assert answer.would_change
    assert answer.error["hint"]


def test_ways_out_are_true() -> None:
    """Each change that `fit` names makes it fit as it says."""
    llama = model("meta-llama/Llama-3.1-8B-Instruct")
    answer = _fit(llama.id, box(8), quant="F16")
    assert answer.would_change[0].condition == "the quantization were free"
    freed = _fit(llama.id, box(8))
    assert freed.candidate is not None
    assert freed.candidate.configuration is not None
    assert f"it fits as {freed.candidate.configuration.quant} " in answer.would_change[0].outcome
    larger = answer.would_change[-1]
    size = int(re.findall(r"(\d+) GiB", larger.condition)[0])
    assert _fit(llama.id, box(size), quant="F16").candidate is not None
    long = _fit(llama.id, box(8), context=131_072, quant="Q4_K_M", kv_cache_type="q4_0")
    words = long.would_change[0].condition
    tokens = int(re.findall(r"[\d,]+", words)[0].replace(",", ""))
    assert _fit(llama.id, box(8), context=tokens, quant="Q4_K_M", kv_cache_type="q4_0").candidate is not None


def test_a_larger_device_is_larger_than_every_device_there_is() -> None:
    answer = _fit("meta-llama/Llama-3.1-70B-Instruct", box(8, 16), quant="Q8_0")
    size = int(re.findall(r"(\d+) GiB", answer.would_change[-1].condition)[0])
    assert size > 16


def test_alternatives_fit_and_differ() -> None:
    answer = _fit("meta-llama/Llama-3.1-8B-Instruct", box(24))
    assert answer.candidate is not None
    quants = [document["quant"] for document in answer.alternatives]
    assert len(set(quants)) == len(quants) == 3
    assert answer.candidate.as_json()["quant"] not in quants
    assert all(document["memory"]["fits"] for document in answer.alternatives)
    assert all(
        document["memory"]["total_bytes"] <= document["memory"]["available_bytes"]
        for document in answer.alternatives
    )


@pytest.mark.parametrize(
    ("model_id", "role", "window"),
    [
        ("BAAI/bge-m3", "embedder", 8192),
        ("sentence-transformers/all-MiniLM-L6-v2", "embedder", 256),
        ("Qwen/Qwen3-Reranker-4B", "reranker", 8192),
        ("microsoft/deberta-v3-base", "classifier", 512),
    ],
)
def test_models_that_read_fit_in_the_library_they_are_made_for(model_id: str, role: str, window: int) -> None:
    for place, quant in ((box(24), "F16"), (box(ram=32), "F32")):
        answer = _fit(model_id, place)
        document = answer.as_json()
        assert (document["role"], document["engine"], document["quant"]) == (role, "transformers", quant)
        assert document["context"] == window
        assert document["memory"]["kv_cache_bytes"] == 0
        assert document["speed"]["tokens_per_second"] is None
        assert document["commands"]
    assert _fit(model_id, box(24), quant="F32").as_json()["quant"] == "F32"


def test_a_missing_engine_is_not_mended_by_memory() -> None:
    """A model without a file that llama.cpp reads is served from its own weights, where that runs."""
    ask, found = Ask(), []
    for record in load_catalog().models:
        if record.kind == "chat" and record.params_total is not None and record.params_total < 2e10:
            refusal = solve(record.id, box(80), ask)
            if isinstance(refusal, Refusal) and refusal.constraint == "engine":
                found.append(record)
    assert found
    for record in found[:10]:
        answer = fit_model(record, box(80), FitWish())
        assert answer.error is not None
        assert answer.error["code"] == "engine"
        assert not any("GiB" in change.condition for change in answer.would_change)
        for change in answer.would_change:
            engine = change.condition.removeprefix("you served it with ")
            served = fit_model(record, box(80), FitWish(engine=engine)).as_json()
            assert served["engine"] == engine
            assert f"it fits as {served['quant']} " in change.outcome


def test_room_takes_from_the_widest_device_and_never_below_nothing() -> None:
    room = room_of(box(24, 12))
    assert room.device_bytes == (23 * GIB, 12 * GIB - 12 * GIB // 24)
    assert room.less(GIB).device_bytes == (22 * GIB, 12 * GIB - 12 * GIB // 24)
    assert room.less(100 * GIB).device_bytes == (0, 12 * GIB - 12 * GIB // 24)
    assert room_of(box(24, 24)).less(GIB).device_bytes == (23 * GIB, 22 * GIB)
    assert room.less(0) is room
    host = room_of(box(ram=16))
    assert host.device_bytes == ()
    assert host.total_bytes == 10 * GIB
    assert room_of(box(ram=16), server=True).total_bytes == 14 * GIB
    assert room_of(box(ram=4)).total_bytes == 2 * GIB
    assert room_of(box(ram=16), reserve=False).total_bytes == 16 * GIB
    assert room_of(box()).host_bytes is None
