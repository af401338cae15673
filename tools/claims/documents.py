"""A finding as a document and in a sentence."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from knowledge.claims.types import Claim, Quantity
from tools.candidates import evidence_json
from tools.claims.types import Calculated, Finding

Document = dict[str, Any]
_DECIMAL = ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "KB"))
_BINARY = ((2.0**40, "TiB"), (2.0**30, "GiB"), (2.0**20, "MiB"), (2.0**10, "KiB"))
_LARGE = ((1e12, "T"), (1e9, "B"), (1e6, "M"))
NAMES: dict[Quantity, str] = {
    "file": "size of the weights",
    "memory": "memory in use",
    "cache": "KV cache",
    "cache_per_token": "KV cache per token",
    "window": "context window",
    "parameters": "parameters",
    "active_parameters": "active parameters",
    "layers": "layers",
    "heads": "attention heads",
    "kv_heads": "KV heads",
    "vocabulary": "vocabulary",
    "bits": "bits per weight",
    "share": "size as a share of 16 bits",
    "speed": "generation speed",
    "device_memory": "device memory",
    "bandwidth": "memory bandwidth",
    "input_price": "price per million input tokens",
    "output_price": "price per million output tokens",
    "price": "price per million tokens",
    "license": "license",
    "commercial_use": "commercial use",
    "dimensions": "dimensions",
    "training_memory": "training memory",
    "rent": "rent per hour",
    "arithmetic": "sum",
}
"""What a quantity is called for a person."""


def value_text(value: float, claim: Claim) -> str:
    """A computed value in the unit that the guide uses."""
    quantity = claim.quantity
    if quantity in ("file", "memory", "cache", "cache_per_token", "training_memory", "device_memory"):
        return _scaled(value, _BINARY if "iB" in claim.figure_words else _DECIMAL)
    if quantity == "bandwidth":
        return f"{value / 1e9:,.4g} GB/s"
    if quantity in ("parameters", "active_parameters"):
        return _scaled(value, _LARGE).replace(" ", "")
    if quantity in ("input_price", "output_price", "price", "rent"):
        return (
            f"${value:.4g}" if value < 1 or value != round(value, 2) else f"${value:.2f}".removesuffix(".00")
        )
    if quantity == "speed":
        return f"{value:.3g} tokens/s"
    if quantity == "share":
        return f"{value:.3g} %"
    if quantity == "window":
        return f"{value:,.0f} tokens"
    return f"{value:,.4g}" if value < 10_000 else f"{value:,.0f}"


def _scaled(value: float, units: tuple[tuple[float, str], ...]) -> str:
    size, name = next((unit for unit in units if value >= unit[0]), units[-1])
    return f"{value / size:.3g} {name}" if value / size < 1000 else f"{value / size:,.0f} {name}"


def calculated_text(claim: Claim, calculated: Calculated) -> str:
    """What holds, in the guide's unit: one value or an interval."""
    if claim.stated is None:
        if claim.quantity == "license":
            return calculated.formula.removeprefix("license ")
        return calculated.texts[0]
    values = sorted(
        {
            *((calculated.low, calculated.high) if calculated.note != "sizes" else ()),
            *(calculated.accepted if calculated.note == "sizes" else ()),
        }
    )
    low, high = value_text(values[0], claim), value_text(values[-1], claim)
    if low == high:
        return low
    if calculated.note == "sizes":
        told = [value_text(value, claim) for value in values]
        return " or ".join(dict.fromkeys(told[:4]))
    unit = high.rpartition(" ")[2] if " " in high else ""
    same = unit and low.endswith(f" {unit}")
    return f"{low.removesuffix(f' {unit}') if same else low} to {high}"


def difference_text(finding: Finding) -> str:
    """`18 % too low`, or how many times too high; empty where the claim is no figure."""
    off = finding.off
    if off is None or not off:
        return ""
    way = "too low" if off < 0 else "too high"
    if off > 2:
        return f"{off + 1:.3g} times too high"
    return f"{abs(off) * 100:.2g} % {way}" if abs(off) < 1 else f"{abs(off) * 100:.3g} % {way}"


def sentence(finding: Finding) -> str:
    """What the guide says, what the calculation gives and how far they are apart."""
    claim, calculated = finding.claim, finding.calculated
    assert calculated is not None
    said = (
        f"The guide says {claim.figure_words}"
        if not claim.negated
        else f"The guide says not {claim.figure_words}"
    )
    of = "" if claim.quantity == "arithmetic" else f" for the {NAMES[claim.quantity]} of {claim.subject.text}"
    conditions = _condition_words(claim)
    kind = (
        "the calculation gives" if any(e.kind == "tool" for e in calculated.evidence) else "the catalog has"
    )
    far = difference_text(finding)
    if (
        far
        and claim.stated is not None
        and claim.stated.dimension == "bytes"
        and len(claim.stated.scales) > 1
    ):
        far += " (read as 10**9 or as 2**30 bytes)" if claim.quantity != "device_memory" else ""
    apart = f": {far}" if far else ""
    return f"{said}{of}{conditions} (line {claim.line}); {kind} {calculated_text(claim, calculated)}{apart}."


def _condition_words(claim: Claim) -> str:
    given = claim.conditions
    if claim.quantity in ("file", "memory", "cache", "training_memory", "speed"):
        parts = [
            f"in {given.quant}" if given.quant and claim.quantity != "cache" else "",
            f"at {given.context:,} tokens" if given.context and claim.quantity != "file" else "",
        ]
        parts.append(f"with {given.method}" if given.method and claim.quantity == "training_memory" else "")
        parts.append(f"on {given.devices[0]}" if given.devices and claim.quantity == "speed" else "")
        told = " ".join(part for part in parts if part)
        return f" {told}" if told else ""
    return ""


def finding_json(finding: Finding) -> Document:
    """The object of a document."""
    claim, calculated = finding.claim, finding.calculated
    stated = claim.stated
    document: Document = {
        "verdict": finding.verdict,
        "file": claim.file,
        "origin": claim.origin,
        "line": claim.line,
        "heading": list(claim.heading),
        "words": claim.words,
        "quantity": claim.quantity,
        "subject": claim.subject.text,
        "subject_ids": list(claim.subject.ids[:8]),
        "stated": {
            "text": claim.figure_words,
            "value": claim.text_value,
            "low": stated.low if stated else None,
            "high": stated.high if stated else None,
            "hedge": (stated.hedge or None) if stated else None,
        },
        "conditions": {
            key: value for key, value in asdict(claim.conditions).items() if value not in (None, (), False)
        },
        "attributed": claim.attributed,
        "past": claim.past,
        "negated": claim.negated,
        "corrected": finding.corrected,
        "calculated": None,
        "difference": finding.off,
        "why": finding.why or None,
        "text": None,
        "evidence": [],
    }
    if calculated is not None:
        document["calculated"] = {
            "text": calculated_text(claim, calculated),
            "low": calculated.low if stated else None,
            "high": calculated.high if stated else None,
            "formula": calculated.formula,
        }
        document["evidence"] = [evidence_json(one) for one in calculated.evidence]
        if finding.verdict == "disagrees":
            document["text"] = sentence(finding)
    return document
