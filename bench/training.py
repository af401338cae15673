"""Training estimates against published peaks: error and coverage, and what is left out and why.

`python -m bench.training [FOLDER]` takes the rows of FOLDER/finetune_vram.csv instead of the committed ones.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

from bench.training_rows import read_published
from tools.accuracy.placements import SAMPLES, percentile
from tools.accuracy.training import Compared, Row, compare, measured_model, read_rows, request_of
from tools.memory.training import estimate_training
from tools.memory.training_tables import framework_named, tables

MEDIAN_BAR, COVERAGE_BAR = 0.12, 0.80
MIB = 1 << 20
RUNTIMES = tuple(range(0, 2500 * MIB, 100 * MIB))
FACTORS = tuple(n / 20 for n in range(10, 21))
TRAINER = ("transformers", "llama-factory", "axolotl", "deepspeed")


def summary(found: Sequence[Compared]) -> str:
    """Median, 90th percentile and coverage in one line."""
    errors = [item.error for item in found]
    inside = sum(item.inside for item in found) / len(found)
    bias = percentile([item.ratio for item in found], 0.5) - 1
    return (
        f"{len(found):3d} rows: median {percentile(errors, 0.5):5.1%}, p90 {percentile(errors, 0.9):5.1%}, "
        f"inside {inside:4.0%}, median bias {bias:+.1%}"
    )


def _with(row: Row, runtime: int, factor: float | None) -> Compared:
    """The row under another runtime and layer factor than the table's."""
    frameworks, name = tables().frameworks, framework_named(row.framework).name
    kept = frameworks[name]
    shift = runtime - kept.runtime[1]
    frameworks[name] = replace(kept, layer_factor=kept.layer_factor if factor is None else factor)
    try:
        model = measured_model(row.model)
        assert model is not None
        e = estimate_training(model, request_of(row))
    finally:
        frameworks[name] = kept
    return Compared(row, e.total_bytes + shift, e.low_bytes, e.high_bytes)


@cache
def _fit(rows: tuple[Row, ...], fits_factor: bool) -> tuple[int, float | None]:
    """The runtime and layer factor of one group of frameworks with the smallest mean error over the rows."""
    best: tuple[float, int, float | None] = (float("inf"), 0, None)
    for factor in FACTORS if fits_factor else (None,):
        base = [_with(row, 0, factor) for row in rows]
        for runtime in RUNTIMES:
            wrong = sum(abs((c.given + runtime) / int(c.row.peak_bytes) - 1) for c in base) / len(base)
            best = min(best, (wrong, runtime, factor), key=lambda item: item[0])
    return best[1], best[2]


def _group(row: Row) -> str:
    """Frameworks that share one fitted runtime."""
    name = framework_named(row.framework).name
    return "trainer" if name in TRAINER else name


def held_out(rows: Sequence[Row], key: Callable[[Row], str]) -> list[Compared]:
    """Every row estimated with constants that were fitted without its group of rows.

    A framework that is left out altogether gets the runtime of all others and no layer factor.
    """
    found = []
    for value in sorted({key(row) for row in rows}):
        for group in sorted({_group(row) for row in rows if key(row) == value}):
            mine = [row for row in rows if key(row) == value and _group(row) == group]
            rest = tuple(row for row in rows if key(row) != value and _group(row) == group)
            own = framework_named(mine[0].framework).layer_factor != 1
            if rest:
                runtime, factor = _fit(rest, own)
            else:
                runtime, _ = _fit(tuple(row for row in rows if key(row) != value), False)
                factor = 1.0
            found += [_with(row, runtime, factor) for row in mine]
    return found


def run(folder: Path | None = None) -> None:
    """Prints errors by method, framework and model, the worst rows and the rows left out."""
    rows = (
        read_rows(SAMPLES / "training.csv")
        if folder is None
        else read_published(folder / "finetune_vram.csv")
    )
    found, left = compare(rows)
    errors = [item.error for item in found]
    inside = sum(item.inside for item in found) / len(found)
    met = percentile(errors, 0.5) <= MEDIAN_BAR and inside >= COVERAGE_BAR
    print(f"all {summary(found)} ({'meets' if met else 'misses'} {MEDIAN_BAR:.0%} and {COVERAGE_BAR:.0%})")
    rows = [item.row for item in found]
    print(f"constants fitted without the row's model:     {summary(held_out(rows, lambda r: r.model))}")
    print(f"constants fitted without the row's framework: {summary(held_out(rows, _group))}")
    plain = [replace(r, framework="transformers") if r.framework == "deepspeed" else r for r in rows]
    print(f"DeepSpeed's rows as plain Transformers:       {summary(compare(plain)[0])}")
    for name in ("method", "framework", "model"):
        groups: dict[str, list[Compared]] = defaultdict(list)
        for item in found:
            groups[getattr(item.row, name)].append(item)
        for value, group in sorted(groups.items()):
            print(f"  {name} {value:36s} {summary(group)}")
    for item in sorted(found, key=lambda item: -item.error)[:5]:
        r = item.row
        size = f"{r.sequence_length} x {r.micro_batch_size}"
        print(f"  worst: {r.model} {r.method} {r.framework} {size}: {item.ratio:.2f}")
    for reason, count in left.most_common():
        print(f"  left out {count:3d}: {reason}")


if __name__ == "__main__":
    run(Path(sys.argv[1]) if len(sys.argv) > 1 else None)
