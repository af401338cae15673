"""Models of a hub: configurations with safetensors headers, GGUF repositories by range, and plain errors."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from knowledge.catalog.records import ModelRecord
from knowledge.catalog.store import load_catalog
from knowledge.errors import AdvisorError, NoAnswerError, UsageError
from tests.fakes.gguf_files import catalog_file
from tests.fakes.http_server import FakeServer, Reply
from tests.fakes.hub import SHA, FakeHub, safetensors
from tests.tools.introspect.test_gguf_model import split_file
from tests.tools.memory.helpers import model
from tools.introspect.hub import gguf_models, sight_hub
from tools.introspect.hub_config import weight_files
from tools.introspect.sighting import record_of
from tools.memory.estimate import estimate_memory
from tools.memory.types import MemoryRequest

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])
CONFIG: dict[str, Any] = {
    "model_type": "llama",
    "num_hidden_layers": 16,
    "hidden_size": 2048,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "head_dim": 64,
    "intermediate_size": 8192,
    "vocab_size": 128256,
    "tie_word_embeddings": True,
    "max_position_embeddings": 131072,
}
PARAMS = 1_235_814_400


def encoded(config: object) -> bytes:
    return json.dumps(config).encode()


def added(repo: str, quant: str | None = None) -> ModelRecord:
    return record_of(sight_hub(repo, quant), load_catalog(), None, date(2026, 11, 21))


def test_a_configuration_with_weights_in_parts(hub: FakeHub) -> None:
    hub.repositories["me/Tiny-Tune"] = {
        "config.json": encoded(CONFIG),
        "model-00001-of-00002.safetensors": safetensors({"a": (PARAMS - 5000,)}),
        "model-00002-of-00002.safetensors": safetensors({"b": (50, 100)}),
        "model.safetensors.index.json": b"{}",
    }
    hub.cards["me/Tiny-Tune"] = {
        "tags": [
            "base_model:meta-llama/Llama-3.2-1B-Instruct",
            "base_model:finetune:meta-llama/Llama-3.2-1B-Instruct",
        ],
        "cardData": {"license": "apache-2.0", "language": ["en", "de"]},
    }
    found = added("me/Tiny-Tune")
    known = model("meta-llama/Llama-3.2-1B-Instruct")
    assert found.id == "local/Tiny-Tune"
    assert found.architecture == known.architecture
    assert (found.params_total, found.context_length) == (PARAMS, 131072)
    assert found.added is not None
    assert (found.added.base_model, found.added.same_weights) == (known.id, False)
    assert (found.added.revision, found.added.location) == (SHA, "me/Tiny-Tune")
    assert (found.license, found.languages) == (known.license, ("en", "de"))
    memory = estimate_memory(found, MemoryRequest())
    assert memory.exact
    assert memory.weights_bytes == estimate_memory(known, MemoryRequest()).weights_bytes


FAMILIES: dict[str, tuple[str, dict[str, Any]]] = {
    "experts with a shared one": (
        "Qwen/Qwen3-30B-A3B",
        {
            "model_type": "qwen3_moe",
            "num_hidden_layers": 48,
            "hidden_size": 2048,
            "num_attention_heads": 32,
            "num_key_value_heads": 4,
            "head_dim": 128,
            "intermediate_size": 6144,
            "moe_intermediate_size": 768,
            "num_experts": 128,
            "num_experts_per_tok": 8,
            "vocab_size": 151936,
            "tie_word_embeddings": False,
            "max_position_embeddings": 40960,
        },
    ),
    "windows, listed by layer": (
        "openai/gpt-oss-20b",
        {
            "model_type": "gpt_oss",
            "num_hidden_layers": 24,
            "hidden_size": 2880,
            "num_attention_heads": 64,
            "num_key_value_heads": 8,
            "head_dim": 64,
            "intermediate_size": 2880,
            "num_local_experts": 32,
            "num_experts_per_tok": 4,
            "vocab_size": 201088,
            "tie_word_embeddings": False,
            "sliding_window": 128,
            "layer_types": ["sliding_attention", "full_attention"] * 12,
        },
    ),
    "latent attention, dense first layers": (
        "deepseek-ai/DeepSeek-Coder-V2-Lite-Instruct",
        {
            "model_type": "deepseek_v2",
            "num_hidden_layers": 27,
            "hidden_size": 2048,
            "num_attention_heads": 16,
            "num_key_value_heads": 16,
            "intermediate_size": 10944,
            "moe_intermediate_size": 1408,
            "n_routed_experts": 64,
            "n_shared_experts": 2,
            "num_experts_per_tok": 6,
            "first_k_dense_replace": 1,
            "kv_lora_rank": 512,
            "q_lora_rank": None,
            "qk_nope_head_dim": 128,
            "qk_rope_head_dim": 64,
            "v_head_dim": 128,
            "vocab_size": 102400,
            "tie_word_embeddings": False,
        },
    ),
    "linear attention": (
        "Qwen/Qwen3-Next-80B-A3B-Instruct",
        {
            "model_type": "qwen3_next",
            "num_hidden_layers": 48,
            "hidden_size": 2048,
            "num_attention_heads": 16,
            "num_key_value_heads": 2,
            "head_dim": 256,
            "intermediate_size": 5120,
            "moe_intermediate_size": 512,
            "shared_expert_intermediate_size": 512,
            "num_experts": 512,
            "num_experts_per_tok": 10,
            "linear_num_key_heads": 16,
            "linear_num_value_heads": 32,
            "linear_key_head_dim": 128,
            "linear_value_head_dim": 128,
            "linear_conv_kernel_dim": 4,
            "vocab_size": 151936,
            "tie_word_embeddings": False,
        },
    ),
    "a text model inside a larger one": (
        "google/gemma-3-12b-it",
        {
            "model_type": "gemma3",
            "vision_config": {"hidden_size": 1152},
            "text_config": {
                "model_type": "gemma3_text",
                "num_hidden_layers": 48,
                "hidden_size": 3840,
                "num_attention_heads": 16,
                "num_key_value_heads": 8,
                "head_dim": 256,
                "intermediate_size": 15360,
                "vocab_size": 262208,
                "sliding_window": 1024,
                "tie_word_embeddings": True,
            },
        },
    ),
}


@pytest.mark.parametrize("name", FAMILIES)
def test_cache_and_weights_follow_from_the_configuration(hub: FakeHub, name: str) -> None:
    model_id, config = FAMILIES[name]
    known = model(model_id)
    assert known.params_total is not None
    hub.repositories["me/x"] = {
        "config.json": encoded(config),
        "model.safetensors": safetensors({"a": (known.params_total,)}),
    }
    found = added("me/x")
    mine, its = (estimate_memory(record, MemoryRequest(context=16384)) for record in (found, known))
    assert mine.kv_cache_bytes == its.kv_cache_bytes
    assert abs(mine.weights_bytes - its.weights_bytes) <= 0.005 * its.weights_bytes
    assert found.added is not None
    assert found.added.base_model is None  # nothing names it


def test_an_unknown_family_is_an_estimate_that_says_so(hub: FakeHub) -> None:
    hub.repositories["me/new"] = {
        "config.json": encoded(CONFIG | {"model_type": "brandnew"}),
        "model.safetensors": safetensors({"a": (PARAMS,)}),
    }
    estimate = estimate_memory(added("me/new"), MemoryRequest())
    assert not estimate.exact
    assert any("not known one by one" in note for note in estimate.caveats)


def test_a_gguf_repository_is_read_by_its_head_only(hub: FakeHub, tmp_path: Path) -> None:
    known = model("meta-llama/Llama-3.2-1B-Instruct")
    files = {q: catalog_file(tmp_path, known, q, vocabulary=1000) for q in ("Q4_K_M", "Q8_0")}
    hub.repositories["me/Llama-3.2-1B-Instruct-GGUF"] = {
        **{path.name: path for path in files.values()},
        "mmproj-F16.gguf": b"GGUF",
        "config.json": b"{}",
    }
    hub.cards["me/Llama-3.2-1B-Instruct-GGUF"] = {"tags": [f"base_model:quantized:{known.id}"]}
    with pytest.raises(UsageError, match=r"2 quantizations: Q4_K_M, Q8_0") as several:
        added("me/Llama-3.2-1B-Instruct-GGUF")
    assert "me/Llama-3.2-1B-Instruct-GGUF:Q4_K_M" in several.value.hint
    found = added("me/Llama-3.2-1B-Instruct-GGUF", "q8_0")
    assert found.id == "local/Llama-3.2-1B-Instruct-GGUF-Q8_0"
    assert found.added is not None
    assert (found.added.same_weights, found.added.file_bytes) == (True, files["Q8_0"].stat().st_size)
    assert found.gguf_repo == "me/Llama-3.2-1B-Instruct-GGUF"
    request = MemoryRequest(quant="Q8_0")
    assert estimate_memory(found, request).weights_bytes == estimate_memory(known, request).weights_bytes
    assert hub.sent < 2 << 20 < files["Q8_0"].stat().st_size
    with pytest.raises(NoAnswerError, match="has no Q2_K; it has Q4_K_M, Q8_0"):
        added("me/Llama-3.2-1B-Instruct-GGUF", "Q2_K")


def test_a_gguf_repository_in_parts(hub: FakeHub, tmp_path: Path) -> None:
    split_file(tmp_path)
    hub.repositories["me/big"] = {f"Q4_K_M/{path.name}": path for path in sorted(tmp_path.iterdir())}
    known = model("meta-llama/Llama-3.2-1B-Instruct")
    request = MemoryRequest()
    assert (
        estimate_memory(added("me/big"), request).weights_bytes
        == estimate_memory(known, request).weights_bytes
    )
    del hub.repositories["me/big"]["Q4_K_M/big-Q4_K_M-00002-of-00003.gguf"]
    with pytest.raises(UsageError, match="neither a configuration"):
        added("me/big")


def test_models_among_the_files_of_a_repository() -> None:
    names = [
        "a-Q4_K_M.gguf",
        "UD/a-UD-Q2_K_XL-00001-of-00002.gguf",
        "UD/a-UD-Q2_K_XL-00002-of-00002.gguf",
        "a-IQ1_S-00001-of-00003.gguf",
        "mmproj-a-f16.gguf",
        "a.imatrix.gguf",
        "README.md",
    ]
    found = gguf_models(dict.fromkeys(names))
    assert list(found) == ["UD-Q2_K_XL", "Q4_K_M"]
    assert len(found["UD-Q2_K_XL"]) == 2


def test_files_of_the_same_quantization_are_told_apart() -> None:
    found = gguf_models(dict.fromkeys(["a-Q4_K_M.gguf", "a-abliterated-Q4_K_M.gguf", "a-Q8_0.gguf"]))
    assert set(found) == {"a-Q4_K_M", "Q8_0", "a-abliterated-Q4_K_M"}


def test_the_weights_are_counted_once() -> None:
    parts = [f"model-0000{index}-of-00002.safetensors" for index in (1, 2)]
    assert (
        weight_files(dict.fromkeys([*parts, "consolidated.safetensors", "adapter_model.safetensors"]))
        == parts
    )
    assert weight_files({"a.safetensors": 10, "b.safetensors": 90, "README.md": 100}) == ["b.safetensors"]
    assert weight_files({"README.md": 1}) == []


def test_whole_numbers_with_a_point_are_whole_numbers(hub: FakeHub) -> None:
    hub.repositories["me/x"] = {"config.json": encoded(CONFIG | {"max_position_embeddings": 131072.0})}
    assert added("me/x").context_length == 131072


def test_the_task_that_the_hub_states_is_the_kind(hub: FakeHub) -> None:
    hub.repositories["me/x"] = {"config.json": encoded(CONFIG)}
    hub.cards["me/x"] = {"pipeline_tag": "text-ranking"}
    assert added("me/x").kind == "reranker"


@pytest.mark.parametrize("facts", [b"[1]", b'{"id": 3, "siblings": [{"size": 1}]}', b'{"siblings": 5}'])
def test_facts_that_are_none(monkeypatch: pytest.MonkeyPatch, facts: bytes) -> None:
    with FakeServer(lambda asked: Reply(facts)) as server:
        monkeypatch.setenv("HF_ENDPOINT", server.url)
        with pytest.raises(AdvisorError) as caught:
            added("me/x")
    assert caught.value.exit_status == 3


def test_names_that_lead_out_of_the_repository_are_no_files(hub: FakeHub, tmp_path: Path) -> None:
    hub.repositories["me/evil"] = {"config.json": encoded(CONFIG)}
    hub.names["me/evil"] = [
        "../../etc/passwd.safetensors",
        "/etc/x.gguf",
        "a/../../b-Q4_K_M.gguf",
        "c:\\x-Q8_0.gguf",
        "x\x1b[2J.gguf",
    ]
    found = added("me/evil")
    assert found.added is not None
    assert found.params_total == PARAMS  # implied by the shape; no file was asked for
    assert all(".." not in asked.path and "etc" not in asked.path for asked in hub.asked)
