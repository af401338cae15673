"""`models add` and `models remove` as text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tui.output import bold, bullets, known, section, size, table, wrapped
from tui.plaintext import clean, tokens

Document = Mapping[str, Any]


def added_lines(document: Document, why: bool) -> list[str]:
    """The answer of `models add`."""
    record = document["record"]
    shape = record["architecture"] or {}
    params = record["params_total"]
    rows = [
        ["from", clean(document["source"]["location"], one_line=True)],
        ["architecture", known(shape.get("arch"))],
        ["parameters", "unknown" if params is None else f"{params / 1e9:.3g}B"],
        ["quantization", known(document["quant"])],
        ["context", tokens(record["context_length"])],
        ["weights", size(document["file_bytes"])],
        ["license", f"{known(record['license'])} (commercial: {record['commercial_use']})"],
    ]
    if document["base_model"]:
        rows.append(["the same as" if document["same_weights"] else "derived from", document["base_model"]])
    verb = "Replaced" if document["replaced"] else "Added"
    lines = [bold(f"{verb} {clean(document['model_id'])}"), "", *table(rows)]
    tensors = document["tensors"]
    if tensors:
        lines += ["", *wrapped(f"Memory is computed from its {tensors:,} tensors with their own types.")]
    lines += section("Assumed", bullets(document["approximations"]))
    if document["unknown"]:
        names = ", ".join(name.replace("_", " ") for name in document["unknown"])
        lines += ["", *wrapped(f"Not known: {names}.")]
    return lines + section("Next", bullets(document["commands"]))


def removed_lines(document: Document, why: bool) -> list[str]:
    """The answer of `models remove`."""
    return wrapped(f"Forgot {clean(document['model_id'])}; its weights are where they were.")
