"""Accelerators, memory classes, licenses and benchmark rows from the CSV tables."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from knowledge.catalog.records import Accelerator, License, SystemMemory
from knowledge.shapes.rows import number, text
from scripts.catalog.aliases import ACCELERATOR_ALIASES, GPUS_ON_BOARD, MEMORY_OPTIONS_GB

_SPELLING = (
    ("licence", "license"),
    ("Licence", "License"),
    ("authorisation", "authorization"),
    ("Authorisation", "Authorization"),
    ("datacentre", "datacenter"),
    ("quantisation", "quantization"),
)
# One license id, two texts: the families that carry the tag with another text than the row of that name.
LICENSE_TEXTS = {"modified-mit (MiniMax M2.5)": "modified-mit@MiniMax"}
# Ids of the models that the table names only under "applies to".
LICENSE_ALSO = {"tencent-hunyuan": ("tencent-hunyuan-a13b",)}
TENSOR_RATE_AS_VECTOR = ("Tesla T4",)
"""Cards whose vector column holds the tensor rate (the table's own note says so)."""
NO_FAST_FP16 = "no fast FP16: engines compute in FP32 on this card"


def american(value: str | None) -> str | None:
    """The same text in American spelling; addresses are left alone."""
    if value is None:
        return None
    words = re.split(r"(\S*https?://\S+|\S*github\.com\S*)", value)
    for place in range(0, len(words), 2):
        for british, us in _SPELLING:
            words[place] = words[place].replace(british, us)
    return "".join(words)


def accelerators(rows: Iterable[Mapping[str, str]]) -> list[Accelerator]:
    """Records of gpus.csv."""
    return [_accelerator(row) for row in rows]


def _accelerator(row: Mapping[str, str]) -> Accelerator:
    name, capability = row["name"], row["compute_capability"]
    cls = american(row["cls"]) or ""
    family = text(row, "architecture")
    vector, tensor = number(row, "fp16_vector_tflops"), number(row, "fp16_tensor_dense_tflops")
    slow = tensor is None and vector is not None and vector < 1
    if name in TENSOR_RATE_AS_VECTOR:
        vector, tensor = None, vector
    notes = [american(text(row, "note")), NO_FAST_FP16 if slow else None]
    memory = number(row, "memory_gb")
    options = MEMORY_OPTIONS_GB.get(name, ())
    if memory is None and options:
        memory = float(max(options))
    count = GPUS_ON_BOARD.get(name, 1)
    if name == "Instinct MI250X" and memory is not None:
        memory /= count
    return Accelerator(
        name=name,
        vendor=row["vendor"],
        cls=cls,
        memory_gb=memory,
        memory_options_gb=options,
        memory_type=text(row, "memory_type"),
        bandwidth_gbs=_bandwidth(row, count),
        fp16_tflops=None if slow else tensor if tensor is not None else vector,
        fp16_vector_tflops=None if slow else vector,
        compute_capability=float(capability) if re.fullmatch(r"\d+\.\d+", capability) else None,
        architecture=f"{family} ({capability})" if capability.startswith("gfx") else family,
        tdp_w=number(row, "tdp_w"),
        release_date=text(row, "release_date"),
        unified=cls in ("unified", "edge"),
        count=count,
        aliases=ACCELERATOR_ALIASES.get(name, ()),
        note="; ".join(note.strip("; ") for note in notes if note) or None,
        source=row["source"] or row["bandwidth_source"],
        as_of=row["as_of"],
    )


def _bandwidth(row: Mapping[str, str], count: int) -> float | None:
    total = number(row, "memory_bandwidth_gbs")
    return total / count if total is not None and row["name"] == "Instinct MI250X" else total


def system_memory(rows: Iterable[Mapping[str, str]]) -> list[SystemMemory]:
    """Records of system_memory.csv."""
    return [
        SystemMemory(
            name=row["name"],
            bandwidth_gbs=float(row["bandwidth_gbs"]),
            note=text(row, "note"),
            source=row["source"],
            as_of=row["as_of"],
        )
        for row in rows
    ]


def licenses(rows: Iterable[Mapping[str, str]], used: Iterable[str]) -> list[License]:
    """Records of licenses.csv, one per id, and an explicit `unknown` for every other id in use."""
    found: dict[str, License] = {}
    as_of = ""
    for row in rows:
        as_of = max(as_of, row["as_of"])
        cell = LICENSE_TEXTS.get(row["license_id"], row["license_id"])
        names = [name.strip() for name in re.split(r",| / ", cell)]
        for name in [*names, *LICENSE_ALSO.get(cell, ())]:
            found.setdefault(name, _license(row, name))
    for name in sorted(set(used) - set(found)):
        found[name] = _unknown_license(name, as_of)
    return list(found.values())


def _license(row: Mapping[str, str], name: str) -> License:
    def words(key: str) -> str | None:
        return american(text(row, key))

    return License.model_validate(
        {
            "id": name,
            "name": words("name") or name,
            "commercial_use": row["commercial_use"],
            "thresholds": words("thresholds"),
            "limits": words("field_or_region_limits"),
            "attribution": words("attribution_or_naming"),
            "redistribution": words("redistribution"),
            "derivatives": words("derivatives"),
            "output_training": words("output_training"),
            "applies_to": words("applies_to"),
            "source": words("source"),
            "as_of": row["as_of"],
            "verified": row["verified_text"] == "yes",
        }
    )


def _unknown_license(name: str, as_of: str) -> License:
    custom = name.removeprefix("custom:")
    return License(
        id=name,
        name="A license of its own, not read"
        if name == "other"
        else f"License of its own ({custom}), not read",
        commercial_use="unknown",
        thresholds=None,
        limits="text not read: read the license",
        attribution=None,
        redistribution=None,
        derivatives=None,
        output_training=None,
        applies_to=None,
        source=custom if custom != name else "tag on the model's page",
        as_of=as_of,
        verified=False,
    )
