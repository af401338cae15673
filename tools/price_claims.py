"""Prices of the older guide beside those of today: what it states, what was true then, and what holds now.

The stated figures are rows of `tools/data/price_claims.json`; the present ones are looked up in LiteLLM's map
at run time. Dollars per million tokens, input and output.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from pydantic import TypeAdapter

from knowledge.catalog.api_models import current_api_models, is_retired, read_price_map
from knowledge.catalog.records import ApiModel
from knowledge.today import today
from tools.candidates import evidence_json
from tools.citing import guide
from tools.memory.types import Evidence

SAME = "the same"


@dataclass(frozen=True, slots=True)
class Price:
    """Dollars per million tokens in and out, and whose."""

    input_usd: float
    output_usd: float
    of: str = ""
    """LiteLLM key; empty for a price that is no row of the map."""

    @property
    def name(self) -> str:
        """The model without its provider."""
        return self.of.split("/")[-1]

    def __str__(self) -> str:
        return f"{_usd(self.input_usd)} in and {_usd(self.output_usd)} out"

    def as_json(self) -> dict[str, Any]:
        """The object of a document."""
        return {
            "model_id": self.of,
            "input_usd_per_mtok": self.input_usd,
            "output_usd_per_mtok": self.output_usd,
        }


def _pair(price: Price) -> tuple[float, float]:
    return price.input_usd, price.output_usd


def _per_million(stated: list[float]) -> str:
    return f"{_usd(stated[0])} in and {_usd(stated[1])} out per million tokens"


def _usd(value: float) -> str:
    text = f"{value:.3f}".rstrip("0").rstrip(".")
    whole, _, cents = text.partition(".")
    return f"${whole}.{cents.ljust(2, '0')}" if cents else f"${whole}"


@dataclass(frozen=True, slots=True)
class PriceClaim:
    """One price of the older guide and what became of it."""

    model: str
    maker: str
    stated: Price
    then: Price
    """What the maker asked at the time."""
    then_note: str
    now: Price | None
    """The maker's own price today; None where it no longer serves the model."""
    hosted: Price | None
    """The lowest price at which another host still lists it."""
    successor: Price | None
    """The newest model of the same line that the maker serves."""
    guide: str
    evidence: tuple[Evidence, ...]

    @property
    def was_right(self) -> bool:
        """Whether the stated price was the maker's at the time."""
        return _pair(self.stated) == _pair(self.then)

    @property
    def out_of_date(self) -> bool:
        """Whether the stated price is no longer the maker's."""
        return self.now is None or _pair(self.stated) != _pair(self.now)

    @property
    def text(self) -> str:
        """Stated then, now, and the difference, in a few sentences."""
        parts = [f"The older guide states {self.stated} per million tokens for {self.model}."]
        note = f" ({self.then_note})" if self.then_note else ""
        if not self.was_right:
            parts.append(f"That was wrong: {self.maker} asked {self.then} at the time{note}.")
        elif note:
            parts.append(f"That was right at the time{note}.")
        if self.now is not None:
            parts.append(f"Now {self.now.name} costs {self.now}: {_change(self.stated, self.now)}.")
        else:
            hosts = f"; hosts still list it from {self.hosted}" if self.hosted is not None else ""
            parts.append(f"It is retired: {self.maker} itself no longer serves it{hosts}.")
        if self.successor is not None:
            name = self.successor.name
            who = f"Its successor {name}" if self.now is None else f"The newest of that line, {name},"
            parts.append(f"{who} costs {self.successor}: {_change(self.stated, self.successor)}.")
        return " ".join(parts)

    @property
    def gone(self) -> tuple[str, str]:
        """Of a retired model: that it is, and what came after it at which price; else empty."""
        if self.now is not None:
            return "", ""
        after = self.successor
        next_one = (
            f"Its successor {after.name} costs {after} per million tokens." if after is not None else ""
        )
        return f"{self.model} is retired: {self.maker} no longer serves it.", next_one

    def as_json(self) -> dict[str, Any]:
        """The object of a document."""
        return {
            "model": self.model,
            "maker": self.maker,
            "stated": self.stated.as_json(),
            "then": self.then.as_json(),
            "was_right": self.was_right,
            "out_of_date": self.out_of_date,
            "now": self.now.as_json() if self.now else None,
            "hosted": self.hosted.as_json() if self.hosted else None,
            "successor": self.successor.as_json() if self.successor else None,
            "text": self.text,
            "evidence": [evidence_json(e) for e in self.evidence],
        }


def _change(before: Price, after: Price) -> str:
    """`50 % less in and 33 % less out than stated`."""

    def part(old: float, new: float) -> str:
        share = round((new / old - 1) * 100)
        return SAME if share == 0 else f"{abs(share)} % {'more' if share > 0 else 'less'}"

    first, last = part(before.input_usd, after.input_usd), part(before.output_usd, after.output_usd)
    if first == last:
        return f"{first} {'as' if first == SAME else 'than'} stated"
    return f"{first} in and {last} out {'as' if last == SAME else 'than'} stated"


@cache
def _table() -> dict[str, Any]:
    data = resources.files("tools").joinpath("data/price_claims.json").read_bytes()
    return TypeAdapter(dict[str, Any]).validate_json(data)


def _price(model: ApiModel | None) -> Price | None:
    if model is None or model.input_usd_per_mtok is None or model.output_usd_per_mtok is None:
        return None
    return Price(model.input_usd_per_mtok, model.output_usd_per_mtok, model.key)


def _name(model: ApiModel) -> str:
    return model.key.split("/")[-1]


def _newest(pattern: str) -> ApiModel | None:
    """The current model with the highest version among those of a line."""
    found = []
    for model in current_api_models():
        match = re.match(pattern, _name(model))
        if match is not None and _price(model) is not None:
            found.append((tuple(int(part or 0) for part in match.groups()), model))
    return max(found, key=lambda pair: pair[0], default=(None, None))[1]


def _hosted(pattern: str, current: tuple[ApiModel, ...]) -> Price | None:
    """The lowest price of a host's row whose model is still served."""
    prices, own = read_price_map(), {model.key for model in current}
    day = today()
    found = []
    for key in prices.rows:
        record = prices.record(key) if re.search(pattern, key) and key not in own else None
        price = _price(record)
        if record is not None and price is not None and not is_retired(record, day):
            found.append(price)
    return min(found, key=_pair, default=None)


def _claim(row: dict[str, Any]) -> PriceClaim:
    current = current_api_models()
    now = _price(next((model for model in current if _name(model) == row["key"]), None))
    evidence = [guide(_table()["file"], row["heading"], f"{row['name']}: {_per_million(row['stated'])}")]
    source = read_price_map().source
    successor = _price(_newest(row["line"]))
    evidence += [Evidence("catalog", source, price.of) for price in (now, successor) if price is not None]
    return PriceClaim(
        row["name"],
        row["maker"],
        Price(*row["stated"]),
        Price(*row["then"]),
        row["then_note"],
        now,
        _hosted(row["hosts"], current) if now is None else None,
        successor,
        _table()["guide"],
        tuple(evidence),
    )


def price_claim(name: str) -> PriceClaim | None:
    """What the older guide states of a model's price, and what holds now; None where it states none.

    Args:
        name: a model as people write it, or a LiteLLM key (`Claude 3.5 Sonnet`, `gpt-4o`).
    """
    found = find_price_claims(name)
    return found[0] if found else None


def find_price_claims(text: str) -> tuple[PriceClaim, ...]:
    """The claims of every model that a text names, in the order of the guide's table."""
    return tuple(
        _claim(row)
        for row in _table()["rows"]
        if re.search(rf"(?<![a-z]){row['match']}", text[:4000], re.IGNORECASE)
    )


def price_claims() -> tuple[PriceClaim, ...]:
    """All prices of the older guide's table."""
    return tuple(_claim(row) for row in _table()["rows"])
