"""LiteLLM's current price map, held against the one in the package, row by row.

A row counts only where it is whole: a price that is negative, zero where the bundled one is not, or twenty
times another, a window that no model has, or a name that is none leave the bundled row as it is.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Mapping
from datetime import date
from typing import Any
from urllib.parse import urlsplit

from knowledge.catalog.api_models import PriceMap
from knowledge.catalog.overlay import Overlay, PriceChange
from knowledge.catalog.price_rows import MODES, price_record, providers
from knowledge.catalog.records import ApiModel
from knowledge.errors import AdvisorError, ServiceError
from tools.refresh.fetching import fetch, parsed
from tools.refresh.found import Difference, Gathered, Problem

VARIABLE = "LITELLM_MODEL_COST_MAP_URL"
"""LiteLLM's own variable for another address of its map."""
URL = "https://raw.githubusercontent.com/BerriAI/litellm/main/model_prices_and_context_window.json"
MAX_BYTES = 24 << 20
MAX_ROWS = 12_000
PRICE_FACTOR = 20.0
"""No maker changes a price by more at once."""
MOST_TOKENS = 20_000_000
MOST_PARTS = 50
"""Tiers, words or sizes in one field."""
PARTIAL = 0.5
"""Share of the bundled rows below which the map is said to be a part of one."""
SHOWN = (
    "input_usd_per_mtok",
    "output_usd_per_mtok",
    "cache_read_usd_per_mtok",
    "long_context_above",
    "long_input_usd_per_mtok",
    "long_output_usd_per_mtok",
    "query_usd",
    "max_input_tokens",
    "max_output_tokens",
    "vision",
    "tool_calling",
    "thinking",
    "structured_output",
    "vector_size",
    "ends",
)
_KEY = re.compile(r"(?!.*\.\.)[A-Za-z0-9_.@:/+ -]{1,200}")
_KEPT = re.compile(
    r"mode|litellm_provider|deprecation_date|output_vector_size|tiered_pricing|max_(?:\w+_)?tokens"
    r"|supports_\w+|\w*cost\w*"
)
_DAY = re.compile(r"\d{4}-\d\d-\d\d")


def ask_prices(
    bundled: PriceMap, overlay: Overlay, day: date, only: Collection[str] = ()
) -> tuple[list[PriceChange] | None, Gathered]:
    """The rows that differ from the bundled ones; None where there is no map to go by.

    Args:
        bundled: the map of the package.
        overlay: what was taken before.
        day: of this refresh.
        only: keys; empty for all.
    """
    try:
        rows = _map()
    except AdvisorError as error:
        problem = Problem.of("prices", error, "Price map: ")
        return None, Gathered(problems=[problem], of=len(bundled.rows))
    return sound_rows(rows, bundled, overlay, day, only)


def sound_rows(
    rows: Mapping[str, Any], bundled: PriceMap, overlay: Overlay, day: date, only: Collection[str]
) -> tuple[list[PriceChange], Gathered]:
    """The rows of a map that can be and differ; the other arguments as `ask_prices`.

    A row that was taken before stays where the map now says of it what cannot be, or holds but a part.
    """
    gathered = Gathered(of=len(bundled.rows))
    changes, left = [], set[str]()
    for key in dict.fromkeys(only or rows):
        old = bundled.rows.get(key)
        kept, problem = _sound_row(key, rows[key], old) if key in rows else (None, "the map has no such row")
        if problem:
            gathered.problems.append(Problem("prices", f"{_name(key)}: {problem}."))
            left.add(key)
        elif kept is not None:
            gathered.asked += 1
            if old is None or _kept(old) != kept:
                changes.append(_change(key, kept, old, bundled.source, day))
    partial = not only and _partial(rows, bundled, gathered)
    gathered.whole = not (only or partial) and len(left) <= gathered.asked
    if partial:
        left |= {row.key for row in overlay.prices} - rows.keys()
    changes += [row for row in overlay.prices if row.key in left]
    gathered.differences = _differences(changes, overlay, bundled, only)
    return changes, gathered


def _map() -> dict[str, Any]:
    """Raises:
    AdvisorError: the map cannot be had, or is none.
    """
    rows = parsed(fetch(_address(), MAX_BYTES), "the answer")
    if not isinstance(rows, dict) or not rows:
        raise ServiceError("the answer is no price map.")
    if len(rows) > MAX_ROWS:
        raise ServiceError(f"it has {len(rows):,} rows, more than {MAX_ROWS:,} that a price map can have.")
    return rows


def _address() -> str:
    return os.environ.get(VARIABLE, "").strip() or URL


def _source() -> str:
    """Where the map is from, without what an address may hold beside its host."""
    host = urlsplit(_address()).netloc.rpartition("@")[2]
    return f"LiteLLM's price map ({'github BerriAI/litellm' if _address() == URL else host})"


def _name(key: object) -> str:
    return key if isinstance(key, str) and _KEY.fullmatch(key) else "a row"


def _kept(row: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that are read here; texts and links of the map are not kept."""
    return {name: value for name, value in row.items() if _KEPT.fullmatch(name) and value is not None}


def _sound_row(key: str, row: object, old: Mapping[str, Any] | None) -> tuple[dict[str, Any] | None, str]:
    """The row as it is kept, or what is wrong with it; neither where it is of no concern."""
    known = isinstance(old, dict) and old.get("mode") in MODES
    if not isinstance(row, dict):
        return None, "no row of a model" if known else ""
    kept = _kept(row)
    if known and old is not None and kept == _kept(old):
        return kept, ""  # as bundled, with whatever is odd in it
    if not isinstance(kept.get("mode"), str) or not isinstance(kept.get("litellm_provider"), str):
        return None, "it says neither mode nor provider" if known else ""
    if kept["mode"] not in MODES:
        return None, "it is no text model any more" if known else ""
    if not _KEY.fullmatch(key):
        return None, "no name of a model"
    for name, value in kept.items():
        if problem := _wrong(name, value):
            return None, f"its {name.replace('_', ' ')} {problem}"
    return kept, _against(kept, old)


def _wrong(name: str, value: object) -> str:
    """What is wrong with one field; empty where it is sound."""
    if name.startswith("supports_"):
        return "" if isinstance(value, bool) or _words(value) else "is neither yes nor no"
    if name in ("mode", "litellm_provider"):
        return "" if _KEY.fullmatch(str(value)) else "is no word"
    if name == "deprecation_date":
        return "" if isinstance(value, str) and (not value or _DAY.fullmatch(value)) else "is no day"
    if name == "tiered_pricing":
        return "" if _tiers(value) else "is none"
    if isinstance(value, dict) and "token" not in name:  # prices by size of a search, which are not read here
        return "" if _words(list(value)) and all(map(_number, value.values())) else "holds what is no price"
    if not _number(value):
        return "is no price" if "cost" in name else "is no number"
    if "tokens" in name.split("_") and name.startswith("max_"):
        return "" if 0 <= float(str(value)) <= MOST_TOKENS else "cannot be"
    return ""


def _number(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return 0 <= value < 1e15  # false for NaN; a comparison, unlike a conversion, takes any integer


def _words(value: object) -> bool:
    """Whether it is a short list of names."""
    return (
        isinstance(value, list)
        and len(value) <= MOST_PARTS
        and all(isinstance(part, str) and _KEY.fullmatch(part) for part in value)
    )


def _tiers(value: object) -> bool:
    return (isinstance(value, list) and len(value) <= MOST_PARTS) and all(
        isinstance(tier, dict)
        and _words(list(tier))
        and all(
            _number(part) or (name == "range" and isinstance(part, list) and all(map(_number, part)))
            for name, part in tier.items()
        )
        for tier in value
    )


def _against(kept: Mapping[str, Any], old: Mapping[str, Any] | None) -> str:
    """What is wrong with the prices beside the bundled ones, or by themselves."""
    local = kept["litellm_provider"] in providers()["local"]
    most = providers()["highest_usd_per_mtok"][kept["mode"]]
    for name in ("input_cost_per_token", "output_cost_per_token", "cache_read_input_token_cost"):
        new = kept.get(name)
        was = old.get(name) if old is not None else None
        known = isinstance(was, int | float) and was > 0
        if isinstance(new, int | float) and new * 1e6 > most:
            return f"its {name.replace('_', ' ')} cannot be"
        if known and not local and (new is None or not new):
            return f"its {name.replace('_', ' ')} is gone or zero, which means unknown and not free"
        if known and new and not 1 / PRICE_FACTOR <= new / was <= PRICE_FACTOR:
            return f"its {name.replace('_', ' ')} is more than {PRICE_FACTOR:g} times off the bundled one"
    return ""


def _change(
    key: str, kept: dict[str, Any], old: Mapping[str, Any] | None, source: str, day: date
) -> PriceChange:
    return PriceChange(
        key=key,
        row=kept,
        was=None if old is None else _kept(old),
        was_source=source if old is not None else "",
        source=_source(),
        fetched=day.isoformat(),
    )


def _partial(rows: Mapping[str, Any], bundled: PriceMap, gathered: Gathered) -> bool:
    """Whether the map is but a part of one, which is then said."""
    there = sum(key in rows for key in bundled.rows)
    if there >= PARTIAL * len(bundled.rows):
        return False
    text = (
        f"The map holds only {there:,} of the {len(bundled.rows):,} known rows; the others stay as they are."
    )
    gathered.problems.append(Problem("prices", text))
    return True


def _differences(
    changes: list[PriceChange], overlay: Overlay, bundled: PriceMap, only: Collection[str]
) -> list[Difference]:
    """Field by field, of what the records show."""
    before = {row.key: row for row in overlay.prices if not only or row.key in only}
    after = {row.key: row for row in changes}
    found = []
    for key in dict.fromkeys([*after, *before]):
        was, now = before.get(key), after.get(key)
        old = was.row if was is not None else bundled.rows.get(key)
        new = now.row if now is not None else bundled.rows.get(key)
        old_source = f"{was.source}, fetched {was.fetched}" if was is not None else bundled.source
        new_source = f"{now.source}, fetched {now.fetched}" if now is not None else bundled.source
        pairs = _pairs(_record(key, old), _record(key, new))
        if not pairs and old is not None and new is not None and _kept(old) != _kept(new):
            pairs = [("other prices", _others(old, new), _others(new, old))]
        found += [Difference("prices", key, name, a, b, old_source, new_source) for name, a, b in pairs]
    return found


def _record(key: str, row: Mapping[str, Any] | None) -> ApiModel | None:
    return None if row is None or row.get("mode") not in MODES else price_record(key, row, "")


def _pairs(old: ApiModel | None, new: ApiModel | None) -> list[tuple[str, Any, Any]]:
    rows = [(name, getattr(old, name, None), getattr(new, name, None)) for name in SHOWN]
    return [(name, a, b) for name, a, b in rows if a != b]


def _others(row: Mapping[str, Any], other: Mapping[str, Any]) -> str:
    """Fields that the records do not show, in a line."""
    kept, against = _kept(row), _kept(other)
    names = [name for name in {**kept, **against} if kept.get(name) != against.get(name)]
    return ", ".join(f"{name} {kept.get(name, 'unknown')}" for name in sorted(names)[:4])
