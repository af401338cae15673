"""Benchmark rows, with repeated words stored once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

COLUMNS = ("model", "hf_id", "benchmark", "unit", "setting", "source", "as_of")


def pack_benchmarks(rows: Iterable[Mapping[str, str]]) -> dict[str, object]:
    """Word lists by column, and one array a row: numbers of words, then score and two flags."""
    words: dict[str, dict[str, int]] = {column: {} for column in COLUMNS}
    packed = []
    for row in rows:
        numbers = [words[column].setdefault(row[column], len(words[column])) for column in COLUMNS]
        score = float(row["score"])
        higher, independent = row["higher_is_better"] == "yes", row["run_by"] == "independent"
        packed.append([*numbers, int(score) if score.is_integer() else score, int(higher), int(independent)])
    return {"columns": [*COLUMNS, "score", "higher_is_better", "independent"]} | {
        "words": {column: list(texts) for column, texts in words.items()},
        "rows": packed,
    }
