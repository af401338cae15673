"""`models`, `gpus`, `hardware`, `benchmarks` and `compare` as text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tui.age_text import age_lines
from tui.glyphs import glyphs
from tui.output import bold, bullets, known, section, size, table, wrapped
from tui.plaintext import clean, tokens
from tui.refresh_text import refreshed_lines
from tui.side_by_side import BENCHMARKS, Row, read_side_by_side

Document = Mapping[str, Any]
SHARED_SHOWN = 12


def _counted(count: int, what: str) -> str:
    """`1 model`, `1,087 models`."""
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def _billions(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.3g}B"


def models_lines(document: Document, why: bool) -> list[str]:
    """The answer of `models list`."""
    rows = [
        [
            model["model_id"] + (" (added)" if model["added"] else ""),
            model["kind"],
            _billions(model["params_b"]),
            tokens(model["context_length"]),
            known(model["license"]),
            known(model["commercial_use"]),
        ]
        for model in document["models"]
    ]
    head = ["model", "kind", "size", "context", "license", "commercial"]
    lines = [*table(rows, head, right=[2, 3], whole=[0]), "", _counted(document["count"], "model")]
    return lines + age_lines(document, warn=True)


def model_lines(document: Document, why: bool) -> list[str]:
    """The answer of `models show`."""
    from tui.license_text import license_lines

    standings = document.get("standings") or []
    lines = _record(document, document["model_id"], why) + refreshed_lines(document)
    for standing in standings:
        lines += ["", *wrapped(clean(standing["line"]))]
    terms = document.get("license_terms")
    lines += license_lines(terms) if terms else []
    shells = (f"{line['label']}: {line['shell']}" for line in document["commands"])
    lines += section("How to get it", bullets(shells))
    evidence = (
        f"{newer['model']}: {row['source']} ({row['locator']})"
        for standing in standings
        for newer in standing["by"]
        for row in newer["evidence"]
    )
    lines += section("What it is compared by", bullets(dict.fromkeys(map(clean, evidence)))) if why else []
    return lines + age_lines(document, warn=True)


def gpus_lines(document: Document, why: bool) -> list[str]:
    """The answer of `gpus list`."""
    rows = [
        [
            gpu["name"],
            gpu["cls"],
            _memory(gpu),
            known(gpu["bandwidth_gbs"]),
            known(gpu["fp16_tflops"]),
        ]
        for gpu in document["gpus"]
    ]
    head = ["accelerator", "class", "memory GB", "GB/s", "FP16 TFLOPS"]
    lines = [*table(rows, head, right=[2, 3, 4]), "", _counted(document["count"], "accelerator")]
    return lines + age_lines(document, warn=True)


def _memory(gpu: Document) -> str:
    if gpu["memory_options_gb"]:
        return "/".join(f"{option:g}" for option in gpu["memory_options_gb"])
    return known(gpu["memory_gb"])


def gpu_lines(document: Document, why: bool) -> list[str]:
    """The answer of `gpus show`."""
    return _record(document, document["name"], why) + age_lines(document, warn=True)


BESIDE = frozenset(
    [
        "sources",
        "note",
        "standings",
        "model",
        "model_id",
        "id",
        "name",
        "as_of",
        "source",
        "refreshed",
        "license_terms",
        "commands",
        "facts",
        "caveats",
    ]
)
"""Keys that are no field of the record, or are told in other words."""


def _record(document: Document, title: str, why: bool) -> list[str]:
    """A record's known fields, then what is not known, then where it comes from."""
    rows = [
        [key.replace("_", " "), _plain(value)]
        for key, value in document.items()
        if key not in BESIDE and value not in (None, [], {}, "")
    ]
    unknown = [
        key.replace("_", " ") for key, value in document.items() if value is None and key not in BESIDE
    ]
    lines = [bold(clean(title)), "", *table(rows)]
    if unknown:
        lines += ["", *wrapped(f"Not known: {', '.join(unknown)}.")]
    source = document.get("source") or (document.get("sources") or {}).get("*")
    lines += ["", *wrapped(f"As of {document.get('as_of', 'unknown')}, from {source or 'unknown'}.")]
    if why:
        fields = document.get("sources") or {}
        lines += section("Sources", bullets(f"{key}: {text}" for key, text in fields.items() if key != "*"))
    return lines


def _plain(value: object) -> str:
    if isinstance(value, Mapping):
        return "; ".join(
            f"{key.replace('_', ' ')} {_plain(part)}"
            for key, part in value.items()
            if part not in (None, [], {}, "")
        )
    if isinstance(value, list | tuple):
        if len(value) > 8 and all(isinstance(part, bool) for part in value):
            return f"{sum(value)} of {len(value)} layers"
        return ", ".join(_plain(part) for part in value)
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return known(value)


def hardware_lines(document: Document, why: bool) -> list[str]:
    """The answer of `hardware`."""
    lines = wrapped(document["summary"])
    rows = [
        [
            device["name"],
            device["kind"],
            size(device["memory_bytes"]),
            size(device["free_bytes"]),
            size(device["reserve_bytes"]),
            size(device["usable_bytes"]),
            known(device["bandwidth_gbs"], " GB/s"),
            known(device["fp16_tflops"], " TFLOPS"),
        ]
        for device in document["devices"]
    ]
    counts: dict[tuple[str, ...], int] = {}
    for row in rows:
        counts[tuple(row)] = counts.get(tuple(row), 0) + 1
    alike = [[f"{count} x {row[0]}" if count > 1 else row[0], *row[1:]] for row, count in counts.items()]
    head = ["name", "kind", "memory", "free now", "reserve", "usable", "bandwidth", "FP16"]
    lines += section("Accelerators", table(alike, head))
    lines += section("Memory and disk", table(_memory_rows(document)))
    return lines + section("Note", bullets([*document["assumptions"], *document["notes"]]))


def _memory_rows(document: Document) -> list[list[str]]:
    """System memory, disk, and what is kept free of them, with the reason."""
    rows = [["system memory", size(document["ram_bytes"])]]
    if document["ram_available_bytes"] is not None:
        rows.append(["not in use now", size(document["ram_available_bytes"])])
    if document["ram_reserve_bytes"] is not None:
        rows.append(
            ["kept of it", f"{size(document['ram_reserve_bytes'])} ({document['ram_reserve_reason']})"]
        )
    reasons = dict.fromkeys(
        f"{size(device['reserve_bytes'])} on {device['name']} ({device['reserve_reason']})"
        for device in document["devices"]
    )
    rows += [["kept free", text] for text in reasons]
    if document["disk_free_bytes"] is not None:
        rows.append(["free disk", f"{size(document['disk_free_bytes'])} at {document['disk_folder']}"])
    return rows


def benchmarks_lines(document: Document, why: bool) -> list[str]:
    """The answer of `benchmarks`."""
    rows = [
        [
            result["benchmark"],
            f"{result['score']:g}",
            result["unit"] + ("" if result["higher_is_better"] else ", lower is better"),
            result["setting"],
            result["run_by"],
            result["as_of"],
        ]
        for result in document["results"]
    ]
    lines = [bold(clean(document["model_id"])), ""]
    lines += table(rows, ["benchmark", "score", "unit", "setting", "run by", "date"], right=[1])
    doubted = (f"{r['benchmark']}: {', '.join(r['doubts'])}" for r in document["results"] if r["doubts"])
    lines += section("Counts little in a choice", bullets(dict.fromkeys(doubted)))
    if why:
        boards = (
            f"{board['name']}: {board['measures']} Contamination: {board['contamination']}"
            for board in document["boards"]
        )
        lines += section("What they measure", bullets(boards))
        lines += section(
            "Sources", bullets(dict.fromkeys(result["source"] for result in document["results"]))
        )
    else:
        lines += [
            "",
            *wrapped("Compare only scores of one benchmark, setting and source; --why shows sources."),
        ]
    return lines + age_lines(document, warn=True)


def compare_lines(document: Document, why: bool) -> list[str]:
    """The answer of `compare`: one column a model."""
    view = read_side_by_side(document)
    sign = glyphs().best
    rows = [row for row in view.rows if row.group != BENCHMARKS]
    scores = [row for row in view.rows if row.group == BENCHMARKS]
    lines = [*wrapped(view.where), ""]
    lines += table([[row.label, *_marked(row, sign)] for row in rows], ["", *view.names])
    lines += ["", *wrapped(f"{sign} marks the best of a line.")]
    noted = ((model["model"], _corrected(model.get("speed"))) for model in document["models"])
    beside = (f"{name}: {note}" for name, note in noted if note)
    lines += section("Speed, by what was measured on this machine", bullets(beside))
    if "verdict" in document:
        lines += ["", *wrapped(clean(document["verdict"]["text"]))]
    lines += _shared(document, scores, sign, why)
    return lines + section("Note", bullets(document["caveats"])) + age_lines(document)


def _corrected(speed: Document | None) -> str:
    """Measurement and estimate side by side; empty where nothing that was measured here counts."""
    return clean(speed.get("note") or "") if speed else ""


def _marked(row: Row, sign: str) -> list[str]:
    """The cells of a row, a sign before the best ones."""
    best = row.best
    lead = " " * (len(sign) + 1) if best else ""
    return [f"{sign} {cell.text}" if at in best else lead + cell.text for at, cell in enumerate(row.cells)]


def _shared(document: Document, rows: Sequence[Row], sign: str, why: bool) -> list[str]:
    shared = document["benchmarks"]
    names = [model["model"] for model in document["models"]]
    grid = [
        [told["benchmark"], told["setting"], *_marked(row, sign), told["run_by"]]
        for told, row in zip(shared, rows, strict=True)
    ]
    shown = grid if why else grid[:SHARED_SHOWN]
    lines = section(BENCHMARKS, table(shown, ["benchmark", "setting", *names, "run by"]))
    if not shared:
        lines += ["", *wrapped("No benchmark has two of them in the same setting and from the same source.")]
    elif len(shared) > len(shown):
        lines += wrapped(f"and {len(shared) - len(shown)} more; --why shows them all", "  ", "  ")
    return lines
