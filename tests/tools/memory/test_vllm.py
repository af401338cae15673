"""vLLM against its start-up logs, and what must hold for any pool."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from knowledge.errors import UsageError
from tests.tools.memory.helpers import GIB, cards, model
from tools.accuracy.vllm import Logged, logged_rows
from tools.hardware_types import Device, Machine
from tools.memory.engine_data import engine_of_release
from tools.memory.estimate import device_bytes, estimate_memory
from tools.memory.types import MemoryEstimate, MemoryRequest, Pool, Serving

ROWS = list(logged_rows())
LLAMA = "meta-llama/Llama-3.1-8B-Instruct"
FEW = settings(max_examples=40, deadline=None)


def ids(row: Logged) -> str:
    return row.name.replace(" ", "-")


def ask(model_id: str = LLAMA, count: int = 1, gib: int = 80, **values: Any) -> MemoryEstimate:
    serving = {key: values.pop(key) for key in list(values) if key in Serving.__dataclass_fields__}
    fields = {"engine": "vllm", "quant": "BF16", "kv_cache_type": "auto", **values}
    request = MemoryRequest(hardware=cards(count, gib), serving=Serving(**serving), **fields)
    return estimate_memory(model(model_id), request)


def pool_of(*args: Any, **values: Any) -> Pool:
    pool = ask(*args, **values).pool
    assert pool is not None
    return pool


@pytest.mark.parametrize(
    "row", [row for row in ROWS if row.has_peaks and row.number("kv_cache_gib") is not None], ids=ids
)
def test_the_pool_given_the_logged_peaks(row: Logged) -> None:
    true = row.number("kv_cache_gib")
    assert true is not None
    found = row.pool(with_peaks=True).per_device[0].kv_pool_bytes / GIB
    assert found == pytest.approx(true, rel=0.03)


@pytest.mark.parametrize("row", [row for row in ROWS if row.flags_known], ids=ids)
def test_the_pool_without_a_log_is_inside_its_interval(row: Logged) -> None:
    pool = row.pool(with_peaks=False)
    device = pool.per_device[0]
    true, tokens = row.number("kv_cache_gib"), row.number("kv_tokens")
    if true is not None:
        assert device.kv_pool_low_bytes <= true * GIB <= device.kv_pool_high_bytes
    if tokens is not None:
        assert pool.tokens_low <= tokens <= pool.tokens_high


@pytest.mark.parametrize("row", [row for row in ROWS if row.number("weights_gib") is not None], ids=ids)
def test_weights_are_inside_their_interval(row: Logged) -> None:
    device = row.pool(with_peaks=False).per_device[0]
    assert device.weights_low_bytes <= (row.number("weights_gib") or 0) * GIB <= device.weights_high_bytes
    assert device.weights_high_bytes < 1.8 * device.weights_low_bytes


@pytest.mark.parametrize(
    "row", [row for row in ROWS if row.number("kv_tokens") and row.number("kv_cache_gib")], ids=ids
)
def test_tokens_of_a_logged_pool(row: Logged) -> None:
    pool = row.pool(with_peaks=False)
    size = (row.number("kv_cache_gib") or 0) * GIB
    tokens = size / pool.per_device[0].kv_pool_bytes * pool.tokens
    assert tokens == pytest.approx(row.number("kv_tokens"), rel=0.015)


def test_blocks_and_concurrency_of_a_log() -> None:
    """5,691 blocks of 16 tokens, in requests of 8,192 (vllm-project/vllm issue #12330)."""
    row = next(row for row in ROWS if row.row["kv_tokens"] == "91056")
    pool = row.pool(with_peaks=True)
    assert pool.block_tokens == 16
    assert abs(pool.tokens - 91056) <= 16
    assert pool.max_concurrency == pytest.approx(91056 / 8192, abs=0.01)


@FEW
@given(st.sampled_from([0.5, 0.7, 0.9]), st.sampled_from([1, 2, 4, 8]), st.integers(1, 131072))
def test_a_larger_share_and_more_devices_hold_more(share: float, count: int, context: int) -> None:
    small = pool_of(count=count, gib=48, gpu_memory_utilization=share, context=context)
    large = pool_of(count=count, gib=48, gpu_memory_utilization=share + 0.05, context=context)
    assert large.kv_pool_bytes > small.kv_pool_bytes
    assert large.tokens >= small.tokens
    low, high = small.interval
    assert low <= small.kv_pool_bytes <= high
    assert small.tokens_low <= small.tokens <= small.tokens_high
    if count > 1:
        fewer = pool_of(count=count // 2, gib=48, gpu_memory_utilization=share, context=context)
        assume(fewer.kv_pool_bytes > 0)
        assert small.tokens > fewer.tokens


@FEW
@given(
    st.sampled_from([LLAMA, "google/gemma-3-12b-it", "Qwen/Qwen3-30B-A3B", "deepseek-ai/DeepSeek-V3"]),
    st.sampled_from(["BF16", "FP8", "AWQ", "NVFP4"]),
    st.sampled_from([(1, 1), (2, 1), (1, 2), (4, 2)]),
    st.integers(1, 200_000),
    st.integers(1, 64),
)
def test_parts_add_up_and_the_interval_holds_them(
    model_id: str, quant: str, split: tuple[int, int], context: int, parallel: int
) -> None:
    found = ask(
        model_id,
        count=8,
        quant=quant,
        context=context,
        parallel=parallel,
        tensor_parallel=split[0],
        pipeline_parallel=split[1],
    )
    assert len(found.per_device) == split[0] * split[1]
    assert found.total_bytes == sum(device.total_bytes for device in found.per_device)
    assert found.low_bytes <= found.total_bytes <= found.high_bytes


def test_more_devices_than_kv_heads_repeat_the_cache() -> None:
    one, eight, sixteen = (ask(count=count).kv_cache_bytes for count in (1, 8, 16))
    assert eight == one
    assert sixteen == 2 * one


def test_pipeline_stages_hold_their_layers() -> None:
    found = ask(count=2, pipeline_parallel=2, tensor_parallel=1, context=65536)
    whole = ask(count=1, context=65536)
    assert found.kv_cache_bytes == whole.kv_cache_bytes
    assert found.weights_bytes == pytest.approx(whole.weights_bytes, rel=0.005)
    assert len({device.kv_cache_bytes for device in found.per_device}) == 1


def test_expert_parallel_divides_experts_as_slices_do() -> None:
    plain = ask("Qwen/Qwen3-30B-A3B", count=4)
    whole = ask("Qwen/Qwen3-30B-A3B", count=4, expert_parallel=True)
    assert plain.weights_bytes == whole.weights_bytes
    assert any("no experts" in caveat for caveat in ask(count=2, expert_parallel=True).caveats)


def test_windows_are_cached_in_full_without_the_hybrid_manager() -> None:
    gemma = "google/gemma-3-12b-it"
    windows = ask(gemma, context=131072)
    full = ask(gemma, context=131072, hybrid_kv_manager=False)
    old = ask(gemma, context=131072, engine_version="0.9.2")
    assert windows.kv_cache_bytes < 0.3 * full.kv_cache_bytes
    assert old.kv_cache_bytes == full.kv_cache_bytes


def test_blocks_are_raised_to_the_page_of_a_recurrent_state() -> None:
    """A log of this model on eight devices says 544 tokens: three draft tokens lengthen its convolutions.

    Source: Sandermage/genesis-vllm-patches issue #24, 542,720 bytes of state a layer padded by 2.64 %.
    """
    pool = pool_of("Qwen/Qwen3.5-122B-A10B", count=8, context=65536)
    assert pool.block_tokens == 528
    assert pool_of(context=65536).block_tokens == 16


def test_eager_mode_needs_no_graphs_and_more_rows_more_room() -> None:
    graphs, eager = ask(), ask(enforce_eager=True)
    assert graphs.compute_bytes - eager.compute_bytes == 400 << 20
    assert ask(max_num_seqs=1024).compute_bytes > graphs.compute_bytes
    assert ask(max_num_batched_tokens=32768).compute_bytes > graphs.compute_bytes


def test_large_cards_compute_larger_steps() -> None:
    h100 = Device("H100 SXM5 80GB", "cuda", 80 * GIB, 3350.0, compute_capability=9.0)
    a100 = replace(h100, name="A100 SXM4 80GB", compute_capability=8.0)
    sizes = [
        device_bytes(
            model(LLAMA),
            MemoryRequest(
                engine="vllm", quant="BF16", kv_cache_type="auto", hardware=Machine("one", (card,))
            ),
        ).compute
        for card in (h100, a100)
    ]
    assert sizes[0] > sizes[1]


def test_a_pool_that_does_not_fit_says_what_is_missing() -> None:
    found = ask("meta-llama/Llama-3.1-70B-Instruct", gib=80)
    assert found.pool is not None
    assert found.pool.kv_pool_bytes < 0
    assert found.pool.tokens == 0
    assert any("no room is left" in caveat for caveat in found.caveats)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"tensor_parallel": 3, "count": 4}, "do not divide"),
        ({"tensor_parallel": 4, "count": 2}, "are asked for"),
        ({"pipeline_parallel": 64, "count": 64, "tensor_parallel": 1}, "stages are more"),
        ({"engine": "mlx", "quant": "MLX-4bit", "tensor_parallel": 1}, "MLX has no `tensor_parallel`"),
        ({"engine_version": "newest"}, "is no release"),
    ],
)
def test_options_that_do_not_go(values: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words) as caught:
        ask(**values)
    assert caught.value.hint


def test_heads_that_do_not_divide_are_spread_by_layers() -> None:
    found = ask(count=3)
    assert len(found.per_device) == 3
    assert any("pipeline parallel" in caveat for caveat in found.caveats)


def test_older_releases_are_read_in_order() -> None:
    now, then = engine_of_release("vllm", None), engine_of_release("vllm", "0.6.3.post1")
    assert (now.utilization, then.utilization) == (0.92, 0.9)
    assert now.windows
    assert not then.windows
    assert engine_of_release("vllm", "0.21.0") == now


@pytest.mark.parametrize(("engine", "most"), [("sglang", 1.0), ("tgi", 1.0), ("tensorrt-llm", 1.0)])
def test_kin_claim_their_own_share(engine: str, most: float) -> None:
    pool = pool_of(engine=engine, gpu_memory_utilization=0.8)
    device = pool.per_device[0]
    assert 0 < device.kv_pool_bytes + device.weights_bytes < most * device.visible_bytes
    assert pool.tokens > 0


def test_a_share_that_is_too_small_names_the_one_that_would_do() -> None:
    record = "meta-llama/Llama-3.1-8B-Instruct"
    short = ask(record, gib=24, context=49152, gpu_memory_utilization=0.85)
    hint = next(caveat for caveat in short.caveats if "too small" in caveat)
    share = int(hint.split("claim ")[1].split("%")[0]) / 100
    enough = ask(record, gib=24, context=49152, gpu_memory_utilization=share)
    assert enough.pool is not None
    assert enough.pool.kv_pool_bytes >= enough.kv_cache_bytes
    hopeless = ask("meta-llama/Llama-3.1-70B-Instruct", gib=24)
    assert any("larger share does not help" in caveat for caveat in hopeless.caveats)


def test_programs_see_less_than_is_sold() -> None:
    assert pool_of().per_device[0].visible_bytes < 80 * GIB
    assert pool_of(visible_bytes=79 * GIB).per_device[0].visible_bytes == 79 * GIB
