"""Published scores of models, and what each board measures."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TypedDict, cast

from pydantic import TypeAdapter
from pydantic_core import from_json

from knowledge.catalog.overlay import ScoreChange
from knowledge.catalog.records import BenchmarkResult, Board


class _Packed(TypedDict):
    columns: list[str]
    words: dict[str, list[str]]
    rows: list[list[float]]


def board_of(result: BenchmarkResult | ScoreChange) -> str:
    """Scores are comparable inside one benchmark, setting and source (of any commit) only."""
    return f"{result.benchmark}|{result.setting}|{result.source.split('@')[0]}"


class Benchmarks:
    """Scores by model id or by the name a board lists.

    A refreshed score takes the place of the bundled one of the same board while it is newer.
    """

    def __init__(self, results: Path, boards: Path, refreshed: tuple[ScoreChange, ...] = ()) -> None:
        self._results = results
        self._boards = boards
        self._refreshed = refreshed

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
        """Scores of a catalog model, in the order of the table, refreshed ones last."""
        newer = self._newer_by_id.get(model_id.lower(), ()) if self._refreshed else ()
        return _with_newer((self._result(number) for number in self._by_id.get(model_id.lower(), ())), newer)

    def for_name(self, name: str) -> tuple[BenchmarkResult, ...]:
        """Scores under the name that a board lists (`GPT-5 (high)`), in any case."""
        newer = self._newer_by_name.get(name.lower(), ()) if self._refreshed else ()
        return _with_newer((self._result(number) for number in self._by_name.get(name.lower(), ())), newer)

    @cached_property
    def _newer_by_id(self) -> dict[str, list[ScoreChange]]:
        return _grouped(self._refreshed, lambda row: row.hf_id)

    @cached_property
    def _newer_by_name(self) -> dict[str, list[ScoreChange]]:
        return _grouped(self._refreshed, lambda row: row.model)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Model names as the boards list them."""
        newer = (row.model for row in self._refreshed)
        return tuple(dict.fromkeys([*self._packed["words"]["model"], *newer]))

    @cached_property
    def hub_ids(self) -> dict[str, str]:
        """Hub ids by the name of a board; names that stand for none, or for several, are left out."""
        packed, at = self._packed, self._places
        found: dict[str, str] = {}
        for row in packed["rows"]:
            name = packed["words"]["model"][int(row[at["model"]])]
            hub_id = packed["words"]["hf_id"][int(row[at["hf_id"]])]
            found[name] = hub_id if found.setdefault(name, hub_id) == hub_id else ""
        return {name: hub_id for name, hub_id in found.items() if hub_id}

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


def _grouped(rows: Iterable[ScoreChange], key: Callable[[ScoreChange], str]) -> dict[str, list[ScoreChange]]:
    found: dict[str, list[ScoreChange]] = {}
    for row in rows:
        if key(row):
            found.setdefault(key(row).lower(), []).append(row)
    return found


def _with_newer(
    bundled: Iterable[BenchmarkResult], refreshed: Sequence[ScoreChange]
) -> tuple[BenchmarkResult, ...]:
    """The bundled scores without those that a refreshed one replaces, and the refreshed ones."""
    if not refreshed:
        return tuple(bundled)
    kept = list(bundled)
    newest: dict[str, str] = {}
    for result in kept:
        board = board_of(result)
        newest[board] = max(newest.get(board, ""), result.as_of)
    newer = {board_of(row): row for row in refreshed if row.as_of >= newest.get(board_of(row), "")}
    return (*(r for r in kept if board_of(r) not in newer), *(row.result for row in newer.values()))
