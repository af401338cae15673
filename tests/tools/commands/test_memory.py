"""`memory`: the contract's keys, sums, machines and errors."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.errors import AdvisorError, UnknownNameError, UsageError
from tools.commands.memory import MemoryQuery, memory
from tools.commands.requests import parse

PARTS = ("weights_bytes", "kv_cache_bytes", "compute_bytes", "overhead_bytes")
CONTRACT = {
    "model", "model_id", "quant", "engine", "context", "kv_cache_type", "parallel", *PARTS, "total_bytes",
    "host_bytes", "file_bytes", "low_bytes", "high_bytes", "per_device", "formula", "basis",
}  # fmt: skip
MODEL = "meta-llama/Llama-3.1-8B-Instruct"


def ask(**values: Any) -> dict[str, Any]:
    return memory(parse(MemoryQuery, {"model": MODEL, **values}))


def test_the_document_has_the_keys_of_the_contract() -> None:
    document = ask()
    assert set(document) >= CONTRACT
    assert (document["model"], document["model_id"]) == ("Llama-3.1-8B-Instruct", MODEL)
    assert (document["quant"], document["engine"], document["context"]) == ("Q4_K_M", "llama.cpp", 8192)
    assert all(set(item) >= {"kind", "source"} for item in document["basis"])
    assert document["basis"]


@given(
    context=st.integers(256, 131072),
    parallel=st.integers(1, 4),
    cache=st.sampled_from(["f16", "q8_0", "q4_0"]),
    quant=st.sampled_from(["Q4_K_M", "Q8_0", "F16"]),
)
def test_the_parts_make_the_total_and_the_devices_the_parts(
    context: int, parallel: int, cache: str, quant: str
) -> None:
    document = ask(
        context=context, parallel=parallel, kv_cache_type=cache, quant=quant, hardware="2x RTX 3090"
    )
    assert document["total_bytes"] == sum(document[key] for key in PARTS)
    assert document["low_bytes"] <= document["total_bytes"] <= document["high_bytes"]
    assert len(document["per_device"]) == 2
    for key in PARTS:
        assert document[key] == sum(device[key] for device in document["per_device"])


def test_the_cache_grows_with_the_context_and_not_with_the_slots() -> None:
    small, large = ask(context=8192), ask(context=16384)
    assert large["kv_cache_bytes"] == 2 * small["kv_cache_bytes"] == 2 << 30
    assert ask(context=8192, parallel=4)["kv_cache_bytes"] == small["kv_cache_bytes"]


@pytest.mark.parametrize(
    ("hardware", "fits"), [("RTX 3090", True), ("RTX 3060 12GB", True), ("GTX 1650", False)]
)
def test_a_named_machine_is_held_against_the_sum(hardware: str, fits: bool) -> None:
    document = ask(hardware=hardware)
    assert document["fits"] is fits
    assert document["available_bytes"] > 0


def test_a_machine_without_accelerator_holds_everything_in_system_memory() -> None:
    document = ask(hardware="CPU only, 32 GB RAM")
    assert document["fits"] is True
    assert document["total_bytes"] + document["host_bytes"] >= 4 << 30


def test_a_context_beyond_the_model_is_a_caveat() -> None:
    assert any("131,072" in caveat for caveat in ask(context=262144)["caveats"])


def test_an_inexact_name_is_noted() -> None:
    document = memory(parse(MemoryQuery, {"model": "llama3.1:8b"}))
    assert document["model_id"] == MODEL
    assert document["note"].endswith(".")


@pytest.mark.parametrize(
    "model", ["no such model at all", "qqqqqqq", "x" * 250, "[/b] {x}", "../../etc/passwd"]
)
def test_an_unknown_model_has_no_answer(model: str) -> None:
    with pytest.raises(UnknownNameError) as caught:
        memory(parse(MemoryQuery, {"model": model}))
    assert caught.value.exit_status == 1
    assert caught.value.hint


def test_an_unknown_accelerator_has_no_answer() -> None:
    with pytest.raises(UnknownNameError) as caught:
        ask(hardware="RTX 9099")
    assert caught.value.code == "unknown_gpu"
    assert "9099" in caught.value.message
    assert caught.value.hint


def test_words_that_name_no_machine_are_wrong_usage() -> None:
    with pytest.raises(UsageError) as caught:
        ask(hardware="hello there")
    assert "RTX 4090" in caught.value.hint


@pytest.mark.parametrize(
    "values", [{"quant": "Q9_Z"}, {"kv_cache_type": "q99"}, {"engine": "no-such-engine"}], ids=str
)
def test_unknown_formats_are_one_sentence(values: dict[str, str]) -> None:
    with pytest.raises(AdvisorError) as caught:
        ask(**values)
    assert caught.value.exit_status in (1, 2)
    assert next(iter(values.values())) in caught.value.message


def test_training_options_need_a_method() -> None:
    with pytest.raises(UsageError, match="sequence_length"):
        ask(sequence_length=2048)


def test_a_split_without_a_machine_names_as_many_large_devices() -> None:
    document = ask(tensor_split="3,1")
    first, second = document["per_device"]
    assert (first["device"], second["device"]) == ("CUDA0", "CUDA1")
    assert first["weights_bytes"] > 2 * second["weights_bytes"]
    assert sum(d["total_bytes"] for d in document["per_device"]) == document["total_bytes"]


def test_a_split_over_more_devices_than_there_are_is_refused() -> None:
    with pytest.raises(UsageError, match="2 shares, the machine 1 devices"):
        ask(tensor_split="1,1", hardware="RTX 3090")


def test_flash_attention_may_be_left_to_the_engine() -> None:
    assert ask(flash_attention="auto") == ask(flash_attention="on")
    assert ask(flash_attention="off")["compute_bytes"] > ask(flash_attention="auto")["compute_bytes"]


def test_the_projector_stands_beside_a_model_that_reads_images() -> None:
    plain, seeing = (ask(model="google/gemma-3-12b-it", vision=on) for on in (False, True))
    added = seeing["weights_bytes"] - plain["weights_bytes"]
    assert 0.5e9 < added < 1.5e9
    assert seeing["file_bytes"] - plain["file_bytes"] == added
    assert "vision projector" in seeing["formula"]
    assert not [note for note in seeing["caveats"] if note.startswith("Without the vision")]
    with pytest.raises(UsageError, match="reads no images"):
        ask(vision=True)


def test_a_server_answers_with_its_pool_and_the_reasons() -> None:
    document = ask(engine="vllm", quant="AWQ", hardware="RTX 4090", gpu_memory_utilization=0.8, context="8k")
    pool = document["pool"]
    assert pool["gpu_memory_utilization"] == 0.8
    assert pool["kv_pool_low_bytes"] <= pool["kv_pool_bytes"] <= pool["kv_pool_high_bytes"]
    assert pool["tokens"] // 16 * 16 == pool["tokens"]
    assert pool["max_concurrency"] == pytest.approx(pool["tokens"] / 8192, abs=0.01)
    assert pool["kv_pool_bytes"] == sum(device["kv_pool_bytes"] for device in pool["per_device"])
    assert {item["part"] for item in document["difference"]} >= {"weights", "pool"}
    assert document["fits"] is True
    assert "pool" not in ask(engine="vllm", quant="AWQ")
    assert "difference" not in ask()


def test_a_request_larger_than_the_pool_does_not_fit() -> None:
    share = {"engine": "vllm", "quant": "BF16", "hardware": "RTX 4090", "context": "32k"}
    assert ask(**share)["fits"] is True
    assert ask(**share, gpu_memory_utilization=0.7)["fits"] is False


def test_figures_of_a_log_are_kept() -> None:
    logged = ask(
        engine="vllm", quant="BF16", activation_bytes=1 << 30, non_torch_bytes=1 << 28, enforce_eager=True
    )
    assert logged["compute_bytes"] == 1 << 30
    assert logged["overhead_bytes"] == 1 << 28


@pytest.mark.parametrize("engine", ["llama.cpp", "ollama", "mlx", "transformers"])
def test_options_of_servers_are_refused_elsewhere(engine: str) -> None:
    with pytest.raises(UsageError, match="has no `tensor_parallel`") as caught:
        ask(engine=engine, tensor_parallel=2)
    assert caught.value.hint


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("gpu_memory_utilization", 1.5),
        ("gpu_memory_utilization", 0),
        ("tensor_parallel", 0),
        ("max_num_seqs", True),
        ("hybrid_kv_manager", "sometimes"),
        ("activation_bytes", -1),
    ],
)
def test_values_no_server_takes(key: str, value: object) -> None:
    with pytest.raises(UsageError) as caught:
        ask(engine="vllm", **{key: value})
    assert key in caught.value.message


def test_an_engine_known_not_to_run_it_is_a_caveat() -> None:
    document = memory(
        parse(MemoryQuery, {"model": MODEL, "engine": "vllm", "hardware": "GTX 1080 Ti", "quant": "BF16"})
    )
    assert any("does not run on" in caveat for caveat in document["caveats"])


@pytest.mark.parametrize(
    ("engine", "quant"), [(None, "MXFP4"), ("vllm", "MXFP4"), ("tgi", "BF16"), ("mlx", "MLX-4bit")]
)
def test_a_model_published_in_few_bits_is_taken_as_published(engine: str | None, quant: str) -> None:
    values = {} if engine is None else {"engine": engine}
    assert memory(parse(MemoryQuery, {"model": "openai/gpt-oss-20b", **values}))["quant"] == quant


def test_options_of_servers_do_not_go_with_training() -> None:
    with pytest.raises(UsageError, match="says how to serve"):
        ask(train="lora", gpu_memory_utilization=0.9)
