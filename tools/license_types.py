"""A license as a figure of an answer: its class, the clauses that matter, their source and date."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from knowledge.catalog.lineage import Inherited
from knowledge.catalog.records import CommercialUse

ClauseStatus = Literal["binds", "may bind", "clear"]
"""Whether the stated use meets a clause; `may bind` where the fact that decides was not said."""


@dataclass(frozen=True, slots=True)
class ClauseFigure:
    """One clause of a license, held against a use."""

    license: str
    kind: str
    effect: str
    """`license-needed`, `no-rights`, `duty`, `allowed` or `unread`."""
    text: str
    """What it says, in our words."""
    status: ClauseStatus
    source: str
    as_of: str
    max_users: int | None = None
    """Monthly active users above which it binds."""
    max_revenue_usd: float | None = None
    """Yearly revenue above which it binds."""
    regions: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()

    @property
    def excludes(self) -> bool:
        """Whether the model may not be used as long as the clause binds."""
        return self.effect in ("license-needed", "no-rights", "unread")

    def as_json(self) -> dict[str, Any]:
        return {
            "license": self.license,
            "kind": self.kind,
            "effect": self.effect,
            "text": self.text,
            "status": self.status,
            "max_users": self.max_users,
            "max_revenue_usd": self.max_revenue_usd,
            "regions": list(self.regions),
            "fields": list(self.fields),
            "source": self.source,
            "as_of": self.as_of,
        }


@dataclass(frozen=True, slots=True)
class LicenseFigure:
    """The license and what it means for the stated use."""

    id: str
    commercial_use: CommercialUse
    """The strictest class of the model's own license and of those it inherits."""
    note: str | None
    """The clauses that matter for the use, in one line."""
    name: str | None = None
    source: str | None = None
    as_of: str | None = None
    verified: bool = False
    """The text itself was read."""
    clauses: tuple[ClauseFigure, ...] = ()
    inherited: tuple[Inherited, ...] = ()
    """Licenses of what the model was made from."""

    def as_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "commercial_use": self.commercial_use,
            "note": self.note,
            "name": self.name,
            "verified": self.verified,
            "source": self.source,
            "as_of": self.as_of,
            "clauses": [clause.as_json() for clause in self.clauses],
            "inherited": [one.model_dump(mode="json") for one in self.inherited],
        }
