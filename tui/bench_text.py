"""What was measured, as text: a table of points, measurement beside estimate, and the runs that are kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tools.measuring.events import Began, Working
from tui.output import bold, bullets, rows_stay_whole, section, size, table, width, wrapped
from tui.plaintext import clean

Document = Mapping[str, Any]
STOPPED = {
    "interrupted": "interrupted: what was measured until then is here",
    "failed": "the server failed: what was measured until then is here",
    "seconds": "the budget of time ended it",
}
WIDE = 100
"""Columns from which intervals stand beside their medians."""
SHORT = 0.1
"""Seconds below which hundredths say too little."""
NARROW = 76
"""Columns below which a table has no room."""
QUANTITIES = {
    "generation": "generation, each",
    "prompt": "prompt",
    "together": "generation, all",
}


def bench_lines(document: Document, why: bool) -> list[str]:
    """The lines of any document of `bench`."""
    if "runs" in document:
        return _runs(document)
    if "comparisons" in document:
        return [line for found in document["comparisons"] for line in _compared(found)][1:]
    if "forgotten" in document:
        return [f"{document['forgotten']} removed, {document['left']} left."]
    lines = _head(document)
    if document["points"]:
        lines += ["", *_points(document["points"])]
        if document["prompt"]:
            lines += ["", *wrapped(_prompt(document["prompt"]))]
        lines += section("By the server's own clock, tokens per second", _stated(document["points"]))
        lines += ["", *wrapped(_interval(document))]
    lines += ["", *bullets(document["notes"])] if document["notes"] else []
    lines += section("How it is measured", bullets(document["method"])) if why else []
    if "comparison" in document:
        lines += _compared(document["comparison"])
    if document["saved"]:
        kept = "as this machine's calibration" if document["calibrates"] else "for comparison"
        lines += ["", *wrapped(f"Kept {kept}; `llm-advisor bench --list` shows all.")]
    return lines


def _head(document: Document) -> list[str]:
    server = document["server"]
    engine = f"{server['engine']} {server['version'] or ''}".strip()
    parts = [engine if server["engine"] != "unknown" else "engine unknown", f"at {server['address']}"]
    parts += [document["quant"]] if document["quant"] else []
    parts += [f"context {document['context']:,}"] if document["context"] else []
    lines = [
        bold(clean(f"{document['model']}: measured")),
        *wrapped(", ".join(parts), indent="  ", first="  "),
    ]
    if server["local"]:
        lines += wrapped(document["machine"]["name"], indent="  ", first="  ")
    if document["stopped"]:
        lines += wrapped(f"Not all of it: {STOPPED[document['stopped']]}.", indent="  ", first="  ")
    if document["load"]:
        lines.append(f"  Cold load {document['load']['seconds']:.2f} s, not in the times below")
    if memory := document["memory"]:
        lines += wrapped(_memory(memory), indent="  ", first="  ")
    return lines


def _memory(memory: Document) -> str:
    parts = []
    if memory["accelerator_bytes"] is not None:
        parts.append(f"Memory {size(memory['accelerator_bytes'])} on accelerators")
    if memory["host_bytes"]:
        parts.append(f"{size(memory['host_bytes'])} in system memory")
    told = ", ".join(parts) + (f" ({memory['source']})" if parts and memory["source"] else "")
    used = memory["cards_used_bytes"]
    cards = f"all programs together hold {size(used)} on the cards (NVML)" if used is not None else ""
    return "; ".join(part for part in (told, cards) if part)


def _points(points: Sequence[Document]) -> list[str]:
    rows = [
        [
            f"{point['prompt_tokens']:,}",
            point["parallel"],
            _spread(point["first_token_s"], seconds=True),
            _spread(point["prompt_tps"]),
            _spread(point["generation_tps"]),
            _spread(point["total_tps"]) if point["parallel"] > 1 else "",
        ]
        for point in points
    ]
    head = ("length", "at once", "first token", "prompt", "generation", "together")
    several = any(point["parallel"] > 1 for point in points)
    count = len(head) if several else len(head) - 1
    lines = wrapped("Seconds to the first token; prompt, generation and all together in tokens per second:")
    if _is_narrow():
        lines += bullets(_sentence(row, head) for row in rows)
    else:
        lines += table(_stacked([row[:count] for row in rows]), head[:count], right=range(count))
    thought = [point for point in points if point["reasoning_tokens"] and point["first_visible_s"]]
    for point in thought:
        lines += wrapped(
            f"prompt {point['prompt_tokens']:,}, {point['parallel']} at once: {point['reasoning_tokens']} "
            f"tokens of reasoning; the answer began after {point['first_visible_s']['mid']:.2f} s",
            indent="    ",
            first="  ",
        )
    return lines


def _prompt(prompt: Document) -> str:
    return (
        f"Shortest and longest prompt together: {_spread(prompt['tps'])} tokens/s of prompt, beside "
        f"{_spread(prompt['fixed_s'], seconds=True)} s that every request waits."
    )


def _is_narrow() -> bool:
    return not rows_stay_whole() and width() < NARROW


def _sentence(row: Sequence[object], head: Sequence[str]) -> str:
    """A row of a table where there is no room for one: `128 tokens, 4 at once: first token 0.12, ...`."""
    told = (f"{name} {cell}" for name, cell in zip(head[2:], row[2:], strict=True) if cell != "")
    return f"{row[0]} tokens, {row[1]} at once: {', '.join(told)}"


def _is_wide() -> bool:
    return rows_stay_whole() or width() >= WIDE


def _stacked(rows: Sequence[Sequence[object]]) -> list[list[str]]:
    """On a narrow terminal the intervals stand below their medians."""
    if _is_wide():
        return [[str(cell) for cell in row] for row in rows]
    found: list[list[str]] = []
    for row in rows:
        parts = [str(cell).removesuffix(")").partition(" (") for cell in row]
        found.append([before for before, _, _ in parts])
        if any(between for _, between, _ in parts):
            found.append([after for _, _, after in parts])
    return found


def _spread(found: Document | None, *, seconds: bool = False) -> str:
    """Median with its interval: `59.9 (58.1-61.0)`; seconds with two decimals, short ones with three."""
    if found is None:
        return "unknown"
    digits = (3 if found["mid"] < SHORT else 2) if seconds else None
    low, mid, high = (_figure(found[key], digits) for key in ("low", "mid", "high"))
    return mid if low == high else f"{mid} ({low}-{high})"


def _figure(value: float, digits: int | None = None) -> str:
    if digits is None:
        digits = 0 if value >= 100 else 1 if value >= 10 else 2
    return f"{value:,.{digits}f}"


def _stated(points: Sequence[Document]) -> list[str]:
    rows = [
        [
            f"{point['prompt_tokens']:,}",
            point["parallel"],
            _spread(point["server_stated"]["prompt_tps"]),
            _spread(point["server_stated"]["generation_tps"]),
        ]
        for point in points
        if any(point["server_stated"].values())
    ]
    head = ("length", "at once", "prompt", "generation")
    return table(_stacked(rows), head, right=range(len(head))) if rows else []


def _interval(document: Document) -> str:
    rounds = {point["rounds"] for point in document["points"]}
    confidence = document["interval"]["confidence"]
    told = f"Medians of {min(rounds)} to {max(rounds)} repeats" if len(rounds) > 1 else ""
    told = told or ("Medians of " + (f"{max(rounds)} repeats" if max(rounds) > 1 else "one measurement each"))
    if confidence:
        method = document["interval"]["method"]
        told += f", with the interval that holds the true median in {confidence:.0%} of cases ({method})"
    return told + ". Times are those that a person waits; the cold load and the warm-up are not in them."


def _compared(found: Document) -> list[str]:
    engine = "an unknown engine" if found["engine"] == "unknown" else found["engine"]
    title = f"{found['model']}{' ' + found['quant'] if found['quant'] else ''} on {engine}"
    title += f", measured here on {found['measured_at'][:10]}, beside the estimate"
    lines = ["", *map(bold, wrapped(title))]
    rows = [
        [
            QUANTITIES[row["quantity"]],
            f"{row['prompt_tokens']:,}",
            row["parallel"],
            _spread(row["measured"]) if _is_wide() else _figure(row["measured"]["mid"]),
            _estimate(row["estimate"]),
            f"x{_figure(row['factor'])}" if row["factor"] else "",
        ]
        for row in found["speeds"]
    ]
    head = ("tokens per second", "length", "at once", "measured", "estimated", "factor")
    if _is_narrow():
        lines += bullets(f"{speed}: {_sentence(row, head[1:])}" for speed, *row in rows)
    else:
        lines += table(rows, head, right=(1, 2, 3, 4, 5))
    others = [
        [
            QUANTITIES[row["quantity"]],
            row["quant"],
            row["engine"],
            f"{row['prompt_tokens'] or row['depth']:,} tokens",
            f"{row['parallel']} at once",
            f"{_figure(row['tokens_per_second'])} tok/s",
            row["source"],
        ]
        for row in found["published"]
    ]
    if not _is_wide():
        told = [f"{speed}: {', '.join(map(str, more))}" for speed, *more in others]
        return lines + section("Published for the same model and device", bullets(told)) + _note(found)
    titles = ("tokens per second", "format", "engine", "length", "at once", "published", "source")
    lines += section("Published for the same model and device", table(others, titles, right=(3, 4, 5)))
    return lines + _note(found)


def _note(found: Document) -> list[str]:
    return ["", *wrapped(found["note"])] if found["note"] else []


def _estimate(found: Document | None) -> str:
    """An estimate is a range that begins with `about`; a measurement is a figure."""
    return "none" if found is None else f"about {_figure(found['low'])} to {_figure(found['high'])}"


def _runs(document: Document) -> list[str]:
    if not document["runs"]:
        return wrapped("Nothing was measured yet. For example: llm-advisor bench llama3.1:8b.")
    rows = []
    for run in document["runs"]:
        single = next((point for point in run["points"] if point["parallel"] == 1), run["points"][0])
        speed = single.get("generation_tps")
        where = "this machine" if run["this_machine"] else "another machine"
        rows.append(
            [
                run["measured_at"][:19],
                run["served_as"],
                run.get("quant") or "",
                run["engine"],
                _figure(speed["mid"]) if speed else "unknown",
                where if run["local"] else f"server {run['server']}",
                "whole" if run["complete"] else "broken off",
            ]
        )
    head = ("measured", "model", "format", "engine", "generation tok/s", "where", "state")
    return table(rows, head, right=(4,), whole=(0,))


def began_text(event: Began) -> str:
    """What is going to be measured, and what it may cost."""
    many = f"{event.requests} request{'' if event.requests == 1 else 's'}"
    told = f"Measuring {event.served_as} at {event.label}: {many} after a warm-up."
    if event.most_usd is None:
        return f"{told} It goes to a provider over the network, and what it costs is not known."
    if event.most_usd:
        return f"{told} It goes to a provider over the network and costs at most about ${event.most_usd:.4f}."
    return told


def working_text(event: Working) -> str:
    """What is being done now."""
    if event.phase == "load":
        return "loading the model"
    if event.phase == "warm-up":
        return "warming up"
    left = "" if event.seconds_left is None else f"{event.seconds_left:.0f} s left, "
    return f"{left}{event.length:,} tokens" + (f" x{event.parallel}" if event.parallel > 1 else "")
