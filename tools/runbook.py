"""The lines to run: an engine's templates filled with a configuration's own figures."""

from __future__ import annotations

import shlex
from functools import cache
from importlib import resources
from typing import Any

from pydantic import TypeAdapter

from knowledge.catalog.records import ModelRecord
from knowledge.catalog.store import load_catalog
from tools.candidates import Candidate, Command

DEFAULT_OLLAMA_QUANT = "Q4_K_M"
NATIVE = ("MXFP4",)


@cache
def _runbook() -> dict[str, Any]:
    data = resources.files("tools").joinpath("data/runbook.json").read_bytes()
    return TypeAdapter(dict[str, Any]).validate_json(data)


def ollama_name(model: ModelRecord, quant: str) -> str | None:
    """A library tag that names its size, where it holds this quantization, else the GGUF repository.

    A tag without a size (`qwen3.5`) points at whatever size the library calls its default.
    """
    if model.added is not None and model.added.source == "ollama" and quant == model.added.quant:
        return model.ollama_tag
    tag = model.ollama_tag or ""
    doubtful = _runbook()["doubtful_tags"]["tags"]
    known = ":" in tag and tag not in doubtful and tag.split(":", 1)[0] not in doubtful
    if known and quant in (DEFAULT_OLLAMA_QUANT, *NATIVE):
        return tag
    return f"hf.co/{model.gguf_repo}:{quant}" if model.gguf_repo else None


def _own_file(model: ModelRecord | None, quant: str) -> str | None:
    """The path of the file that a person added, quoted for a shell, where it has this quantization."""
    added = model.added if model is not None else None
    own = added is not None and added.source == "file" and added.quant == quant
    return shlex.quote(added.location) if added is not None and own else None


def _conversion(quant: str, name: str) -> dict[str, Any]:
    """What the steps from published weights to a GGUF file of a quantization need."""
    book = _runbook()
    whole = book["whole_types"].get(quant)
    imatrix = quant in book["imatrix_types"]
    return {
        "to_convert": True,
        "converted": f"{name}-{quant}.gguf",
        "whole": f"{name}-{quant if whole else 'BF16'}.gguf",
        "outtype": whole or "bf16",
        "file_type": book["file_types"].get(quant, quant),
        "imatrix": imatrix,
        "quantize": whole is None and not imatrix,
    }


def _fields(candidate: Candidate) -> dict[str, Any]:
    c = candidate.configuration
    model = load_catalog().by_id.get((candidate.model_id or "").lower())
    fields: dict[str, Any] = {
        "model_id": candidate.model_id,
        "name": candidate.model,
        "config_name": candidate.extra.get("config", {}).get("name"),
    }
    if model is not None and model.added is not None:
        fields["model_id"] = model.added.location if model.added.source == "hub" else model.origin_id
    if c is None:
        return fields
    own = _own_file(model, c.quant)
    quantized = c.cache_quantized
    keys, _, values = c.kv_cache_type.partition("/")
    offload = f" -ngl {c.gpu_layers}" if c.gpu_layers is not None else ""
    offload += f" --n-cpu-moe {c.cpu_moe_layers}" if c.cpu_moe_layers else ""
    devices = len(c.memory.per_device) if c.memory else 1
    fields |= {
        "quant": c.quant,
        "context": c.context,
        "parallel": c.parallel,
        "total_context": c.context * c.parallel,
        "gguf_repo": model.gguf_repo if model else None,
        "ollama_name": candidate.extra.get("pulled_name") or (ollama_name(model, c.quant) if model else None),
        "compress": _compressor(model, c.quant),
        "vllm_kv": f" --kv-cache-dtype {keys}" if quantized else "",
        "own_file": own,
        "own_name": candidate.model.lower(),
        "ollama_kv": f" OLLAMA_FLASH_ATTENTION=1 OLLAMA_KV_CACHE_TYPE={keys}" if quantized else "",
        "kv_flags": f" -fa on -ctk {keys} -ctv {values or keys}" if quantized else "",
        # Ollama gives every request a context of its own, llama.cpp shares one among its slots.
        "ollama_parallel": f" OLLAMA_NUM_PARALLEL={c.parallel}" if c.parallel > 1 else "",
        "parallel_flag": f" -np {c.parallel}" if c.parallel > 1 else "",
        "offload_flags": offload,
        "vllm_quant": " --quantization fp8" if c.quant == "FP8" else "",
        "tensor_parallel": f" --tensor-parallel-size {devices}" if devices > 1 else "",
    }
    there = fields["ollama_name"] if c.engine == "ollama" else fields["gguf_repo"]
    if not there and own is None:
        fields |= _conversion(c.quant, candidate.model)
    return fields


def _compressor(model: ModelRecord | None, quant: str) -> str | None:
    """How weights come into a format that the catalog knows no upload of; None where none is needed."""
    added = model.added if model is not None else None
    if added is not None and added.quant == quant:
        return None
    found = _runbook()["compress"].get(quant)
    return str(found) if found is not None else None


def _expanded(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The lines, with `use` replaced by the list that it names; its needs hold for all of that list."""
    out: list[dict[str, Any]] = []
    for line in lines:
        if "use" not in line:
            out.append(line)
            continue
        out += [
            part | {"needs": [*line["needs"], *part.get("needs", ())]} for part in _runbook()[line["use"]]
        ]
    return out


def commands_for(candidate: Candidate) -> tuple[Command, ...]:
    """Commands that run a candidate as recommended; empty where no line is known to work."""
    engine = (
        "api"
        if candidate.kind == "api"
        else candidate.configuration.engine
        if candidate.configuration
        else ""
    )
    book = _runbook()
    lines = _expanded(book["lines"].get(engine, []))
    if candidate.role == "finetune-base":
        lines = list(book["finetune"]) + lines
    fields = _fields(candidate)
    found = []
    for line in lines:
        if line.get("role", candidate.role) != candidate.role:
            continue
        if any(not fields.get(name) for name in line.get("needs", ())) or fields.get(line.get("unless", "")):
            continue
        found.append(Command(line["label"], line["shell"].format(**fields)))
    return tuple(found)
