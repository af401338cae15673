"""Published scores of models, and what each board measures."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TypedDict, cast

from pydantic import TypeAdapter
from pydantic_core import from_json

from knowledge.catalog.records import BenchmarkResult, Board


class _Packed(TypedDict):
    columns: list[str]
    words: dict[str, list[str]]
    rows: list[list[float]]


class Benchmarks:
    """Scores by model id or by the name a board lists."""

    def __init__(self, results: Path, boards: Path) -> None:
        self._results = results
        self._boards = boards

    @cached_property
    def _packed(self) -> _Packed:
        return cast("_Packed", from_json(self._results.read_bytes()))

    def _index(self, column: str) -> dict[str, list[int]]:
        packed = self._packed
        place, words = packed["columns"].index(column), packed["words"][column]
        found: dict[str, list[int]] = {}
        for number, row in enumerate(packed["rows"]):
            word = words[int(row[place])]
            if word:
                found.setdefault(word.lower(), []).append(number)
        return found

    @cached_property
    def _by_id(self) -> dict[str, list[int]]:
        return self._index("hf_id")

    @cached_property
    def _by_name(self) -> dict[str, list[int]]:
        return self._index("model")

    @cached_property
    def _places(self) -> dict[str, int]:
        return {column: place for place, column in enumerate(self._packed["columns"])}

    def _result(self, number: int) -> BenchmarkResult:
        """One row, not validated again: the tests validate every row of the shipped table."""
        row, at, words = self._packed["rows"][number], self._places, self._packed["words"]
        return BenchmarkResult(
            benchmark=words["benchmark"][int(row[at["benchmark"]])],
            score=float(row[at["score"]]),
            unit=words["unit"][int(row[at["unit"]])],
            higher_is_better=bool(row[at["higher_is_better"]]),
            setting=words["setting"][int(row[at["setting"]])],
            source=words["source"][int(row[at["source"]])],
            as_of=words["as_of"][int(row[at["as_of"]])],
            run_by="independent" if row[at["independent"]] else "vendor",
        )

    def for_model(self, model_id: str) -> tuple[BenchmarkResult, ...]:
        """Scores of a catalog model, in the order of the table."""
        return tuple(self._result(number) for number in self._by_id.get(model_id.lower(), ()))

    def for_name(self, name: str) -> tuple[BenchmarkResult, ...]:
        """Scores under the name that a board lists (`GPT-5 (high)`), in any case."""
        return tuple(self._result(number) for number in self._by_name.get(name.lower(), ()))

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Model names as the boards list them."""
        return tuple(self._packed["words"]["model"])

    @cached_property
    def _notes(self) -> tuple[Board, ...]:
        return TypeAdapter(tuple[Board, ...]).validate_json(self._boards.read_bytes())

    def boards(self) -> tuple[Board, ...]:
        """What each benchmark measures, how far to trust it, and what to use it for."""
        return self._notes

    def board_of(self, benchmark: str) -> Board | None:
        """The entry that a benchmark name belongs to: the one with the longest beginning of the name."""
        fits = [
            (len(start), board)
            for board in self._notes
            for start in board.benchmarks
            if benchmark.startswith(start)
        ]
        return max(fits, key=lambda pair: pair[0])[1] if fits else None
