"""Claims of single cells of a table."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from knowledge.claims import cues
from knowledge.claims.amounts import BINARY, Amount, amounts
from knowledge.claims.atoms import read_atoms
from knowledge.claims.columns import Above, Column, Row, attributed_above, meaning_of
from knowledge.claims.said import Place
from knowledge.claims.types import Claim, Conditions, Dimension, Quantity, Stated, Subject

_UNITS: dict[Quantity, tuple[Dimension, ...]] = {
    "file": ("bytes",),
    "memory": ("bytes",),
    "cache": ("bytes",),
    "cache_per_token": ("bytes",),
    "training_memory": ("bytes",),
    "device_memory": ("bytes",),
    "bandwidth": ("bandwidth",),
    "speed": ("speed",),
    "share": ("percent",),
    "bits": ("bits",),
    "input_price": ("usd",),
    "output_price": ("usd",),
    "price": ("usd",),
    "rent": ("usd",),
    "window": ("tokens",),
    "parameters": ("params",),
    "active_parameters": ("params",),
    "layers": ("layers",),
    "heads": ("heads",),
    "kv_heads": ("kv_heads",),
    "vocabulary": ("vocabulary",),
    "dimensions": ("dimensions",),
}


_UNIT_IN_WORDS = re.compile(r"(?<![\w/])(?P<unit>TiB|GiB|MiB|KiB|TB|GB|MB|KB)(?!/s|\w)")


_SCALES = {
    "tib": 2.0**40,
    "gib": 2.0**30,
    "mib": 2.0**20,
    "kib": 2.0**10,
    "tb": 1e12,
    "gb": 1e9,
    "mb": 1e6,
    "kb": 1e3,
}


_BARE = ("count",)


def cell_claims(
    cell: str, column: Column, row: Row, above: Above, place: Place, words: str
) -> Iterator[Claim]:
    """The claims of one cell; `words` is its row."""
    quantity, conditions = meaning_of(column, row, above)
    if quantity is None:
        return
    if quantity == "license":
        yield from _license(cell, row, place, words, column)
        return
    if quantity in ("price", "input_price", "output_price"):
        yield from _prices(cell, quantity, column, row, above, place, words)
        return
    if re.search(r"\d\s?/\s?\d|\bor\b", cell) or (quantity == "window" and row.label < 0):
        return
    stated = _figure(cell, quantity, column, above)
    if stated is None:
        return
    amount, figure = stated
    if quantity == "memory" and re.search(r"\+\s?(?:KV|cache|context)", cell, re.IGNORECASE):
        quantity = "file"
    if quantity == "window" and cues.EXTENDED.search(words):
        return
    conditions = _in_cell(cell, amount, quantity, row, conditions)
    attributed = column.attributed or attributed_above(above, column)
    named = tuple(atom.subject for atom in column.atoms.models) if row.kind in ("devices", "quants") else ()
    for subject in named or row.subjects:
        if _fits(subject, quantity):
            yield Claim(
                place.file,
                place.origin,
                place.heading,
                place.line,
                words,
                amount.words,
                subject,
                quantity,
                figure,
                conditions=conditions,
                attributed=attributed,
            )


def _in_cell(cell: str, amount: Amount, quantity: Quantity, row: Row, conditions: Conditions) -> Conditions:
    """The conditions with what the cell itself says (`22.9 with q8_0 cache`)."""
    held = read_atoms(cell)
    if (
        held.kv_types
        and held.kv_types[0].start < amount.end + 20
        and not cell[amount.end :].lstrip().startswith("(")
    ):
        conditions = replace(conditions, kv_type=held.kv_types[0].value)
    if held.quants:
        conditions = replace(conditions, quant=held.quants[0].value)
    if quantity in ("bits", "share"):
        own = row.subjects[0].ids[0] if row.kind == "quants" else None
        conditions = replace(conditions, quant=row.conditions.quant or own)
    return conditions


def _figure(cell: str, quantity: Quantity, column: Column, above: Above) -> tuple[Amount, Stated] | None:
    """The first figure of a cell in a dimension of the quantity; a bare number takes the header's unit."""
    wanted = _UNITS[quantity]
    for amount in amounts(cell):
        if amount.dimension in wanted:
            return amount, amount.stated
        if amount.start > 3 and amount.unit == "":
            return None
        if amount.dimension in _BARE and amount.unit == "":
            found = _with_unit(amount, cell, quantity, column, above)
            return None if found is None else (amount, found)
        if amount.dimension == "params" and quantity in ("parameters", "active_parameters"):
            return amount, amount.stated
        if amount.dimension == "tokens" and quantity == "window":
            return amount, amount.stated
        return None
    return None


def _with_unit(amount: Amount, cell: str, quantity: Quantity, column: Column, above: Above) -> Stated | None:
    stated, wanted = amount.stated, _UNITS[quantity][0]
    if not re.fullmatch(r"\W{0,3}", cell[: amount.start]):
        return None
    if wanted == "bytes":
        scale = _bytes_unit(quantity, column, above)
        return None if scale is None else _scaled(stated, scale, "bytes")
    if wanted == "bandwidth":
        return _scaled(stated, 1e9, "bandwidth") if re.search(r"GB/s", column.header + above.words) else None
    if wanted == "params":
        letter = re.search(r"\((?:in )?(?:billions?|B)\)|billions?", column.header)
        return stated if stated.low >= 1e6 else _scaled(stated, 1e9, "params") if letter else None
    if wanted == "tokens":
        return replace(stated, dimension="tokens") if stated.low >= 256 else None
    return replace(stated, dimension=wanted)


def _scaled(stated: Stated, scale: float, dimension: Dimension) -> Stated:
    binary = {1e3: "KB", 1e6: "MB", 1e9: "GB", 1e12: "TB"}.get(scale) if dimension == "bytes" else None
    return replace(
        stated,
        low=stated.low * scale,
        high=stated.high * scale,
        half=stated.half * scale,
        dimension=dimension,
        scales=(1.0, BINARY[binary]) if binary else (1.0,),
    )


def _bytes_unit(quantity: Quantity, column: Column, above: Above) -> float | None:
    """The unit that the header, or the lead-in for this column's word, gives to bare numbers."""
    own = _UNIT_IN_WORDS.search(column.header)
    if own is not None:
        return _SCALES[own["unit"].lower()]
    word = re.escape(column.header.split()[0]) if column.header else ""
    near = (
        re.search(rf"\b{word}\b(?:\s\w+){{0,2}} in (?P<unit>[GMKT]i?B)\b(?!/s)", above.words, re.IGNORECASE)
        if word
        else None
    )
    if near is not None:
        return _SCALES[near["unit"].lower()]
    units = {match["unit"].lower() for match in _UNIT_IN_WORDS.finditer(above.lead or above.heading)}
    return _SCALES[units.pop()] if len(units) == 1 else None


def _fits(subject: Subject, quantity: Quantity) -> bool:
    """Whether a thing of this kind has such a quantity."""
    if quantity in ("device_memory", "bandwidth", "rent"):
        return subject.kind == "device"
    if quantity in ("bits", "share"):
        return subject.kind in ("quant", "model")
    if quantity in (
        "layers",
        "heads",
        "kv_heads",
        "vocabulary",
        "dimensions",
        "parameters",
        "active_parameters",
    ):
        return subject.kind == "model"
    if quantity == "window":
        return subject.kind in ("model", "api")
    return subject.kind in ("model", "size")


def _license(cell: str, row: Row, place: Place, words: str, column: Column) -> Iterator[Claim]:
    match = cues.LICENSE_PATTERN.match(cell)
    value = next((name for i, (_, name) in enumerate(cues.LICENSES) if match and match[f"l{i}"]), None)
    if value is None and re.match(r"(?:Llama|Meta)\b.*communit|^Llama \d", cell, re.IGNORECASE):
        value = "llama"
    elif value is None and re.match(r"Gemma\b", cell, re.IGNORECASE):
        value = "gemma"
    if value is None:
        return
    for subject in row.subjects:
        if subject.kind == "model":
            yield Claim(
                place.file,
                place.origin,
                place.heading,
                place.line,
                words,
                cell,
                subject,
                "license",
                None,
                value,
                attributed=column.attributed,
            )


def _prices(
    cell: str, quantity: Quantity, column: Column, row: Row, above: Above, place: Place, words: str
) -> Iterator[Claim]:
    scope = f"{column.header} {above.words}"
    money = [a for a in amounts(cell) if a.dimension in ("usd", "count")]
    if not money or not (
        cues.PER_MILLION.search(scope) or (quantity != "price" and any(a.dimension == "usd" for a in money))
    ):
        return
    pair = len(money) == 2 and re.search(r"/|\bin\b|,|and", cell[money[0].end :])
    if len(money) > 2 or (len(money) == 2 and not pair):
        money = money[:1]
    for index, amount in enumerate(money):
        if amount.dimension == "count" and (
            amount.start > 3 or not re.search(r"\$|USD|dollar|price|cost", scope, re.IGNORECASE)
        ):
            continue
        what: Quantity = quantity if not pair else "output_price" if index else "input_price"
        stated = replace(amount.stated, dimension="usd")
        for subject in row.subjects:
            if subject.kind not in ("api", "model"):
                continue
            whom = subject if subject.kind == "api" else Subject("api", subject.text)
            yield Claim(
                place.file,
                place.origin,
                place.heading,
                place.line,
                words,
                amount.words,
                whom,
                what,
                stated,
                attributed=column.attributed or attributed_above(above, column),
            )
