"""The records that a claim is about."""

from __future__ import annotations

import re
from functools import cache

from knowledge.catalog.records import ModelRecord
from knowledge.catalog.store import follows_models, load_catalog
from knowledge.claims.types import Claim, Subject
from tools.claims.types import Unknown

MOST = 8
"""Models of a size class that are computed."""
_DECODERS = frozenset({"chat", "base", "code", "reasoning"})
_CLASSES: dict[str, tuple[str, ...]] = {
    "Q2": ("Q2_K",),
    "Q3": ("Q3_K_S", "Q3_K_M", "Q3_K_L"),
    "Q4": ("Q4_0", "Q4_K_S", "Q4_K_M"),
    "Q5": ("Q5_0", "Q5_K_S", "Q5_K_M"),
    "2-bit": ("Q2_K",),
    "3-bit": ("Q3_K_S", "Q3_K_M"),
    "4-bit": ("IQ4_XS", "Q4_0", "Q4_K_M"),
    "5-bit": ("Q5_0", "Q5_K_M"),
    "6-bit": ("Q6_K",),
    "8-bit": ("Q8_0",),
}
REFERENCES = (
    "meta-llama/Llama-3.1-8B-Instruct",
    "meta-llama/Llama-3.1-70B-Instruct",
    "Qwen/Qwen2.5-14B-Instruct",
    "Qwen/Qwen3-32B",
    "mistralai/Mistral-7B-Instruct-v0.3",
    "google/gemma-3-12b-it",
)
"""Models that a statement on a quantization alone is held against."""


def quants_of(quant: str) -> tuple[str, ...]:
    """The quantizations that a name can mean: `Q4` is any of four bits."""
    return _CLASSES.get(quant, (quant,))


def models_of(subject: Subject) -> tuple[ModelRecord, ...] | Unknown:
    """The models that a subject means; of a size, the best known ones that carry it in their name."""
    catalog = load_catalog()
    if subject.kind == "size":
        found = sized(float(subject.ids[0]))
        return found or Unknown(f"the catalog has no models of {subject.text}")
    records = [record for name in subject.ids if (record := catalog.model(name)) is not None]
    if not records:
        return Unknown(f"the catalog has no model called {subject.text}")
    return tuple(records)


def the_model(claim: Claim) -> ModelRecord | Unknown:
    """The one model that a claim is about."""
    records = models_of(claim.subject)
    if isinstance(records, Unknown):
        return records
    if len(records) > 1:
        return Unknown(f"{claim.subject.text} could be any of {len(records)} models")
    return records[0]


@follows_models
@cache
def sized(billions: float) -> tuple[ModelRecord, ...]:
    """The most downloaded dense models whose names carry a size and that have about as many parameters."""
    name = re.compile(rf"(?<![\d.x]){billions:g}b(?![a-z\d])", re.IGNORECASE)
    found = [
        record
        for record in load_catalog().models
        if record.kind in _DECODERS
        and record.architecture is not None
        and record.architecture.experts is None
        and record.architecture.window is None
        and record.architecture.recurrent is None
        and record.params_b is not None
        and abs(record.params_b / billions - 1) < 0.18
        and name.search(record.name)
    ]
    found.sort(key=lambda record: -(record.downloads or 0))
    return tuple(found[:MOST])
