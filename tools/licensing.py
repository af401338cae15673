"""Does a license allow the intended use? A hard filter with the clause that decides.

"Unknown" is a class of its own: where a license was not read, a commercial use is not promised. What a model
was made from binds it as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from knowledge.catalog.lineage import Inherited, inherited, strictest
from knowledge.catalog.records import CommercialUse, License, ModelRecord
from knowledge.catalog.store import follows_models, load_catalog
from tools.license_clauses import held_against, terms
from tools.license_types import ClauseFigure, LicenseFigure
from tools.needs import LicenseNeed

__all__ = ["Verdict", "inherited_by", "is_permissive", "judge", "terms"]

READ_IT = "the license was not read by this catalog: read the license before you rely on it"
MOST_NOTED = 4
"""Clauses in the one line of a recommendation; `models show` has them all."""
_FORESEEN = ("users", "revenue", "region")
"""Kinds of clauses that are told before they bind: what decides them was not said."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a use is allowed, and the clause that says so."""

    allowed: bool
    reason: str
    figure: LicenseFigure


def is_permissive(license_id: str | None) -> bool:
    """Apache-2.0, MIT, BSD and the like."""
    return license_id is not None and license_id.lower() in terms().permissive


def inherited_by(model: ModelRecord) -> tuple[Inherited, ...]:
    """The licenses of what a model was made from, without its own."""
    known = load_catalog().model(model.id) is model  # one that is being added is not in the catalog yet
    return _inherited(model.id) if known else inherited(model, load_catalog().model)


@follows_models
@lru_cache(maxsize=4096)
def _inherited(model_id: str) -> tuple[Inherited, ...]:
    catalog = load_catalog()
    return inherited(catalog.by_id[model_id.lower()], catalog.model)


def figure_of(model: ModelRecord, need: LicenseNeed, record: License | None) -> LicenseFigure:
    """The license of a model as an answer shows it: class, clauses, source and date."""
    bases = inherited_by(model)
    licenses = load_catalog().licenses
    own = record.id if record is not None else model.license
    clauses = held_against(own, record, model, need) if own is not None else ()
    for base in bases:
        if base.license is not None:
            clauses += held_against(base.license, licenses.get(base.license), model, need)
    uses: list[CommercialUse] = [model.commercial_use]
    uses += [_class_of(licenses.get(str(base.license))) for base in bases]
    use = strictest(uses)
    return LicenseFigure(
        id=model.license or "unknown",
        commercial_use=use,
        note=_note(use, clauses, bases, model),
        name=record.name if record is not None else None,
        source=record.source if record is not None else None,
        as_of=record.as_of if record is not None else model.as_of,
        verified=record is not None and record.verified,
        clauses=clauses,
        inherited=bases,
    )


def _class_of(record: License | None) -> CommercialUse:
    return record.commercial_use if record is not None else "unknown"


def _note(
    use: CommercialUse, clauses: Sequence[ClauseFigure], bases: Sequence[Inherited], model: ModelRecord
) -> str | None:
    """The clauses that matter in one line, for a person."""
    parts = [READ_IT] if use == "unknown" else []
    parts += [
        f"bound by the license {base.license} of its base {base.base}"
        if base.license is not None
        else f"the license of its base {base.base} is not known: read the license of that model as well"
        for base in bases
    ]
    bind = [c for c in clauses if c.status == "binds" and c.effect != "allowed"]
    ahead = [c for c in clauses if c.status == "may bind" and c.kind in _FORESEEN]
    # What excludes comes first, then duties that the use brings about, then general policies.
    bind.sort(key=lambda c: (not c.excludes, c.kind in ("policy", "termination")))
    told = list(dict.fromkeys(c.text for c in (*[c for c in bind if c.excludes], *ahead, *bind)))
    parts += told[:MOST_NOTED]
    if not parts and use in ("conditional", "no") and model.commercial_condition:
        parts = [model.commercial_condition]
    return "; ".join(parts) or None


def _class_refusal(figure: LicenseFigure, need: LicenseNeed) -> str | None:
    """Why the class of a license excludes a use."""
    label = _label(figure)
    if need.use == "commercial" and figure.commercial_use == "no":
        return f"{label} forbids commercial use"
    if need.use == "commercial" and figure.commercial_use == "unknown":
        return f"{label}: commercial rights are unknown; read the license"
    if need.redistribute and figure.commercial_use in ("no", "unknown"):
        more = "; read the license" if figure.commercial_use == "unknown" else ""
        return f"{label} does not clearly allow redistribution{more}"
    return None


def _label(figure: LicenseFigure) -> str:
    """`license mit, with llama3.1 of its base`."""
    bases = " and ".join(base.license or "an unknown license" for base in figure.inherited)
    return f"license {figure.id}" + (f" (with {bases} of its base)" if bases else "")


def _clause_refusal(figure: LicenseFigure, need: LicenseNeed) -> str | None:
    """The clause that the stated use breaks, if any.

    A part that nobody read excludes a commercial use only, as an unread license does.
    """
    for clause in figure.clauses:
        if clause.status != "binds" or not clause.excludes or clause.kind == "use":
            continue
        if clause.effect == "unread":
            if need.use == "commercial":
                return f"license {clause.license}: {clause.text}; read the license"
            continue
        return f"license {clause.license}: {clause.text}"
    return None


def judge(model: ModelRecord, need: LicenseNeed, record: License | None) -> Verdict:
    """Holds a model's license, and those it inherits, against the intended use.

    Args:
        model: the model.
        need: intended use, with users, revenue, region and field where a clause needs them; what was stated
            of them binds under any use, `any` included.
        record: the license's record; None where there is none.
    """
    figure = figure_of(model, need, record)
    free = is_permissive(model.license) and all(is_permissive(base.license) for base in figure.inherited)
    if need.permissive_only and not free:
        return Verdict(False, f"{_label(figure)} is not a permissive one (Apache-2.0, MIT, BSD)", figure)
    reason = _class_refusal(figure, need) or _clause_refusal(figure, need)
    if reason is not None:
        return Verdict(False, reason, figure)
    return Verdict(True, f"{_label(figure)} allows this use", figure)
