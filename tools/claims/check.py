"""Checks claims: each quantity has its checker and its tolerance; a verdict says what was computed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import cache
from importlib import resources
from typing import Any

from pydantic import TypeAdapter

from knowledge.claims import cues
from knowledge.claims.types import Claim, Quantity, Stated
from tools.claims import catalog_checks, memory_checks, offer_checks
from tools.claims.types import Calculated, Finding, Unknown
from tools.memory.types import Evidence

Checker = Callable[[Claim], Calculated | Unknown]
_BOUNDED = frozenset({"memory", "file", "cache", "training_memory", "speed", "rent", "arithmetic"})
"""Quantities of which "up to" and "at least" state a bound, not the figure."""
_LEAST_MARGIN = 1.6
"""How far above the computed figure "at least" may be: it may leave room for a context that is not said."""
_FAMILY: dict[str, str] = {"file": "memory", "input_price": "price", "output_price": "price"}


def _sum(claim: Claim) -> Calculated | Unknown:
    value = float(claim.subject.ids[0])
    return Calculated(value, value, claim.subject.text, (Evidence("tool", "arithmetic", claim.subject.text),))


CHECKERS: dict[Quantity, Checker] = {
    "file": memory_checks.file_size,
    "memory": memory_checks.memory,
    "cache": memory_checks.cache,
    "cache_per_token": memory_checks.cache_per_token,
    "bits": memory_checks.bits,
    "share": memory_checks.share,
    "training_memory": memory_checks.training,
    "window": catalog_checks.window,
    "parameters": catalog_checks.parameters,
    "active_parameters": catalog_checks.active,
    "layers": catalog_checks.layers,
    "heads": catalog_checks.heads,
    "kv_heads": catalog_checks.kv_heads,
    "vocabulary": catalog_checks.vocabulary,
    "dimensions": catalog_checks.dimensions,
    "device_memory": catalog_checks.device_memory,
    "bandwidth": catalog_checks.bandwidth,
    "license": catalog_checks.license_of,
    "commercial_use": catalog_checks.commercial_use,
    "input_price": offer_checks.price,
    "output_price": offer_checks.price,
    "price": offer_checks.price,
    "rent": offer_checks.rent,
    "speed": offer_checks.speed,
    "arithmetic": _sum,
}


@cache
def tolerances() -> dict[str, Any]:
    """Tolerance and reason by quantity."""
    data = resources.files("tools").joinpath("claims/data/tolerances.json").read_bytes()
    return TypeAdapter(dict[str, Any]).validate_json(data)


def check(claim: Claim) -> Finding:
    """Holds one claim against its calculation."""
    calculated = CHECKERS[claim.quantity](claim)
    if isinstance(calculated, Unknown):
        return Finding(claim, "cannot be checked", why=calculated.why)
    if claim.stated is None:
        right = (claim.text_value in calculated.texts) is not claim.negated
        return Finding(claim, "agrees" if right else "disagrees", calculated)
    agrees, off = _compare(claim, claim.stated, calculated)
    return Finding(claim, "agrees" if agrees else "disagrees", calculated, off)


def _compare(claim: Claim, stated: Stated, calculated: Calculated) -> tuple[bool, float]:
    row = tolerances()[claim.quantity]
    tolerance = float(row["about" if stated.hedge in ("about", "at least") else "share"])
    targets = [(calculated.low, calculated.high), *((value, value) for value in calculated.accepted)]
    if calculated.note == "sizes":
        targets = targets[1:]
    # A card's memory is sold in GB and counted in GiB: the number alone counts.
    scales = (1.0, 1 / 1.024**3) if claim.quantity == "device_memory" else stated.scales
    off: float | None = None
    for scale in scales:
        low, high = (stated.low - stated.half) * scale, (stated.high + stated.half) * scale
        for least, most in targets:
            if claim.negated:
                # "Does not fit 24 GB" is wrong only where it clearly does.
                return most > high * 0.97, high / most - 1
            if _holds(claim.quantity, stated, low, high, least * (1 - tolerance), most * (1 + tolerance)):
                return True, 0.0
            if scale != scales[0]:
                continue  # how far it is off is told for the unit as it is written
            middle = (stated.low + stated.high) / 2 * scale
            apart = middle / (least if middle < least else most) - 1 if least and most else 1.0
            off = apart if off is None or abs(apart) < abs(off) else off
    return False, off or 0.0


def _holds(quantity: Quantity, stated: Stated, low: float, high: float, least: float, most: float) -> bool:
    slack = 1e-9 * max(abs(most), 1.0)
    if quantity in _BOUNDED and stated.hedge == "at most":
        return high >= least - slack
    if quantity in _BOUNDED and stated.hedge == "at least":
        # "At least 20 GB" where 40 are needed says that 20 will do.
        return (
            high >= least - slack and low <= most * _LEAST_MARGIN + slack
            if quantity != "speed"
            else low <= most + slack
        )
    return high >= least - slack and low <= most + slack


def check_all(claims: Sequence[Claim]) -> tuple[Finding, ...]:
    """Checks the claims of a guide; statements of others that the guide itself puts right are marked so."""
    found = [check(claim) for claim in claims]
    return tuple(replace(one, corrected=True) if _corrected(one, found) else one for one in found)


def _corrected(one: Finding, others: Iterable[Finding]) -> bool:
    """Whether a wrong statement is told as somebody else's, with what is right beside it."""
    if one.verdict != "disagrees" or not (one.claim.attributed or one.claim.past):
        return False
    if cues.CORRECTS.search(one.claim.words):
        return True
    same = [
        other
        for other in others
        if other is not one and other.claim.heading == one.claim.heading and not other.claim.attributed
    ]
    if any(
        other.verdict == "agrees"
        and other.claim.subject.ids == one.claim.subject.ids
        and _FAMILY.get(other.claim.quantity, other.claim.quantity)
        == _FAMILY.get(one.claim.quantity, one.claim.quantity)
        for other in same
    ):
        return True
    return any(cues.CORRECTS.search(other.claim.words) for other in same) or bool(
        cues.CORRECTS.search(" ".join(one.claim.heading[-1:]))
    )
