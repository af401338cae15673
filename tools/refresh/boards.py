"""Leaderboard files, held against the scores of the catalog."""

from __future__ import annotations

import csv
import io
import math
import statistics
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from knowledge.catalog.names import resolve_model_verbose
from knowledge.catalog.overlay import Overlay, ScoreChange
from knowledge.catalog.records import BenchmarkResult
from knowledge.catalog.store import Catalog
from knowledge.errors import AdvisorError, AmbiguousNameError, ServiceError, UnknownNameError
from tools.introspect.hub_client import HubClient
from tools.refresh.board_sources import BoardSource, Column
from tools.refresh.fetching import fetch, parsed
from tools.refresh.found import Difference, Gathered, Problem
from tools.refresh.standing import bundled_score

MAX_BYTES = 24 << 20
MAX_ROWS = 20_000
MOST_SCORE = 1e6
SAME = 0.051
"""Points: what rounding to one digit can make."""
SCALE = (0.5, 2.0)
"""The middle ratio of new and old scores of one board: outside of it the file has another scale."""
Row = tuple[str, Mapping[str, Any]]
"""Name of the model, and its row."""
Place = tuple[str, str, str]
"""Model, benchmark and setting of a score."""
JUMP = {"Elo": 400.0}
USUAL_JUMP = 40.0
"""Points by which a score of one model on one board does not change."""


def ask_board(
    board: BoardSource, catalog: Catalog, overlay: Overlay, day: date, only: Collection[str] = ()
) -> tuple[list[ScoreChange] | None, Gathered]:
    """The scores of a file that the catalog lacks or has otherwise; None where there is no file to go by.

    A score that was taken before stays where the file now says of it what cannot be.

    Args:
        board: the file.
        catalog: the bundled catalog.
        overlay: what was taken before.
        day: of this refresh.
        only: hub ids in lower case; empty for all models.
    """
    gathered = Gathered(of=1)
    try:
        data, revision = _data(board)
        rows = list(_rows(board, data))
    except AdvisorError as error:
        gathered.problems.append(Problem.of("scores", error, f"{board.name}: "))
        return None, gathered
    scores, bad = scores_of(board, rows, catalog, revision, day)
    if bad:
        gathered.problems.append(Problem("scores", f"{board.name}: {len(bad)} of its scores cannot be."))
    known = [(score, bundled_score(score, catalog.benchmarks)) for score in scores]
    ratios = [new.score / old.score for new, old in known if old is not None and old.score]
    if ratios and not SCALE[0] <= statistics.median(ratios) <= SCALE[1]:
        gathered.problems.append(Problem("scores", f"{board.name}: its scores are on another scale."))
        return None, gathered
    gathered.asked = 1
    changes, left = [], set(bad)
    for score, old in known:
        if only and score.hf_id.lower() not in only:
            continue
        if old is not None and abs(score.score - old.score) > JUMP.get(score.unit, USUAL_JUMP):
            text = f"{board.name}: {score.model} is said to have {score.score:g} instead of {old.score:g}."
            gathered.problems.append(Problem("scores", text))
            left.add(_place(score))
        elif old is None or abs(score.score - old.score) > SAME:
            changes.append(_beside(score, old))
    taken = [row for row in overlay.scores if is_of(row, board, only)]
    changes += [row for row in taken if _place(row) in left]
    gathered.differences = _differences(changes, taken)
    return changes, gathered


def _data(board: BoardSource) -> tuple[bytes, str]:
    """The file, and the commit that it is from.

    Raises:
        AdvisorError: it cannot be had.
    """
    if board.url is not None:
        return fetch(board.url, MAX_BYTES), "main"
    assert board.dataset is not None
    assert board.file is not None
    client = HubClient(board.dataset, "dataset")
    listed = client.facts().get("siblings")
    rows = [row for row in listed if isinstance(row, dict)] if isinstance(listed, list) else []
    row = next((row for row in rows if row.get("rfilename") == board.file), None)
    return client.whole(board.file, MAX_BYTES, row), client.revision[:12]


def _rows(board: BoardSource, data: bytes) -> Iterator[Row]:
    """Name of the model and row, of those that the entry is about.

    Raises:
        ServiceError: the file is none of its kind, or has another form than the entry was written for.
    """
    found = list(_csv(board, data) if board.format == "csv" else _json(board, data))
    if len(found) > MAX_ROWS:
        raise ServiceError("the file has more rows than a leaderboard.")
    first = found[0][1] if found else {}
    missing = [name for name in board.needs if name not in first]
    if not found or missing:
        lacks = f"lacks {', '.join(missing)}" if missing else "has no rows"
        raise ServiceError(f"the file {lacks}: its form has changed.")
    for name, row in found:
        if all(row.get(key) == value for key, value in board.where.items()):
            yield name, row


def _csv(board: BoardSource, data: bytes) -> Iterator[Row]:
    try:
        for row in csv.DictReader(io.StringIO(data.decode("utf-8-sig")), strict=True):
            yield str(row.get(board.model or "") or ""), row
    except (UnicodeDecodeError, csv.Error):
        raise ServiceError("the file is no CSV, or is cut off.") from None


def _json(board: BoardSource, data: bytes) -> Iterator[Row]:
    value = parsed(data, "the file")
    for key in board.rows:
        value = value.get(key) if isinstance(value, dict) else None
    if isinstance(value, dict) and board.model is None:
        pairs: Sequence[tuple[object, object]] = list(value.items())
    elif isinstance(value, list) and board.model is not None:
        pairs = [(row.get(board.model) if isinstance(row, dict) else None, row) for row in value]
    else:
        raise ServiceError("the file has another form than it had.")
    for name, row in pairs:
        if isinstance(row, dict):
            yield (name if isinstance(name, str) else ""), row


def scores_of(
    board: BoardSource,
    rows: Sequence[tuple[str, Mapping[str, Any]]],
    catalog: Catalog,
    revision: str,
    day: date,
) -> tuple[list[ScoreChange], list[Place]]:
    """The scores of the rows, and the places of those that cannot be; a missing one is none of either."""
    found: dict[Place, ScoreChange] = {}
    bad: list[Place] = []
    for full, row in rows:
        name, setting = _setting(board, full.strip())
        if not name or len(name) > 200 or not name.isprintable():
            bad.append(("", "", ""))
            continue
        hub_id = _hub_id(name, catalog)
        for column in board.columns:
            value = _value(row, column)
            if value is None:
                continue
            unit = column.unit or board.unit
            key = (name.lower(), column.benchmark, setting)
            if not _can_be(value, unit):
                bad.append(key)
                continue
            found.setdefault(
                key,
                ScoreChange(
                    model=name,
                    hf_id=hub_id,
                    benchmark=column.benchmark,
                    score=round(value, 2),
                    unit=unit,
                    higher_is_better=board.higher_is_better,
                    setting=setting,
                    source=f"{board.source}@{revision}",
                    as_of=day.isoformat(),
                    run_by=board.run_by,
                    fetched=day.isoformat(),
                ),
            )
    return list(found.values()), bad


def _setting(board: BoardSource, name: str) -> tuple[str, str]:
    for ending, setting in board.endings.items():
        if name.endswith(ending):
            return name.removesuffix(ending), setting
    return name, board.setting


def _value(row: Mapping[str, Any], column: Column) -> float | None:
    """The number; None where there is none, NaN where something else stands in its place."""
    value: Any = row
    for key in column.path:
        value = value.get(key) if isinstance(value, dict) else None
    if value is None or value in ("", "N/A", "-"):
        return None
    if isinstance(value, str):
        value = value.strip().removesuffix("%")
        try:
            return float(value)
        except ValueError:
            return math.nan
    sound = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < MOST_SCORE
    return float(value) if sound else math.nan


def _can_be(value: float, unit: str) -> bool:
    if not math.isfinite(value):
        return False
    if unit.startswith("Elo"):
        return 0 <= value <= 4000
    return 0 <= value <= 100 if "percent" in unit or unit == "0-100" else abs(value) <= MOST_SCORE


def _hub_id(name: str, catalog: Catalog) -> str:
    """The model that a board's name has stood for, or that has exactly this name; empty for any other."""
    known = catalog.benchmarks.hub_ids.get(name)
    if known is not None:
        return known
    try:
        found = resolve_model_verbose(catalog, name)
    except (UnknownNameError, AmbiguousNameError):
        return ""
    return found.record.id if found.how in ("id", "alias", "name") and found.record.added is None else ""


def _beside(score: ScoreChange, old: BenchmarkResult | None) -> ScoreChange:
    if old is None:
        return score
    return score.model_copy(update={"was": old.score, "was_source": old.source, "was_as_of": old.as_of})


def is_of(row: ScoreChange, board: BoardSource, only: Collection[str] = ()) -> bool:
    """Whether a score is from a file, and of one of the models (hub ids in lower case; empty for all)."""
    return (
        row.source.split("@")[0] == board.source
        and row.setting in (board.setting, *board.endings.values())
        and any(row.benchmark == column.benchmark for column in board.columns)
        and (not only or row.hf_id.lower() in only)
    )


def _differences(changes: Sequence[ScoreChange], taken: Sequence[ScoreChange]) -> list[Difference]:
    """Score by score: the one in use and the one that would be."""
    old = {_place(row): row for row in taken}
    new = {_place(row): row for row in changes}
    found = []
    for key in dict.fromkeys([*new, *old]):
        was, now = old.get(key), new.get(key)
        one = now or was
        assert one is not None
        before, after = (was.score if was else one.was), (now.score if now else one.was)
        if before != after:
            bundled = f"{one.was_source} ({one.was_as_of})" if one.was_source else ""
            origin = f"{was.source} ({was.as_of})" if was else bundled
            target = f"{now.source} ({now.as_of})" if now else bundled
            name = one.hf_id or one.model
            field = f"{one.benchmark} ({one.setting})"
            found.append(Difference("scores", name, field, before, after, origin, target))
    return found


def _place(row: ScoreChange) -> Place:
    return row.model.lower(), row.benchmark, row.setting
