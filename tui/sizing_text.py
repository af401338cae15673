"""`memory` and `fit` as text: aligned figures in GiB, with the interval and where they come from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from tui.age_text import age_lines
from tui.output import bold, bullets, known, section, size, table, wrapped
from tui.plaintext import clean, seconds, speed, tokens

Document = Mapping[str, Any]

INFERENCE_ROWS = (
    ("weights", "weights_bytes", ""),
    ("KV cache", "kv_cache_bytes", "keys, values and recurrent state"),
    ("compute", "compute_bytes", "scratch buffers"),
    ("overhead", "overhead_bytes", "driver context and runtime"),
)
TRAINING_ROWS = (
    ("weights", "weights_bytes", ""),
    ("adapters", "adapter_bytes", "rank {lora_rank} on {target_modules}"),
    ("gradients", "gradient_bytes", ""),
    ("optimizer", "optimizer_bytes", "{optimizer}"),
    ("activations", "activation_bytes", ""),
    ("logits", "logits_bytes", "{vocabulary:,} entries x {tokens:,} tokens"),
    ("overhead", "overhead_bytes", "driver context, runtime, buffers"),
)


def memory_lines(document: Document, why: bool) -> list[str]:
    """The answer of `memory`."""
    training = "train" in document
    lines = [
        bold(clean(document["model_id"] or document["model"])),
        *wrapped(_configuration(document), indent="  ", first="  "),
        "",
    ]
    rows = [
        [label, size(document[key]), note.format_map(document)]
        for label, key, note in (TRAINING_ROWS if training else INFERENCE_ROWS)
        if document[key]
    ]
    rows.append(
        ["total", size(document["total_bytes"]), _interval(document, "per GPU, " if training else "")]
    )
    lines += table(rows, right=[1])
    if not training:
        lines += section("Beside that", table(_beside(document), right=[1]))
        lines += _devices(document)
        lines += _pool(document)
    lines += _verdict(document)
    lines += section("Note", bullets([*document.get("caveats", []), *document.get("assumptions", [])]))
    return lines + _basis(document, why) + age_lines(document)


def _configuration(document: Document) -> str:
    if "train" in document:
        return _training(document)
    slots = document["parallel"]
    cache = f", KV cache {document['kv_cache_type']}" if document["kv_cache_bytes"] else ""
    return (
        f"{document['quant']} on {document['engine']}, context {tokens(document['context'])} tokens{cache}, "
        f"{slots} slot{'s' if slots != 1 else ''}"
    )


def _training(document: Document) -> str:
    method = {"scratch": "from scratch", "full": "of all parameters"}.get(document["train"])
    words = [
        f"training {method or 'with ' + document['train']} on {document['framework']}",
        f"{document['sequence_length']:,} tokens an example",
        f"{document['micro_batch_size']} at once",
        document["optimizer"],
        f"checkpointing {'on' if document['gradient_checkpointing'] else 'off'}",
    ]
    if document["fused_cross_entropy"]:
        words.append("fused cross-entropy")
    if document["sharding"] != "none":
        words.append(f"{document['sharding']} over {document['gpus']} GPUs")
    return ", ".join(words)


def _interval(document: Document, prefix: str) -> str:
    if document.get("exact") and document["low_bytes"] == document["high_bytes"]:
        return prefix + "exact"
    return f"{prefix}{size(document['low_bytes'])} to {size(document['high_bytes'])}"


def _beside(document: Document) -> list[list[str]]:
    rows = [["system memory", size(document["host_bytes"])], ["download", size(document["file_bytes"])]]
    return rows if document["host_bytes"] else rows[1:]


def _devices(document: Document) -> list[str]:
    devices = document.get("per_device", [])
    if len(devices) < 2:
        return []
    keys = ("weights_bytes", "kv_cache_bytes", "compute_bytes", "overhead_bytes", "total_bytes")
    rows = [[device["device"], *(size(device[key]) for key in keys)] for device in devices]
    head = ["device", "weights", "KV cache", "compute", "overhead", "total"]
    return section("Each device", table(rows, head, right=range(1, 6)))


def _pool(document: Document) -> list[str]:
    """The cache pool that a server claims at start."""
    pool = document.get("pool")
    if pool is None:
        return []
    rows = [
        [
            "pool",
            size(max(pool["kv_pool_bytes"], 0)),
            f"{size(max(pool['kv_pool_low_bytes'], 0))} to {size(max(pool['kv_pool_high_bytes'], 0))}",
        ],
        ["tokens", f"{pool['tokens']:,}", f"{pool['tokens_low']:,} to {pool['tokens_high']:,}"],
        [
            "at once",
            f"{pool['max_concurrency']:.1f}",
            f"requests of {pool['request_tokens']:,} tokens, "
            f"{pool['max_concurrency_low']:.1f} to {pool['max_concurrency_high']:.1f}",
        ],
    ]
    head = f"Cache pool at {pool['gpu_memory_utilization']:.0%} of each card"
    return section(head, table(rows, right=[1]))


def _verdict(document: Document) -> list[str]:
    if "fits" not in document:
        return []
    words = {True: "It fits", False: "It does not fit", None: "Whether it fits is not known"}[
        document["fits"]
    ]
    return ["", *wrapped(f"{words}: {document['hardware']} has {size(document['available_bytes'])}.")]


def _basis(document: Document, why: bool) -> list[str]:
    if not why:
        kinds = "reproduced tensor by tensor" if document.get("exact") else "an estimate, see the interval"
        return ["", *wrapped(f"The figures are {kinds}. --why shows formula and sources.")]
    difference = bullets(item["text"] for item in document.get("difference", []))
    return (
        section("Formula", wrapped(document["formula"], indent="  ", first="  "))
        + section("Against llama.cpp", difference)
        + section("Inputs", table([[name, clean(text)] for name, text in document.get("inputs", {}).items()]))
        + section("Sources", evidence_lines(document["basis"]))
    )


def evidence_lines(basis: Iterable[Mapping[str, Any]]) -> list[str]:
    """One bullet a source: kind, source, place."""
    return bullets(
        f"{item['kind']}: {item['source']}" + (f" ({item['locator']})" if item.get("locator") else "")
        for item in basis
    )


def fit_lines(document: Document, why: bool) -> list[str]:
    """The answer of `fit`."""
    if not document.get("model"):
        return []
    memory = document.get("memory") or {}
    hardware = document.get("hardware") or {}
    lines = [bold(f"{clean(document['model'])} on {clean(hardware.get('name') or 'this machine')}"), ""]
    verdict = {True: "yes", False: "no", None: "unknown"}[memory.get("fits")]
    rows = [
        ["fits", verdict],
        ["quantization", known(document.get("quant"))],
        ["engine", known(document.get("engine"))],
        [
            "context",
            f"{tokens(document.get('context'))} tokens a conversation, {document.get('parallel', 1)} at once",
        ],
        ["KV cache type", known(document.get("kv_cache_type"))],
        ["memory", f"{size(memory.get('total_bytes'))} of {size(memory.get('available_bytes'))}"],
        ["system memory", size(memory.get("host_bytes"))],
        ["download", size(memory.get("file_bytes"))],
        *_pace(document.get("speed") or {}),
        *_times(document.get("speed") or {}),
        ["largest context", f"{tokens(document.get('max_context'))} tokens"],
    ]
    lines += table(rows)
    lines += _devices(memory)
    lines += section("Chosen so", bullets(_choices(document)))
    lines += _crowd(document.get("speed") or {})
    lines += section("Alternatives", _alternatives(document.get("alternatives", [])))
    lines += section("Note", bullets(document.get("caveats", [])))
    lines += section("What would change it", bullets(changes(document)))
    lines += section("To run it", commands(document))
    if why:
        basis = (document.get("speed") or {}).get("basis")
        lines += section("Formula", wrapped(memory.get("formula") or "unknown", indent="  ", first="  "))
        lines += _loss(document)
        lines += section("Speed", wrapped(basis or "unknown", indent="  ", first="  "))
        lines += _times_basis(document.get("speed") or {})
    return lines + age_lines(document)


def _choices(document: Document) -> list[str]:
    """What the solver could have chosen otherwise."""
    own = {"kind": "tool", "source": "fit"}
    return [
        reason["text"]
        for reason in document.get("why", [])
        if any(own.items() <= item.items() for item in reason["evidence"])
    ]


def _loss(document: Document) -> list[str]:
    """What the quantization costs, with the measurements behind it."""
    for reason in document.get("why", []):
        if any("quant_loss" in (item.get("locator") or "") for item in reason["evidence"]):
            told = wrapped(reason["text"], indent="  ", first="  ")
            return section("Loss by quantization", told + evidence_lines(reason["evidence"]))
    return []


def _pace(figures: Mapping[str, Any]) -> list[list[str]]:
    """The speed; measurement and estimate below it where something was measured on this machine."""
    note = clean(figures.get("note") or "")
    rate = speed(figures.get("tokens_per_second"))
    if not note:
        return [["speed", f"{rate} (estimate)"]]
    return [["speed", rate], *(["", part] for part in note.split("; "))]


def _times(figures: Mapping[str, Any]) -> list[list[str]]:
    """Prompt, first token and thinking; nothing where they were not computed."""
    if "prompt_tokens" not in figures:
        return []
    length = f"for a prompt of {tokens(figures['prompt_tokens'])} tokens"
    note = clean(figures.get("prompt_note") or "")
    kind = "" if note else " (estimate)"
    rows = [
        ["prompt", f"{speed(figures['prompt_tokens_per_second'])} {length}{kind}"],
        *(["", part] for part in note.split("; ") if part),
        ["first token after", f"{seconds(figures['time_to_first_token_seconds'])}{kind}"],
    ]
    thinking = figures.get("thinking")
    if thinking:
        off = "; can be switched off" if thinking["switchable"] else ""
        count = thinking["tokens"]
        rows.append(
            [
                "thinking first",
                f"{seconds(thinking['seconds'])} ({count['low']:,.0f}-{count['high']:,.0f} tokens){off}",
            ]
        )
    return rows


def _crowd(figures: Mapping[str, Any]) -> list[str]:
    """Speed with several conversations at once, as far as the memory holds them."""
    points = [point for point in figures.get("throughput", []) if point["fits"] is not False]
    if len(points) < 2:
        return []
    rows = [
        [str(point["users"]), speed(point["per_user"]), speed(point["tokens_per_second"])] for point in points
    ]
    kind = "estimate, corrected by what was measured here" if figures.get("calibration") else "estimate"
    return section(f"At once ({kind})", table(rows, ["conversations", "each", "together"], right=range(3)))


def _times_basis(figures: Mapping[str, Any]) -> list[str]:
    if "timings_basis" not in figures:
        return []
    words = [figures["timings_basis"]]
    if figures.get("thinking"):
        words.append(f"thinking: {figures['thinking']['basis']}")
    return section("Times", bullets(words)) + section("Sources", evidence_lines(figures["timings_evidence"]))


def _alternatives(alternatives: Iterable[Mapping[str, Any]]) -> list[str]:
    rows = [
        [
            known(item.get("quant")),
            known(item.get("engine")),
            tokens(item.get("context")),
            known(item.get("kv_cache_type")),
            size((item.get("memory") or {}).get("total_bytes")),
            speed((item.get("speed") or {}).get("tokens_per_second")),
        ]
        for item in alternatives
    ]
    return table(rows, ["quantization", "engine", "context", "KV cache", "memory", "speed"], right=[2, 4, 5])


def changes(document: Document) -> list[str]:
    """`If ..., then ...` a change."""
    return [f"If {item['if']}: {item['then']}" for item in document.get("would_change", [])]


def commands(document: Document) -> list[str]:
    """Each command under its label, unwrapped, so that it can be copied."""
    lines: list[str] = []
    for command in document.get("commands", []):
        lines += wrapped(command["label"] + ":", indent="  ", first="  ")
        lines += [f"    {clean(line)}" for line in command["shell"].split("\n")]
    return lines
