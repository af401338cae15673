"""`memory` with `train`: the contract's keys, the framework's defaults, small GPTs and errors."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from knowledge.errors import UnknownNameError, UsageError
from tools.commands.memory import MemoryQuery, memory
from tools.commands.requests import parse
from tui.sizing_text import memory_lines

GIB = 1 << 30
PARTS = (
    "weights_bytes", "adapter_bytes", "gradient_bytes", "optimizer_bytes", "activation_bytes", "logits_bytes",
    "overhead_bytes",
)  # fmt: skip
MODEL = "meta-llama/Llama-3.1-8B-Instruct"


def ask(**values: Any) -> dict[str, Any]:
    return memory(parse(MemoryQuery, {"model": MODEL, **values}))


@pytest.mark.parametrize("train", ["full", "lora", "qlora", "scratch"])
def test_the_parts_make_the_total(train: str) -> None:
    document = ask(train=train)
    assert document["total_bytes"] == sum(document[key] for key in PARTS)
    assert document["low_bytes"] <= document["total_bytes"] <= document["high_bytes"]
    assert all(isinstance(document[key], int) for key in PARTS)
    assert (document["model_id"], document["train"]) == (MODEL, train)
    assert {item["kind"] for item in document["basis"]} >= {"measurement", "catalog"}
    json.dumps(document)


def test_what_is_not_said_is_what_the_framework_does() -> None:
    plain, unsloth = ask(train="qlora"), ask(train="qlora", framework="unsloth")
    assert (plain["optimizer"], plain["fused_cross_entropy"]) == ("adamw", False)
    assert (unsloth["optimizer"], unsloth["fused_cross_entropy"]) == ("adamw_8bit", True)
    litgpt = ask(train="lora", framework="litgpt")
    assert (litgpt["target_modules"], litgpt["gradient_checkpointing"]) == ("q_proj,v_proj", False)
    assert ask(train="full", framework="torchtune")["precision"] == "bf16"
    assert ask(train="full")["lora_rank"] is None


def test_options_of_the_contract_are_heard() -> None:
    document = ask(
        train="LoRA",
        sequence_length="4k",
        micro_batch_size=2,
        lora_rank=64,
        target_modules="Attention",
        optimizer="AdamW_8bit",
        gradient_checkpointing=False,
        fused_cross_entropy=True,
        sharding="zero3",
        framework="axolotl",
        hardware="4x A100 80GB",
    )
    assert (document["sequence_length"], document["tokens"], document["gpus"]) == (4096, 8192, 4)
    assert document["fits"] is True
    assert document["weights_bytes"] == pytest.approx(2 * 8.03e9 / 4, rel=0.001)


def test_logits_are_shown_by_name() -> None:
    lines = "\n".join(
        memory_lines(ask(model="gemma-3-12b-it", train="qlora", sequence_length=4096), why=True)
    )
    assert "262,144 entries x 4,096 tokens" in lines
    assert "Fused or chunked cross-entropy saves 9.0 GiB." in lines
    assert "prepare_model_for_kbit_training" in lines


@pytest.mark.parametrize("model", ["150M_1024", "150M_1024.json"])
def test_small_gpts_are_reachable(model: str) -> None:
    document = ask(model=model, train="scratch", hardware="RTX 3090")
    assert (document["model"], document["model_id"]) == ("150M_1024", None)
    assert document["total_bytes"] == sum(document[key] for key in PARTS)
    assert (document["sequence_length"], document["micro_batch_size"]) == (1024, 8)
    assert document["basis"][0]["locator"].startswith("pretrain-small-gpt.md#Overview of the high-context")
    assert any("The guide states 14 GB" in text for text in document["caveats"])
    assert "training from scratch" in "\n".join(memory_lines(document, why=False))


def test_small_gpts_as_asked() -> None:
    usual = ask(model="tiny", train="scratch")
    more = ask(model="tiny", train="scratch", precision="float32", flash_attention=False, sequence_length=512)
    assert more["activation_bytes"] > 4 * usual["activation_bytes"]
    assert not any("guide states" in text for text in more["caveats"])


@pytest.mark.parametrize(
    "model", ["Qwen/Qwen-7B", "qwen/qwen-1_8B-Chat", "stabilityai/stablelm-base-alpha-3b"]
)
def test_older_models_that_were_measured_are_known_by_their_hub_id(model: str) -> None:
    assert ask(model=model, train="lora")["model_id"].lower() == model.lower()


def test_more_gpus_without_sharding_are_told_what_sharding_saves() -> None:
    document = ask(train="full", hardware="8x A100 80GB")
    assert document["caveats"][0].startswith("Sharding over the GPUs (ZeRO-3 or FSDP) saves ")
    assert document["fits"] is False
    assert ask(train="full", hardware="8x A100 80GB", sharding="fsdp")["fits"] is True


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"train": "full", "lora_rank": 8}, "lora_rank"),
        ({"train": "lora", "target_modules": "q_proj,nothing"}, "nothing"),
        ({"train": "lora", "target_modules": ","}, "target_modules"),
        ({"train": "qlora", "optimizer": "magic"}, "optimizer"),
        ({"train": "qlora", "sequence_length": 100_000_000, "micro_batch_size": 2}, "make no sense"),
    ],
)
def test_what_no_run_takes_is_refused(values: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        ask(**values)


def test_a_configuration_is_no_model_elsewhere() -> None:
    with pytest.raises(UnknownNameError):
        ask(model="750M_1024", train="lora")


def test_training_loads_only_where_it_is_asked_for() -> None:
    code = (
        "import sys; from tools.commands.memory import MemoryQuery, memory; "
        "from tools.commands.requests import parse; "
        f"memory(parse(MemoryQuery, {{'model': '{MODEL}'}})); "
        "heavy = ('memory.training', 'commands.training', 'pretrain'); "
        "assert not [m for m in sys.modules for name in heavy if name in m]; "
        f"memory(parse(MemoryQuery, {{'model': '{MODEL}', 'train': 'qlora'}})); "
        "assert 'torch' not in sys.modules and 'knowledge.references' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
