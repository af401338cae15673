"""Claims in tables: a row names the subject, a column's header the quantity, both and the lead-in the conditions."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from knowledge.claims import cues
from knowledge.claims.amounts import BINARY, Amount, amounts
from knowledge.claims.atoms import Atoms, read_atoms
from knowledge.claims.prose import Place
from knowledge.claims.scene import only
from knowledge.claims.sentences import unmarked
from knowledge.claims.types import Claim, Conditions, Dimension, Quantity, Stated, Subject

_CELL = re.compile(r"(?<!\\)\|")
_HEADERS: tuple[tuple[str, Quantity | None], ...] = (
    (r"per token", "cache_per_token"),
    (r"(?:KV|cache)(?! hit)", "cache"),
    (r"bandwidth|GB/s", "bandwidth"),
    (r"tok(?:en)?s?\s?(?:/|per )\s?s|t/s\b|tps\b|\bspeed\b|generation", "speed"),
    (r"size (?:vs|against|relative|compared|of|claimed|in %)|relative size|real size|% of|vs\.? FP16", "share"),
    (r"bits? (?:per|/) ?(?:weight|param)|\bbpw\b", "bits"),
    (r"\bactive\b", "active_parameters"),
    (r"(?:cost|price|\$|USD).*\bin(?:put)?\b|^input\b|\binput (?:price|cost)|^in$|prompt price", "input_price"),
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
    r"time|iteration|quality|rank|score|best|use|why|note|remark|usable|users?\b|date|release|margin|required for|tokens/example|relative cost"
    r"|headroom|available|free|left|speed-?up|batch|practical|prompt (?:tok|t/s|speed|processing)|prefill|\bpp\b|overhead|compute",
    re.IGNORECASE,
)
_UNITS: dict[Quantity, tuple[Dimension, ...]] = {
    "file": ("bytes",), "memory": ("bytes",), "cache": ("bytes",), "cache_per_token": ("bytes",), "training_memory": ("bytes",),
    "device_memory": ("bytes",), "bandwidth": ("bandwidth",), "speed": ("speed",), "share": ("percent",), "bits": ("bits",),
    "input_price": ("usd",), "output_price": ("usd",), "price": ("usd",), "rent": ("usd",),
    "window": ("tokens",), "parameters": ("params",), "active_parameters": ("params",), "layers": ("layers",), "heads": ("heads",),
    "kv_heads": ("kv_heads",), "vocabulary": ("vocabulary",), "dimensions": ("dimensions",),
}
_UNIT_IN_WORDS = re.compile(r"(?<![\w/])(?P<unit>TiB|GiB|MiB|KiB|TB|GB|MB|KB)(?!/s|\w)")
_SCALES = {"tib": 2.0**40, "gib": 2.0**30, "mib": 2.0**20, "kib": 2.0**10, "tb": 1e12, "gb": 1e9, "mb": 1e6, "kb": 1e3}
_ATTRIBUTED = re.compile(r"\bclaim\w*|\bolder\b|\bstated\b|\blisted\b|\badvertis\w+|\bsaid\b", re.IGNORECASE)
_ESTIMATED = re.compile(r"\bestimat\w+|\best\.|\bnominal\b", re.IGNORECASE)
_MEASURED = re.compile(r"\bmeasured\b|\breal\b|\bactual\b", re.IGNORECASE)
_MACHINES = re.compile(r"\bmachine|\bdevice|\bgpus?\b|\bcards?\b|\bhardware|\bmacs?\b|\bsystem\b|\bcomputer|\baccelerator", re.IGNORECASE)
_NAMES = re.compile(r"\bmodels?\b(?! size| param| context)|\bname\b|\bembedder|\breranker|\bgenerator", re.IGNORECASE)
_BARE = ("count",)


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


def table_claims(lines: Sequence[str], first: int, rows: Sequence[tuple[int, int]], above: Above, place: Place) -> Iterator[Claim]:
    """The claims of a table.

    Args:
        lines: of the file.
        first: index of the header's line, 0-based.
        rows: first and last line index of each row below the header.
        above: what stands over the table.
        place: file, origin and heading; the line is each row's own.
    """
    headers = cells_of(lines[first])
    columns = [_column(header, headers, above) for header in headers]
    for start, _ in rows:
        row = _row(cells_of(lines[start]), columns, above)
        if row is None:
            continue
        here = replace(place, line=start + 1)
        words = " | ".join(cell for cell in row.cells if cell)
        for index, (column, cell) in enumerate(zip(columns, row.cells, strict=False)):
            if index != row.label and cell and (index or row.label >= 0):
                yield from _cell_claims(cell, column, row, above, here, words)


def cells_of(line: str) -> tuple[str, ...]:
    """The cells of a table's line, without Markdown's marks."""
    inner = re.sub(r"^(?:>\s?)*", "", line.strip())
    inner = inner.removeprefix("|")
    inner = inner[:-1] if inner.endswith("|") and not inner.endswith("\\|") else inner
    return tuple(unmarked(cell.replace("\\|", "|").strip()) for cell in _CELL.split(inner))


def _column(header: str, headers: Sequence[str], above: Above) -> Column:
    words = header.strip()
    attributed = bool(_ATTRIBUTED.search(words)) or bool(
        _ESTIMATED.search(words) and any(_MEASURED.search(other) for other in headers)
    )
    quantity = None
    if not _IGNORED.search(words) or re.search(r"vram|file|weights|memory", words, re.IGNORECASE):
        quantity = next((name for pattern, name in _HEADER_PATTERNS if pattern.search(words)), None)
    return Column(words, quantity, read_atoms(words), attributed)


def _row(cells: Sequence[str], columns: Sequence[Column], above: Above) -> Row | None:
    """The row with its subject: the first cell that names a model, an API model, a device, a size or a quantization."""
    read = [read_atoms(cell) for cell in cells]
    first = next((i for i, cell in enumerate(cells) if cell), -1)
    if first < 0:
        return None
    label, kind = -1, ""
    order = sorted(range(min(len(cells), 4)), key=lambda i: i >= len(columns) or not _NAMES.search(columns[i].header))
    for name in ("apis", "models", "devices", "sizes", "quants"):
        for index in order:
            found = getattr(read[index], name)
            if found and _is_label(cells[index], columns[index] if index < len(columns) else None, name) and (
                name != "apis" or _priced(columns, above) or not read[index].models
            ):
                label, kind = index, name
                break
        if kind:
            break
    subjects: tuple[Subject, ...] = ()
    if kind == "quants":
        subjects = tuple(Subject("quant", mark.value, (mark.value,)) for mark in read[label].quants)
    elif kind:
        subjects = tuple(atom.subject for atom in getattr(read[label], kind))
    top = read_atoms(above.heading)
    if kind in ("", "quants", "devices", "sizes") and not (kind == "devices" and _of_devices(columns)):
        models = {atom.subject.ids: atom.subject for atom in (*top.models, *read_atoms(above.lead).models)}
        if len(models) == 1 and kind != "sizes":
            subjects, kind, label = tuple(models.values()), "models", -1 if not kind else label
    if not subjects:
        return None
    return Row(tuple(cells), subjects, kind, label, _conditions(cells, read, columns, label, above))


def _is_label(cell: str, column: Column | None, name: str) -> bool:
    if name == "sizes":
        return bool(re.fullmatch(r"~?\d+(?:\.\d+)?\s?B\+?(?: \w+)?", cell.strip(), re.IGNORECASE)) and (
            column is None or column.quantity not in ("active_parameters",) or True
        )
    return len(cell) < 90 and (column is None or column.quantity not in ("window", "license") or name == "models")


def _priced(columns: Sequence[Column], above: Above) -> bool:
    return any(column.quantity in ("input_price", "output_price", "price") for column in columns)


def _of_devices(columns: Sequence[Column]) -> bool:
    return any(column.quantity == "bandwidth" for column in columns) or not any(column.quantity == "speed" for column in columns)


def _conditions(cells: Sequence[str], read: Sequence[Atoms], columns: Sequence[Column], label: int, above: Above) -> Conditions:
    """What the other cells of a row say: quantization, device, context, method."""
    top = (read_atoms(above.lead), read_atoms(above.heading))
    plain = [i for i in range(len(cells)) if i >= len(columns) or columns[i].quantity in (None, "window", "file") or i == label]
    quants = [m for i in plain for m in read[i].quants if not amounts_of(cells[i])]
    devices = [atom for i in plain for atom in read[i].devices]
    methods = [m for i in plain for m in read[i].methods]
    context = _row_context(cells, columns, label)
    kv_type = next((value for a in top if (value := only(a.kv_types)) is not None), None)
    quant = quants[0].value if quants else next((value for a in top if (value := only(a.quants)) is not None), None)
    if context is None:
        context = next((int(value) for a in top if (value := only(a.contexts)) is not None), None)
    method = methods[0].value if methods else next((value for a in top if (value := only(a.methods)) is not None), None)
    listed = any(_MACHINES.search(column.header) for column in columns)
    above_all = None if listed else next((a.devices[0] for a in top if len({d.subject.ids for d in a.devices}) == 1), None)
    device = devices[0] if devices else above_all
    loose = bool(cues.LOOSE.search(above.words) or cues.LOOSE.search(" ".join(cells)))
    found = Conditions(quant, context, kv_type, method=method, loose=loose)
    return found if device is None else replace(found, devices=device.subject.ids, device_count=device.count)


def amounts_of(cell: str) -> list[Amount]:
    """The figures of a cell that have a unit."""
    return [a for a in amounts(cell) if a.dimension in ("bytes", "speed", "percent", "usd")]


def _row_context(cells: Sequence[str], columns: Sequence[Column], label: int) -> int | None:
    """The context of a row whose first column lists contexts."""
    if columns and cells and columns[0].quantity == "window" and label != 0:
        found = _cell_context(cells[0])
        return found
    return None


def _cell_context(cell: str) -> int | None:
    match = re.fullmatch(r"~?(?P<n>\d[\d,]*(?:\.\d+)?)\s?(?P<k>[kK])?(?: ?(?:tokens?|context|ctx))?", cell.strip())
    if match is None:
        return None
    value = float(match["n"].replace(",", ""))
    tokens = round(value * 1024) if match["k"] else round(value)
    return tokens if 256 <= tokens <= 20_000_000 else None


def _cell_claims(cell: str, column: Column, row: Row, above: Above, place: Place, words: str) -> Iterator[Claim]:
    quantity, conditions = _meaning(column, row, above)
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
    held = read_atoms(cell)
    if held.kv_types and held.kv_types[0].start < amount.end + 20 and not cell[amount.end :].lstrip().startswith("("):
        conditions = replace(conditions, kv_type=held.kv_types[0].value)
    if held.quants:
        conditions = replace(conditions, quant=held.quants[0].value)
    subjects = row.subjects
    if quantity == "window" and cues.EXTENDED.search(words):
        return
    if quantity in ("bits", "share"):
        conditions = replace(conditions, quant=row.conditions.quant or (row.subjects[0].ids[0] if row.kind == "quants" else None))
    for subject in subjects:
        if not _fits(subject, quantity):
            continue
        yield Claim(
            place.file, place.origin, place.heading, place.line, words, amount.words, subject, quantity, figure,
            conditions=conditions, attributed=column.attributed or _attributed(above, column),
            past=False, negated=False,
        )


def _attributed(above: Above, column: Column) -> bool:
    """Whether the lead-in tells that the whole table is somebody else's."""
    if _MEASURED.search(column.header) or "measured" in above.lead.lower():
        return False
    return bool(re.search(r"\bolder guide'?s? (?:judgment|recommend|table)|\(older guide|\brecorded them\b|\bin the older guide\b", above.words, re.IGNORECASE))


def _meaning(column: Column, row: Row, above: Above) -> tuple[Quantity | None, Conditions]:
    """The quantity of a cell, and its conditions with what the header adds."""
    quantity, conditions, atoms = column.quantity, row.conditions, column.atoms
    if _IGNORED.search(column.header) and quantity is None:
        return None, conditions
    context = _cell_context(column.header) or (int(only(atoms.contexts) or 0) or None)
    if atoms.quants:
        conditions = replace(conditions, quant=atoms.quants[0].value)
    elif not atoms.kv_types and (kv := re.fullmatch(r"(f16|fp16|q8_0|q5_[01]|q4_[01])(?: cache)?", column.header, re.IGNORECASE)):
        conditions = replace(conditions, kv_type=kv[1].lower())
    bare = bool(re.fullmatch(r"(?:f16|fp16|q8_0|q4_0)(?: cache)?", column.header, re.IGNORECASE))
    if bare and re.search(r"\bKV\b|\bcache\b", above.words, re.IGNORECASE):
        conditions = replace(row.conditions, kv_type="f16" if column.header.lower().startswith("f") else column.header[:4].lower())
    if atoms.devices:
        conditions = replace(conditions, devices=atoms.devices[0].subject.ids, device_count=atoms.devices[0].count)
    if atoms.methods:
        conditions = replace(conditions, method=atoms.methods[0].value)
    if context is not None and quantity in (None, "memory", "cache", "window") and not re.search(r"window|length|support", column.header, re.I):
        conditions = replace(conditions, context=context)
        quantity = None if quantity == "window" and _cell_context(column.header) else quantity
    only_source = column.attributed or bool(_MEASURED.search(column.header) or _ESTIMATED.search(column.header))
    if quantity is None and (only_source or atoms.quants or atoms.devices or context or bare or atoms.methods):
        quantity = _from_lead(above)
    if quantity == "memory" and re.search(r"\bKV\b|\bcache\b", column.header, re.I):
        quantity = "cache"
    if quantity in ("memory", "file") and (conditions.method or re.search(r"fine-?tun|\btraining\b", above.words, re.I)):
        quantity = "training_memory" if conditions.method else None
    if quantity == "memory" and row.kind == "devices":
        quantity = "device_memory"
    if quantity == "window" and row.label < 0:
        return None, conditions
    if conditions.loose and quantity == "training_memory":
        conditions = replace(conditions, loose=False)
    if re.search(r"GPU|system", column.header) and re.search(r"experts? (?:in|on)|offload|-ngl|layers on", above.words, re.I):
        return None, conditions
    return quantity, conditions


def _from_lead(above: Above) -> Quantity | None:
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
    return None


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
        stated, low=stated.low * scale, high=stated.high * scale, half=stated.half * scale, dimension=dimension,
        scales=(1.0, BINARY[binary]) if binary else (1.0,),
    )


def _bytes_unit(quantity: Quantity, column: Column, above: Above) -> float | None:
    """The unit that the header, or the lead-in for this column's word, gives to bare numbers."""
    own = _UNIT_IN_WORDS.search(column.header)
    if own is not None:
        return _SCALES[own["unit"].lower()]
    word = re.escape(column.header.split()[0]) if column.header else ""
    near = re.search(rf"\b{word}\b(?:\s\w+){{0,2}} in (?P<unit>[GMKT]i?B)\b(?!/s)", above.words, re.IGNORECASE) if word else None
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
    if quantity in ("layers", "heads", "kv_heads", "vocabulary", "dimensions", "parameters", "active_parameters"):
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
            yield Claim(place.file, place.origin, place.heading, place.line, words, cell, subject, "license", None, value,
                        attributed=column.attributed)


def _prices(cell: str, quantity: Quantity, column: Column, row: Row, above: Above, place: Place, words: str) -> Iterator[Claim]:
    scope = f"{column.header} {above.words}"
    money = [a for a in amounts(cell) if a.dimension in ("usd", "count")]
    if not money or not (cues.PER_MILLION.search(scope) or quantity != "price" and any(a.dimension == "usd" for a in money)):
        return
    pair = len(money) == 2 and re.search(r"/|\bin\b|,|and", cell[money[0].end :])
    if len(money) > 2 or (len(money) == 2 and not pair):
        money = money[:1]
    for index, amount in enumerate(money):
        if amount.dimension == "count" and (amount.start > 3 or not re.search(r"\$|USD|dollar|price|cost", scope, re.IGNORECASE)):
            continue
        what: Quantity = quantity if not pair else "output_price" if index else "input_price"
        stated = replace(amount.stated, dimension="usd")
        for subject in row.subjects:
            if subject.kind not in ("api", "model"):
                continue
            whom = subject if subject.kind == "api" else Subject("api", subject.text)
            yield Claim(place.file, place.origin, place.heading, place.line, words, amount.words, whom, what, stated,
                        attributed=column.attributed or _attributed(above, column))
