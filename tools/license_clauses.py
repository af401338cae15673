"""Clauses of licenses as data, and the one evaluator that holds them against an intended use."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib import resources
from typing import Literal

from pydantic import TypeAdapter

from knowledge.catalog.records import License, ModelRecord, Record
from tools.license_types import ClauseFigure, ClauseStatus
from tools.needs import LicenseNeed, UseField

Kind = Literal[
    "users",
    "revenue",
    "region",
    "field",
    "outputs",
    "naming",
    "pass-on",
    "display",
    "registration",
    "use",
    "policy",
    "termination",
]
Effect = Literal["license-needed", "no-rights", "duty", "allowed", "unread"]
Trigger = Literal[
    "numbers", "region", "field", "outputs", "redistribution", "product", "commercial", "always"
]


class Clause(Record):
    """One clause of one or several licenses."""

    licenses: tuple[str, ...]
    kind: Kind
    effect: Effect
    text: str
    max_users: int | None = None
    """Monthly active users."""
    max_revenue_usd: float | None = None
    """Yearly; a threshold by the month is counted twelve times."""
    regions: tuple[Literal["eu", "uk", "kr"], ...] = ()
    fields: tuple[UseField, ...] = ()
    vision_only: bool = False
    when: Trigger | None = None
    """The fact that decides, where it is not the usual one of the kind."""
    source: str | None = None
    """None: that of the license."""
    as_of: str | None = None


class Terms(Record):
    """`tools/data/license_terms.json`."""

    as_of: str
    source: str
    note: str
    permissive: tuple[str, ...]
    triggers: dict[Kind, Trigger]
    effects: dict[Effect, str]
    fields: dict[UseField, str]
    clauses: tuple[Clause, ...]


@cache
def terms() -> Terms:
    """The table of clauses."""
    data = resources.files("tools").joinpath("data/license_terms.json").read_bytes()
    return TypeAdapter(Terms).validate_json(data)


@cache
def clauses_of(license_id: str) -> tuple[Clause, ...]:
    """The clauses of a license, in the order of the table."""
    return tuple(clause for clause in terms().clauses if license_id in clause.licenses)


def _numbers(clause: Clause, need: LicenseNeed) -> ClauseStatus:
    """Above one threshold is enough; below all of them frees, where all were said."""
    pairs = [
        (said, most)
        for said, most in ((need.users, clause.max_users), (need.revenue_usd, clause.max_revenue_usd))
        if most is not None
    ]
    if clause.effect == "unread" and not pairs:  # a threshold of unknown size
        return "may bind" if need.users is None and need.revenue_usd is None else "binds"
    if any(said is not None and said > most for said, most in pairs):
        return "binds"
    return "clear" if pairs and all(said is not None for said, _ in pairs) else "may bind"


def _region(clause: Clause, need: LicenseNeed) -> ClauseStatus:
    if need.region is None:
        return "may bind"
    return "binds" if need.region in clause.regions else "clear"


def _field(clause: Clause, need: LicenseNeed) -> ClauseStatus:
    if need.field is None:
        return "may bind"
    return "binds" if not clause.fields or need.field in clause.fields else "clear"


def _if(holds: bool) -> ClauseStatus:
    return "binds" if holds else "may bind"


_STATUS: dict[Trigger, Callable[[Clause, LicenseNeed], ClauseStatus]] = {
    "numbers": _numbers,
    "region": _region,
    "field": _field,
    "outputs": lambda clause, need: _if(need.train_on_outputs),
    "redistribution": lambda clause, need: _if(need.redistribute),
    "product": lambda clause, need: _if(need.use == "commercial" or need.redistribute),
    "commercial": lambda clause, need: _if(need.use == "commercial"),
    "always": lambda clause, need: "binds",
}


def status_of(clause: Clause, need: LicenseNeed) -> ClauseStatus:
    """Whether a clause binds the stated use."""
    return _STATUS[clause.when or terms().triggers[clause.kind]](clause, need)


def held_against(
    license_id: str, record: License | None, model: ModelRecord, need: LicenseNeed
) -> tuple[ClauseFigure, ...]:
    """The clauses of one license with what each means for a use.

    Args:
        license_id: key of the clauses; the license's own id, or that of its text for a family.
        record: the license's record, for source and date; None where there is none.
        model: the model under it.
        need: intended use.
    """
    source = record.source if record is not None else terms().source
    as_of = record.as_of if record is not None else terms().as_of
    found = [
        ClauseFigure(
            license=license_id,
            kind=clause.kind,
            effect=clause.effect,
            text=clause.text,
            status=status_of(clause, need),
            source=clause.source or source,
            as_of=clause.as_of or as_of,
            max_users=clause.max_users,
            max_revenue_usd=clause.max_revenue_usd,
            regions=clause.regions,
            fields=clause.fields,
        )
        for clause in clauses_of(license_id)
        if model.vision is not False or not clause.vision_only
    ]
    return tuple(found) + _unread(license_id, record, need, found, source, as_of)


def _unread(
    license_id: str,
    record: License | None,
    need: LicenseNeed,
    found: list[ClauseFigure],
    source: str,
    as_of: str,
) -> tuple[ClauseFigure, ...]:
    """What was asked of a text that nobody read: the field of use and training on outputs."""
    if record is None or record.verified or record.commercial_use != "conditional":
        return ()
    asked = {"field": need.field is not None, "outputs": need.train_on_outputs}
    words = {"field": "what it says of this field of use was not read", "outputs": "as to outputs, not read"}
    return tuple(
        ClauseFigure(license_id, kind, "unread", words[kind], "binds", source, as_of)
        for kind, wanted in asked.items()
        if wanted and not any(clause.kind == kind for clause in found)
    )
