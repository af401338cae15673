"""Claims in tables: a row names the subject, a header the quantity, both and the lead-in the conditions."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from knowledge.claims import cues
from knowledge.claims.amounts import Amount, amounts
from knowledge.claims.atoms import Atoms, read_atoms
from knowledge.claims.cells import cell_claims
from knowledge.claims.columns import Above, Column, Row, column_of, context_in, quantity_of
from knowledge.claims.said import Place
from knowledge.claims.scene import only
from knowledge.claims.sentences import unmarked
from knowledge.claims.types import Claim, Conditions, Subject

_CELL = re.compile(r"(?<!\\)\|")


_MACHINES = re.compile(
    r"\bmachine|\bdevice|\bgpus?\b|\bcards?\b|\bhardware|\bmacs?\b|\bsystem\b|\bcomputer|\baccelerator",
    re.IGNORECASE,
)


_NAMES = re.compile(
    r"\bmodels?\b(?! size| param| context)|\bname\b|\bembedder|\breranker|\bgenerator", re.IGNORECASE
)


def table_claims(
    lines: Sequence[str], first: int, rows: Sequence[tuple[int, int]], above: Above, place: Place
) -> Iterator[Claim]:
    """The claims of a table.

    Args:
        lines: of the file.
        first: index of the header's line, 0-based.
        rows: first and last line index of each row below the header.
        above: what stands over the table.
        place: file, origin and heading; the line is each row's own.
    """
    headers = cells_of(lines[first])
    if _is_transposed(headers, [cells_of(lines[start]) for start, _ in rows]):
        headers, turned = _turned(lines, headers, rows)
        yield from _rows_claims(headers, turned, above, place)
        return
    numbered = [(start + 1, cells_of(lines[start])) for start, _ in rows]
    yield from _rows_claims(
        headers, [(line, cells, (line,) * len(cells)) for line, cells in numbered], above, place
    )


Numbered = tuple[int, tuple[str, ...], tuple[int, ...]]
"""A row's line, its cells, and the line of each cell."""


def _is_transposed(headers: Sequence[str], rows: Sequence[tuple[str, ...]]) -> bool:
    """Whether the columns are models and the rows what is said of them."""
    named = [read_atoms(header) for header in headers[1:]]
    if not named or read_atoms(headers[0]).models:
        return False
    if not any(_names_one(a) for a in named):
        return False
    titles = [cells[0] for cells in rows if cells]
    return any(quantity_of(title) for title in titles) and not any(read_atoms(t).devices for t in titles)


def _names_one(atoms: Atoms) -> bool:
    return len(atoms.models) == 1 or len(atoms.apis) == 1


def _turned(
    lines: Sequence[str], headers: Sequence[str], rows: Sequence[tuple[int, int]]
) -> tuple[tuple[str, ...], list[Numbered]]:
    """The same table with a row for each model."""
    cells = [(start + 1, cells_of(lines[start])) for start, _ in rows]
    titles = ("model", *(row[0] if row else "" for _, row in cells))
    turned: list[Numbered] = []
    for index, name in enumerate(headers[1:], 1):
        if not _names_one(read_atoms(name)):
            continue  # a column of remarks
        held = tuple(row[index] if index < len(row) else "" for _, row in cells)
        turned.append((cells[0][0] if cells else 0, (name, *held), (0, *(line for line, _ in cells))))
    return titles, turned


def _rows_claims(
    headers: Sequence[str], rows: Sequence[Numbered], above: Above, place: Place
) -> Iterator[Claim]:
    columns = [column_of(header, headers, above) for header in headers]
    for _, cells, places in rows:
        row = _row(cells, columns, above)
        if row is None:
            continue
        words = " | ".join(cell for cell in row.cells if cell)
        for index, (column, cell) in enumerate(zip(columns, row.cells, strict=False)):
            if index != row.label and cell and (index or row.label >= 0):
                yield from cell_claims(cell, column, row, above, replace(place, line=places[index]), words)


def cells_of(line: str) -> tuple[str, ...]:
    """The cells of a table's line, without Markdown's marks."""
    inner = re.sub(r"^(?:>\s?)*", "", line.strip())
    inner = inner.removeprefix("|")
    inner = inner[:-1] if inner.endswith("|") and not inner.endswith("\\|") else inner
    return tuple(unmarked(cell.replace("\\|", "|").strip()) for cell in _CELL.split(inner))


def _row(cells: Sequence[str], columns: Sequence[Column], above: Above) -> Row | None:
    """The row with its subject: the first cell that names a model, a device, a size or a quantization."""
    read = [read_atoms(cell) for cell in cells]
    first = next((i for i, cell in enumerate(cells) if cell), -1)
    if first < 0:
        return None
    label, kind = -1, ""
    order = sorted(
        range(min(len(cells), 4)), key=lambda i: i >= len(columns) or not _NAMES.search(columns[i].header)
    )
    for name in ("apis", "models", "devices", "sizes", "quants"):
        for index in order:
            found = getattr(read[index], name)
            if (
                found
                and _is_label(cells[index], columns[index] if index < len(columns) else None, name)
                and (name != "apis" or _priced(columns, above) or not read[index].models)
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
    return len(cell) < 90 and (
        column is None or column.quantity not in ("window", "license") or name == "models"
    )


def _priced(columns: Sequence[Column], above: Above) -> bool:
    return any(column.quantity in ("input_price", "output_price", "price") for column in columns)


def _of_devices(columns: Sequence[Column]) -> bool:
    return any(column.quantity == "bandwidth" for column in columns) or not any(
        column.quantity == "speed" for column in columns
    )


def _conditions(
    cells: Sequence[str], read: Sequence[Atoms], columns: Sequence[Column], label: int, above: Above
) -> Conditions:
    """What the other cells of a row say: quantization, device, context, method."""
    top = (read_atoms(above.lead), read_atoms(above.heading))
    plain = [
        i
        for i in range(len(cells))
        if i >= len(columns) or columns[i].quantity in (None, "window", "file") or i == label
    ]
    quants = [m for i in plain for m in read[i].quants if not amounts_of(cells[i])]
    devices = [atom for i in plain for atom in read[i].devices]
    methods = [m for i in plain for m in read[i].methods]
    context = _row_context(cells, columns, label)
    kv_type = next((value for a in top if (value := only(a.kv_types)) is not None), None)
    quant = (
        quants[0].value
        if quants
        else next((value for a in top if (value := only(a.quants)) is not None), None)
    )
    if context is None:
        context = next((int(value) for a in top if (value := only(a.contexts)) is not None), None)
    method = (
        methods[0].value
        if methods
        else next((value for a in top if (value := only(a.methods)) is not None), None)
    )
    listed = any(_MACHINES.search(column.header) for column in columns)
    above_all = (
        None
        if listed
        else next((a.devices[0] for a in top if len({d.subject.ids for d in a.devices}) == 1), None)
    )
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
        return context_in(cells[0])
    return None
