"""Prices in sentences: of an API model per million tokens, and of an accelerator per hour."""

from __future__ import annotations

import re
from collections.abc import Iterator

from knowledge.claims import cues
from knowledge.claims.amounts import Amount
from knowledge.claims.atoms import Atoms
from knowledge.claims.said import Place, attributed_at
from knowledge.claims.scene import Around, carried, clause_of, subjects_at
from knowledge.claims.types import Claim, Conditions, Quantity, Subject

_MOST_USD = 10_000.0
"""Dollars above this are revenues, not prices."""
_PAIR = re.compile(
    r"^\s?(?:per (?:1M|million)(?: input)? tokens\s?)?(?:in|input)?(?:\s(?:tokens?|per million))*\s?(?:/"
    r"|and|,|&|\+)\s?(?:about |~)?$",
    re.IGNORECASE,
)


def price_claims(text: str, atoms: Atoms, place: Place, around: Around) -> Iterator[Claim]:
    """Every price of a sentence with the model or the accelerator that it is of."""
    money = [a for a in atoms.amounts if a.dimension == "usd" and a.stated.high < _MOST_USD]
    for index, amount in enumerate(money):
        if cues.HOURLY.match(text[amount.end :]):
            yield from _rent(text, amount, atoms, place)
            continue
        if cues.OTHER_PERIOD.match(text[amount.end :]):
            continue
        named = _named(text, amount, atoms, around)
        quantity = _direction(text, money, index)
        first, last = clause_of(text, amount.start)
        scope = f"{around.heading} {around.before} {text}"
        if not named or quantity is None or cues.CACHED.search(text[first:last]):
            continue
        paired = quantity in ("input_price", "output_price") and len(money) > 1
        if not (cues.PER_MILLION.search(scope) or paired):
            continue
        if (
            quantity == "price"
            and len(money) > 1
            and not cues.PER_MILLION.search(text[amount.end : amount.end + 24])
        ):
            continue
        for subject in named:
            yield _claim(text, amount, subject, quantity, place)


def _claim(text: str, amount: Amount, subject: Subject, quantity: Quantity, place: Place) -> Claim:
    first, last = clause_of(text, amount.start)
    return Claim(
        place.file,
        place.origin,
        place.heading,
        place.line,
        text,
        amount.words,
        subject,
        quantity,
        amount.stated,
        conditions=Conditions(),
        attributed=attributed_at(text, amount.start),
        past=bool(cues.PAST.search(text[first:last])),
    )


def _named(text: str, amount: Amount, atoms: Atoms, around: Around) -> tuple[Subject, ...]:
    found = sorted(
        [*atoms.apis, *(m for m in atoms.models if not any(a.start == m.start for a in atoms.apis))],
        key=lambda atom: atom.start,
    )
    chosen = subjects_at(text, amount.start, amount.end, found)
    if chosen:
        return tuple(
            Subject("api", atom.subject.text, atom.subject.ids if atom.subject.kind == "api" else ())
            for atom in chosen
        )
    return () if found else carried(around, "apis")


def _direction(text: str, money: list[Amount], index: int) -> Quantity | None:
    """Whether a price is for what goes in or what comes out; `price` where that is not said."""
    amount = money[index]
    behind = money[index + 1] if index + 1 < len(money) else None
    before = money[index - 1] if index else None
    if behind is not None and _PAIR.match(text[amount.end : behind.start]):
        return "input_price"
    if before is not None and _PAIR.match(text[before.end : amount.start]):
        return "output_price"
    end = behind.start if behind is not None else len(text)
    near = text[amount.end : min(end, amount.end + 40)]
    lead = text[max(before.end if before else 0, amount.start - 70) : amount.start]
    into, out = cues.INPUT.search(near), cues.OUTPUT.search(near)
    if into and (not out or into.start() < out.start()):
        return "input_price"
    if out:
        return "output_price"
    if cues.OUTPUT.search(lead):
        return "output_price"
    if cues.INPUT.search(lead):
        return "input_price"
    return "price"


def _rent(text: str, amount: Amount, atoms: Atoms, place: Place) -> Iterator[Claim]:
    for atom in subjects_at(text, amount.start, amount.end, atoms.devices):
        if atom.count == 1:
            yield _claim(text, amount, atom.subject, "rent", place)
