"""Does a license allow the intended use? A hard filter with the clause that decides.

"Unknown" is a class of its own: where a license was not read, a commercial use is not promised.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import resources

from pydantic import TypeAdapter

from knowledge.catalog.records import License, ModelRecord, Record
from tools.candidates import LicenseFigure
from tools.needs import LicenseNeed


class Term(Record):
    """A threshold or region under which a license stops to hold."""

    licenses: tuple[str, ...]
    over: str
    max_users: int | None = None
    max_revenue_usd: float | None = None
    """Yearly."""
    regions: tuple[str, ...] = ()
    vision_only: bool = False


class Terms(Record):
    """`tools/data/license_terms.json`."""

    as_of: str
    source: str
    permissive: tuple[str, ...]
    terms: tuple[Term, ...]


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a use is allowed, and the clause that says so."""

    allowed: bool
    reason: str
    figure: LicenseFigure


@cache
def terms() -> Terms:
    """The structured thresholds."""
    data = resources.files("tools").joinpath("data/license_terms.json").read_bytes()
    return TypeAdapter(Terms).validate_json(data)


def is_permissive(license_id: str | None) -> bool:
    """Apache-2.0, MIT, BSD and the like."""
    return license_id is not None and license_id.lower() in terms().permissive


def _broken_term(model: ModelRecord, need: LicenseNeed) -> str | None:
    """The clause that the stated users, revenue or region breaks, if any."""
    for term in terms().terms:
        if model.license not in term.licenses or (term.vision_only and not model.vision):
            continue
        too_many = term.max_users is not None and need.users is not None and need.users > term.max_users
        too_rich = (
            term.max_revenue_usd is not None
            and need.revenue_usd is not None
            and need.revenue_usd > term.max_revenue_usd
        )
        if too_many or too_rich or (need.region is not None and need.region in term.regions):
            return term.over
    return None


def _note(license_: License | None, model: ModelRecord) -> str | None:
    """Conditions in one line, for a person."""
    if license_ is None:
        return model.commercial_condition
    parts = [
        f"threshold: {license_.thresholds}" if license_.thresholds not in (None, "none", "") else "",
        f"limits: {license_.limits}" if license_.limits not in (None, "none", "") else "",
        f"naming: {license_.attribution}"
        if license_.commercial_use == "conditional" and license_.attribution
        else "",
    ]
    return "; ".join(p for p in parts if p) or None


def judge(model: ModelRecord, need: LicenseNeed, record: License | None) -> Verdict:
    """Holds a model's license against the intended use.

    Args:
        model: the model.
        need: intended use, with users, revenue and region where a clause needs them.
        record: the license's record; None where there is none.
    """
    use = model.commercial_use
    label = model.license or "unknown"
    note = _note(record, model)
    if use == "unknown":
        note = "the license was not read by this catalog: read it before you rely on it"
    figure = LicenseFigure(label, use, note)
    if need.permissive_only and not is_permissive(model.license):
        return Verdict(False, f"license {label} is not a permissive one (Apache-2.0, MIT, BSD)", figure)
    if need.use == "commercial":
        if use == "no":
            return Verdict(False, f"license {label} forbids commercial use", figure)
        if use == "unknown":
            return Verdict(False, f"license {label}: commercial rights are unknown; read the license", figure)
    broken = _broken_term(model, need) if need.use != "any" else None
    if broken:
        return Verdict(False, f"license {label}: {broken}", figure)
    if need.redistribute and use in ("no", "unknown"):
        return Verdict(False, f"license {label} does not clearly allow redistribution", figure)
    return Verdict(True, f"license {label} allows this use", figure)
