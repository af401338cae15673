"""How old the facts of an answer are, and from when on that is worth a warning."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from knowledge.catalog.api_models import bundled_price_map, price_map_version, read_price_map
from knowledge.catalog.dates import price_map_day, shipped_dates
from knowledge.catalog.overlay import load_overlay
from knowledge.catalog.records import Accelerator, ApiModel, ModelRecord
from knowledge.catalog.store import Catalog, load_catalog
from knowledge.today import today

STALE_MONTHS = 6
REFRESH = "llm-advisor models refresh"
_NAMES = (("catalog", "catalog"), ("prices", "API prices"), ("scores", "scores"))


@dataclass(frozen=True, slots=True)
class Refreshed:
    """One model of an answer with values that are refreshed and not bundled."""

    model: str
    """Hub id, or key of an API model."""
    fields: tuple[str, ...]
    on: str

    @property
    def words(self) -> str:
        """`Qwen/Qwen3-8B (license, context length)`; what a license allows is told with it."""
        told = [
            name for name in self.fields if not (name.startswith("commercial") and "license" in self.fields)
        ]
        return f"{self.model} ({', '.join(told).replace('_', ' ')})"


@dataclass(frozen=True, slots=True)
class Facts:
    """The days from which the facts of an answer are; None where a day is not known."""

    catalog: str | None
    prices: str | None
    scores: str | None
    on: date
    """The day of the answer."""
    refreshed: tuple[Refreshed, ...] = ()
    """What of it `models refresh` brought."""

    @property
    def age_months(self) -> int | None:
        """Full months since the oldest of the three; None where none is known."""
        ages = [_months(day, self.on) for day in (self.catalog, self.prices, self.scores) if day is not None]
        return max(ages, default=None)

    @property
    def stale(self) -> bool:
        """Whether the oldest is more than six months old."""
        days = [day for day in (self.catalog, self.prices, self.scores) if day is not None]
        return any(_after(day, STALE_MONTHS) < self.on for day in days)

    @property
    def line(self) -> str:
        """The days and the age in one sentence, and what is refreshed in another."""
        days = [(words, getattr(self, key)) for key, words in _NAMES]
        told = ", ".join(f"{words} of {day}" for words, day in days if day is not None)
        newer = "; ".join(one.words for one in self.refreshed)
        told = f"Facts: {told or 'of an unknown day'}; {self.age_words}."
        return f"{told} Refreshed, not bundled: {newer}." if newer else told

    @property
    def age_words(self) -> str:
        """`the oldest 3 months old`."""
        months = self.age_months
        if months is None:
            return "how old they are is not known"
        if months == 0:
            return "less than a month old"
        return f"the oldest {months} month{'' if months == 1 else 's'} old"

    @property
    def warning(self) -> str:
        """What to mind, and the command that mends it; empty where the facts are young enough."""
        if not self.stale:
            return ""
        return (
            f"These facts are up to {self.age_months} months old, and newer models, prices and scores are "
            f"missing; `{REFRESH}` asks for them over the network."
        )

    def as_json(self) -> dict[str, Any]:
        """Days in ISO 8601 (null: not known), full months of the oldest, and the two sentences."""
        return {
            "catalog": self.catalog,
            "prices": self.prices,
            "scores": self.scores,
            "age_months": self.age_months,
            "stale": self.stale,
            "line": self.line,
            "warning": self.warning or None,
            "refreshed": [asdict(one) for one in self.refreshed],
        }


def facts_of(
    about: Iterable[ModelRecord | ApiModel | Accelerator | str] = (), *, on: date | None = None
) -> Facts:
    """How old the facts of an answer are.

    Args:
        about: the rows that it is about, models also by hub id; the oldest one counts, and for a model that a
            hub was asked for, that day. None: the catalog as a whole.
        on: the day of the answer; None is today.
    """
    catalog, overlay = load_catalog(), load_overlay()
    days, newer = [], dict[str, Refreshed]()
    for given in about:
        record = catalog.model(given) if isinstance(given, str) else given
        if (one := _refreshed(given if record is None else record, catalog)) is not None:
            newer[one.model] = one
        # What a person added is from the day on which it was read, and ages no catalog.
        if isinstance(record, ModelRecord) and record.added is None:
            days.append(max(record.as_of, overlay.checked.get(record.id, "")))
        elif isinstance(record, Accelerator):
            days.append(record.as_of)
    shipped = shipped_dates()
    return Facts(
        catalog=min(days) if days else shipped.catalog,
        prices=prices_day(),
        # One file that is read again makes the others no newer.
        scores=max(shipped.scores, min(overlay.boards.values(), default="")),
        on=on or today(),
        refreshed=tuple(newer.values()),
    )


def _refreshed(about: ModelRecord | ApiModel | Accelerator | str, catalog: Catalog) -> Refreshed | None:
    """What is refreshed of a model; a name that the catalog lacks may be the key of an API model."""
    if isinstance(about, Accelerator):
        return None
    if isinstance(about, ModelRecord):
        change = catalog.refreshed(about.id)
        if change is None:
            return None
        return Refreshed(about.id, tuple(one.field for one in change.changes), change.fetched)
    key = about if isinstance(about, str) else about.key
    rows = [row for row in catalog.overlay.prices if row.key == key]
    holds = bool(rows) and key in read_price_map().newer
    return Refreshed(key, ("prices",), rows[0].fetched) if holds else None


def prices_day() -> str | None:
    """The day of the price map in use; None where there is none."""
    version, fetched = price_map_version(), load_overlay().prices_fetched
    shipped = shipped_dates()
    keys = () if version in (None, shipped.litellm) else bundled_price_map().rows
    own = None if version is None else price_map_day(version, keys)
    return max((day for day in (own, fetched) if day is not None), default=None)


def _first_day(day: str) -> date:
    """`2025-06` and `2025` are taken from their first day."""
    parts = [int(part) for part in day.split("-")]
    return date(parts[0], *[*parts[1:], 1, 1][:2])


def _months(day: str, on: date) -> int:
    since = _first_day(day)
    months = (on.year - since.year) * 12 + on.month - since.month - (on.day < since.day)
    return max(0, months)


def _after(day: str, months: int) -> date:
    """The same day of the month so many months later; the last one of a shorter month."""
    since = _first_day(day)
    year, month = divmod(since.month - 1 + months, 12)
    following = date(since.year + year + (month + 1) // 12, (month + 1) % 12 + 1, 1)
    last = (following - date.resolution).day
    return date(since.year + year, month + 1, min(since.day, last))
