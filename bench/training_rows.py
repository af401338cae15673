"""Published training peaks as requests: which rows say enough to be compared, and why the others do not."""

from __future__ import annotations

import csv
import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import asdict, fields
from pathlib import Path

from tools.accuracy.training import Row

LITGPT_LONGEST = {"phi-1.5 1.3B": 1044, "StableLM Alpha 3B": 1034, "Llama 2 7B": 1304, "Llama 2 13B": 1304}
"""Tokens of the longest Alpaca example under each tokenizer, with which the first step runs (litgpt's
tutorials/resource-tables.md)."""
NAMES = {
    "phi-1.5 1.3B": "microsoft/phi-1_5",
    "StableLM Alpha 3B": "stabilityai/stablelm-base-alpha-3b",
    "Llama 2 7B": "meta-llama/Llama-2-7b-hf",
    "Llama-2-7B": "meta-llama/Llama-2-7b-hf",
    "Llama 2 13B": "meta-llama/Llama-2-13b-hf",
    "Llama-3.1-8B": "meta-llama/Llama-3.1-8B-Instruct",
    "Llama-3.2-3B": "meta-llama/Llama-3.2-3B-Instruct",
    "Llama-3.1-70B": "meta-llama/Llama-3.1-70B-Instruct",
    "Llama-3.3-70B": "meta-llama/Llama-3.3-70B-Instruct",
    "Llama-3-8B": "meta-llama/Meta-Llama-3-8B",
}
CONTRADICTED = "two tables give 17 and 28 GB (16 and 27 with Unsloth) for the same stated configuration"


def _bytes(text: str, unit: str) -> str:
    return str(round(float(text) * (2**30 if unit.startswith("GiB") else 10**9)))


def _qwen(row: Mapping[str, str]) -> dict[str, str]:
    method, reason = row["method"], ""
    if "1x" not in row["hardware"]:
        reason = "memory summed over several GPUs"
    kind = "qlora" if method.startswith("Q-LoRA") else "lora" if method.startswith("LoRA") else "full"
    return {
        "method": kind,
        # The repository's scripts: LoRA with the Trainer alone, the other two through DeepSpeed ZeRO-2.
        "framework": "transformers" if kind == "lora" else "deepspeed",
        # `emb`: token table and output matrix are trained whole (modules_to_save in finetune.py).
        "target_modules": "all-linear,embed_tokens,lm_head" if "emb" in method else "",
        "left_out": reason,
    }


def _litgpt(row: Mapping[str, str]) -> dict[str, str]:
    quantized = row["weights"].startswith("bnb")
    found = {
        "method": "qlora" if quantized else "lora",
        "framework": "litgpt",
        "sequence_length": str(LITGPT_LONGEST.get(row["model"], "")),
        "double_quantization": ("on" if row["weights"].endswith("dq") else "off") if quantized else "",
    }
    if "multi-GPU" in row["method"]:
        found["left_out"] = "several GPUs"
    elif row["method"] != "LoRA":
        found["left_out"] = "LLaMA-Adapter, not LoRA"
    return found


def _torchtune(row: Mapping[str, str]) -> dict[str, str]:
    method, note = row["method"], ""
    found = {"method": "qlora" if "QLoRA" in method else "lora" if "LoRA" in method else "full"}
    if "8x" in row["hardware"]:
        note = "several GPUs"
    elif "offload" in method or "8-bit" in method or "all above" in method:
        note = "activations offloaded to system memory and the optimizer step in the backward pass together"
    elif row["seq_len"] == "":
        note = "sequence length not stated"
    elif method == "LoRA":
        note = "checkpointing not stated: 16.2 and 30.3 GiB are given for one configuration"
    elif method.startswith("Full:"):
        found |= {
            "optimizer": "adamw",
            "fused_cross_entropy": "off" if "compile" in method else "on",
            "gradient_checkpointing": "on" if "checkpointing" in method else "off",
        }
    return found | {"framework": "torchtune", "left_out": note}


def _factory(row: Mapping[str, str]) -> dict[str, str]:
    method = row["method"]
    framework = "unsloth" if "Unsloth" in method else "llama-factory"
    left_out = CONTRADICTED if row["weights"] == "16" else ""
    kind = "qlora" if "QLoRA" in method else "lora"
    # These runs used bitsandbytes' states for neither; LLaMA-Factory's default optimizer is adamw_torch.
    return {"method": kind, "framework": framework, "optimizer": "adamw", "left_out": left_out}


def _unsloth(row: Mapping[str, str]) -> dict[str, str]:
    found = {"method": "qlora", "framework": "unsloth" if "unsloth" in row["method"] else "transformers"}
    return found | ({} if row["seq_len"].isdigit() else {"left_out": "ran out of memory: no figure"})


def row_of(raw: Mapping[str, str]) -> Row:
    """A row of the published table as a request, or with the reason why it is left out."""
    model = raw["model"].removesuffix(" (Qwen1)")
    source, peak = raw["source"], raw["peak_vram"]
    readers = (("QwenLM", _qwen), ("litgpt", _litgpt), ("torchtune", _torchtune), ("LLaMA-Factory", _factory))
    reader = next((call for word, call in readers if word in source), _unsloth)
    found = {
        "model": NAMES.get(model, f"Qwen/{model}" if model.startswith("Qwen-") else model),
        "sequence_length": raw["seq_len"],
        "micro_batch_size": raw["batch"],
        "lora_rank": raw["lora_rank"],
        "source": source,
    }
    found |= (
        {"method": raw["method"], "framework": "", "left_out": "not supervised fine-tuning on one GPU"}
        if ("DPO" in raw["method"] or "FSDP" in raw["method"])
        else reader(raw)
    )
    if not re.fullmatch(r"[0-9.]+", peak):
        found["left_out"] = "ran out of memory: no figure"
    else:
        found["peak_bytes"] = _bytes(peak, raw["unit"])
    if not found.get("left_out") and not (found["sequence_length"].isdigit() and found["micro_batch_size"]):
        found["left_out"] = "sequence length or batch not stated"
    return Row(**{field.name: found.get(field.name, "") for field in fields(Row)})


def read_published(path: Path) -> list[Row]:
    """The measured rows of the published table."""
    with path.open(encoding="utf-8") as file:
        return [row_of(raw) for raw in csv.DictReader(file) if raw["kind"] == "measured"]


def write_rows(rows: Iterable[Row], path: Path) -> None:
    """Writes the committed sample."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, [field.name for field in fields(Row)], lineterminator="\n")
        writer.writeheader()
        writer.writerows(asdict(row) for row in rows)


if __name__ == "__main__":
    write_rows(read_published(Path(sys.argv[1])), Path(sys.argv[2]))
