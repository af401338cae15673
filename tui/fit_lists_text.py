"""`fit` as lists: the configurations worth a choice, the largest models, and the hardware for a model."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from tui.age_text import age_lines
from tui.output import bold, bullets, known, section, size, table, wrapped
from tui.plaintext import clean, tokens
from tui.sizing_text import fit_lines

Document = Mapping[str, Any]
MOST_POINTS = 12


def lines_of(document: Document, why: bool) -> list[str]:
    """The answer of `fit`, whichever of its three forms it has."""
    if "models" in document:
        return _largest(document) + age_lines(document)
    if "needs" in document and isinstance(document["needs"], list):
        return _hardware(document) + age_lines(document)
    return fit_lines(document, why) + (_points(document) if why else [])


def _rate(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.0f} tok/s"


def _place(item: Mapping[str, Any]) -> str:
    """What is in system memory."""
    if item.get("cpu_moe_layers"):
        return f"{item['cpu_moe_layers']} layers' experts"
    return f"all but {item['gpu_layers']} layers" if item.get("gpu_layers") is not None else ""


def _configurations(items: Iterable[Mapping[str, Any]]) -> list[list[str]]:
    return [
        [
            known(item["quant"]),
            known(item["kv_cache_type"]),
            tokens(item["context"]),
            size(item["memory_bytes"]),
            _rate(item["tokens_per_second"]),
            f"{item['quality_loss_points']:.1f}",
            _place(item),
        ]
        for item in items
    ]


HEAD = ["quantization", "KV cache", "context", "memory", "speed", "loss", "outside"]
"""`loss` in points of quality; `outside` is what lies in system memory."""


def _points(document: Document) -> list[str]:
    points = document.get("pareto") or []
    if not points:
        return []
    rows = _configurations(points[:MOST_POINTS])
    more = len(points) - len(rows)
    note = wrapped(f"{more} more with --json.") if more > 0 else []
    return section("No configuration beats these in everything", table(rows, HEAD, right=[2, 3, 4, 5]) + note)


def _largest(document: Document) -> list[str]:
    lines = [
        bold(f"The largest of {document['fitting']:,} models that fit {clean(document['hardware'])}"),
        *wrapped(f"with {tokens(document['context'])} tokens of context; figures are estimates"),
    ]
    whole, spilled = document["models"], document["with_system_memory"]
    lines += section("Whole on the machine" if not spilled else "On the accelerators alone", _models(whole))
    lines += section("With a part in system memory", _models(spilled, places=True))
    return lines + section("Note", bullets(document.get("caveats", [])))


def _models(items: list[Mapping[str, Any]], *, places: bool = False) -> list[str]:
    rows = [
        [
            clean(item["model"]),
            f"{item['params_b']:.1f}B",
            known(item["quant"]),
            size(item["memory_bytes"]),
            _rate(item["tokens_per_second"]),
            *([_place(item)] if places else []),
        ]
        for item in items
    ]
    head = ["model", "parameters", "quantization", "memory", "speed", *(["outside"] if places else [])]
    return table(rows, head, right=[1, 3, 4]) if rows else []


def _hardware(document: Document) -> list[str]:
    lines = [
        bold(f"What {clean(document['model'])} needs"),
        *wrapped(f"with {tokens(document['context'])} tokens of context; figures are estimates"),
    ]
    if "error" in document:
        return lines
    needs = [
        [
            item["quant"],
            item["kv_cache_type"],
            size(item["total_bytes"]),
            f"{item['quality_loss_points']:.1f}",
        ]
        for item in document["needs"]
    ]
    lines += section(
        "Memory on one card",
        table(needs, ["quantization", "KV cache", "memory", "loss"], right=[2, 3]),
    )
    sets = [
        [
            f"{item['count']} x {clean(item['name'])}",
            clean(item["class"]),
            known(item["quant"]),
            known(item["kv_cache_type"]),
            size(item["memory_bytes"]),
            _rate(item["tokens_per_second"]),
        ]
        for item in document["hardware"]
    ]
    head = ["accelerators", "class", "quantization", "KV cache", "memory", "speed"]
    lines += section(
        "Smallest sets that hold it",
        table(sets, head, right=[4, 5]) if sets else wrapped("None of up to eight equal accelerators."),
    )
    return lines + section("Note", bullets(document.get("caveats", [])))
