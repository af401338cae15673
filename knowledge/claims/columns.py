"""What a table's headers say of the cells under them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from knowledge.claims.atoms import Atoms, read_atoms
from knowledge.claims.scene import only
from knowledge.claims.types import Conditions, Quantity, Subject

_HEADERS: tuple[tuple[str, Quantity | None], ...] = (
    (r"per token", "cache_per_token"),
    (r"(?:KV|cache)(?! hit)", "cache"),
    (r"bandwidth|GB/s", "bandwidth"),
    (r"tok(?:en)?s?\s?(?:/|per )\s?s|t/s\b|tps\b|\bspeed\b|generation", "speed"),
    (
        r"size (?:vs|against|relative|compared|of|claimed|in %)|relative size|real size|% of|vs\.? FP16",
        "share",
    ),
    (r"bits? (?:per|/) ?(?:weight|param)|\bbpw\b", "bits"),
    (r"\bactive\b", "active_parameters"),
    (
        r"(?:cost|price|\$|USD).*\bin(?:put)?\b|^input\b|\binput (?:price|cost)|^in$|prompt price",
        "input_price",
    ),
    (r"(?:cost|price|\$|USD).*\bout(?:put)?\b|^output\b|\boutput (?:price|cost)|^out$", "output_price"),
    (r"(?:\$|USD|cost|price|rent)\D*(?:/|per|an?)\s?h(?:ou)?r?\b|hourly", "rent"),
    (r"(?:cost|price|\$|USD)", "price"),
    (r"licen[sc]e", "license"),
    (r"dimension|\bdims?\b|vector size", "dimensions"),
    (r"context|\bwindow\b|\bctx\b|max(?:imum)? tokens", "window"),
    (r"KV heads", "kv_heads"),
    (r"\bheads\b", "heads"),
    (r"\blayers\b", "layers"),
    (r"vocab", "vocabulary"),
    (r"vram|memory|\bram\b|footprint|\btotal\b|measured at|requirement|\bneeds?\b", "memory"),
    (r"file|disk|download|weights|gguf|tensor|\bsize\b.*\bg", "file"),
    (r"param", "parameters"),
    (r"\bsize\b", "file"),
)


_HEADER_PATTERNS = tuple((re.compile(pattern, re.IGNORECASE), quantity) for pattern, quantity in _HEADERS)


_IGNORED = re.compile(
    r"time|iteration|quality|rank|score|best|use|why|note|remark|usable|users?\b|date|release|margin"
    r"|required for|tokens/example|relative cost"
    r"|headroom|available|free|left|speed-?up|batch|practical|prompt (?:tok|t/s|speed|processing)|prefill"
    r"|\bpp\b|overhead|compute",
    re.IGNORECASE,
)


_ATTRIBUTED = re.compile(r"\bclaim\w*|\bolder\b|\bstated\b|\blisted\b|\badvertis\w+|\bsaid\b", re.IGNORECASE)


_ESTIMATED = re.compile(r"\bestimat\w+|\best\.|\bnominal\b", re.IGNORECASE)


_MEASURED = re.compile(r"\bmeasured\b|\breal\b|\bactual\b", re.IGNORECASE)


_CACHE_TYPE = re.compile(r"(f16|fp16|q8_0|q5_[01]|q4_[01])(?: cache)?", re.IGNORECASE)
_OF_CACHE = re.compile(r"\bKV\b|\bcache\b", re.IGNORECASE)
_OF_WINDOW = re.compile(r"window|length|support", re.IGNORECASE)
_OF_TRAINING = re.compile(r"fine-?tun|\btraining\b", re.IGNORECASE)
_PLACES = re.compile(r"GPU|system")
_OFFLOADED = re.compile(r"experts? (?:in|on)|offload|-ngl|layers on", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Above:
    """What stands over a table: the title of its section and the words that lead in to it."""

    heading: str
    lead: str

    @property
    def words(self) -> str:
        return f"{self.heading}. {self.lead}"


@dataclass(frozen=True, slots=True)
class Column:
    """What a header says of the cells under it."""

    header: str
    quantity: Quantity | None
    atoms: Atoms
    attributed: bool


@dataclass(frozen=True, slots=True)
class Row:
    """The cells of a row, and what its own labels name."""

    cells: tuple[str, ...]
    subjects: tuple[Subject, ...]
    kind: str
    label: int
    """Index of the cell that names the subject; -1 where the table's heading does."""
    conditions: Conditions


def quantity_of(header: str) -> Quantity | None:
    """What a header announces by its own words."""
    sized = re.search(r"vram|file|weights|memory", header, re.IGNORECASE)
    if _IGNORED.search(header) and not sized:
        return None
    return next((name for pattern, name in _HEADER_PATTERNS if pattern.search(header)), None)


def column_of(header: str, headers: Sequence[str], above: Above) -> Column:
    words = header.strip()
    attributed = bool(_ATTRIBUTED.search(words)) or bool(
        _ESTIMATED.search(words) and any(_MEASURED.search(other) for other in headers)
    )
    quantity = quantity_of(words)
    return Column(words, quantity, read_atoms(words), attributed)


def context_in(cell: str) -> int | None:
    match = re.fullmatch(
        r"~?(?P<n>\d[\d,]*(?:\.\d+)?)\s?(?P<k>[kK])?(?: ?(?:tokens?|context|ctx))?", cell.strip()
    )
    if match is None:
        return None
    value = float(match["n"].replace(",", ""))
    tokens = round(value * 1024) if match["k"] else round(value)
    return tokens if 256 <= tokens <= 20_000_000 else None


def meaning_of(column: Column, row: Row, above: Above) -> tuple[Quantity | None, Conditions]:
    """The quantity of a cell, and its conditions with what the header adds."""
    quantity, atoms = column.quantity, column.atoms
    if _IGNORED.search(column.header) and quantity is None:
        return None, row.conditions
    conditions = _with_header(column, row, above)
    context = context_in(column.header) or (int(only(atoms.contexts) or 0) or None)
    sized = quantity in (None, "memory", "cache", "window")
    if context is not None and sized and not _OF_WINDOW.search(column.header):
        conditions = replace(conditions, context=context)
        quantity = None if quantity == "window" and context_in(column.header) else quantity
    whose = column.attributed or bool(_MEASURED.search(column.header) or _ESTIMATED.search(column.header))
    cached = _CACHE_TYPE.fullmatch(column.header) is not None
    if quantity is None and (whose or atoms.quants or atoms.devices or context or cached or atoms.methods):
        quantity = _from_lead(above, "memory" if atoms.quants else None)
    return _settled(quantity, conditions, column, row, above)


def _with_header(column: Column, row: Row, above: Above) -> Conditions:
    """A row's conditions with those that a header names."""
    conditions, atoms = row.conditions, column.atoms
    cached = _CACHE_TYPE.fullmatch(column.header)
    if cached is not None and (not atoms.quants or _OF_CACHE.search(above.words)):
        name = cached[1].lower()
        conditions = replace(conditions, kv_type="f16" if name == "fp16" else name)
    elif atoms.quants:
        conditions = replace(conditions, quant=atoms.quants[0].value)
    if atoms.devices:
        device = atoms.devices[0]
        conditions = replace(conditions, devices=device.subject.ids, device_count=device.count)
    return replace(conditions, method=atoms.methods[0].value) if atoms.methods else conditions


def _settled(
    quantity: Quantity | None, conditions: Conditions, column: Column, row: Row, above: Above
) -> tuple[Quantity | None, Conditions]:
    """What the subject and the words above make of a quantity."""
    if quantity == "memory" and _OF_CACHE.search(column.header):
        quantity = "cache"
    if quantity in ("memory", "file") and (conditions.method or _OF_TRAINING.search(above.words)):
        quantity = "training_memory" if conditions.method else None
    if quantity == "memory" and row.kind == "devices":
        quantity = "device_memory"
    if quantity == "window" and row.label < 0:
        return None, conditions
    if quantity == "training_memory":
        conditions = replace(conditions, loose=False)
    split = _PLACES.search(column.header) and _OFFLOADED.search(above.words)
    return (None if split else quantity), conditions


def _from_lead(above: Above, default: Quantity | None) -> Quantity | None:
    """The quantity that a lead-in announces for columns that name only conditions."""
    for words in (above.lead, above.heading):
        found: list[tuple[int, Quantity]] = []
        for pattern, quantity in (
            (r"tokens? per second|tok(?:ens?)?/s|generation speed", "speed"),
            (r"tensor bytes|file sizes?|sizes? in GB|\bweights\b|download", "file"),
            (r"\bKV cache\b|\bcache\b(?! type)", "cache"),
            (r"\bVRAM\b|GPU memory|\btotals?\b|memory", "memory"),
        ):
            match = re.search(pattern, words, re.IGNORECASE)
            if match is not None:
                found.append((match.start(), quantity))  # type: ignore[arg-type]  # the names above are quantities
        if found:
            return min(found)[1]
    return default


def attributed_above(above: Above, column: Column) -> bool:
    """Whether the lead-in tells that the whole table is somebody else's."""
    if _MEASURED.search(column.header) or "measured" in above.lead.lower():
        return False
    return bool(
        re.search(
            r"\bolder guide'?s? (?:judgment|recommend|table)|\(older guide|\brecorded them\b"
            r"|\bin the older guide\b",
            above.words,
            re.IGNORECASE,
        )
    )
