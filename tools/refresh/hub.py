"""Asking a hub for many models at once, a few at a time, until it is through, too slow, or gone."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from queue import Empty, Queue

from knowledge.catalog.overlay import ModelChange, Overlay
from knowledge.catalog.records import Architecture, ModelRecord
from knowledge.catalog.store import Catalog
from knowledge.errors import AdvisorError, ServiceError, UsageError
from tools.bounded import BUSY
from tools.introspect.hub_client import HubClient
from tools.refresh.found import Difference, Gathered, Left, Problem
from tools.refresh.hub_row import read_row, sizes

AT_ONCE = 4
MODEL_SECONDS = 30.0
HUB_SECONDS = 600.0
MOST = 200
"""Models asked for in one call that names none: the hub answers so many without a pause."""
FAILURES = 3
"""Failures in a row after which the hub is left alone."""
Progress = Callable[[int, int], None]
"""Told how many of how many were asked."""


@dataclass(slots=True)
class HubRows:
    """What the hub said."""

    gathered: Gathered
    changes: dict[str, ModelChange | None] = field(default_factory=dict)
    """By model that was asked for; None where the hub agrees with the bundled record."""


def chosen(catalog: Catalog, overlay: Overlay, named: Sequence[ModelRecord]) -> list[ModelRecord]:
    """The models to ask for: those that are named, or the most used among those not asked for the longest."""
    if named:
        return [record for record in named if record.added is None]
    bundled = [record for record in catalog.models if record.added is None]
    bundled.sort(key=lambda record: (overlay.checked.get(record.id, ""), -(record.downloads or 0), record.id))
    return bundled[:MOST]


def ask_hub(
    models: Sequence[ModelRecord],
    catalog: Catalog,
    overlay: Overlay,
    day: date,
    progress: Progress | None = None,
) -> HubRows:
    """What a hub says of some models; never raises for what it answers.

    Args:
        models: bundled records.
        catalog: the bundled catalog.
        overlay: what was taken before.
        day: of this refresh.
        progress: told after each model.
    """
    rows = HubRows(Gathered(of=sum(record.added is None for record in catalog.models)))
    failed = done = 0
    for record, answer in _answers(models, catalog, day):
        done += 1
        if isinstance(answer, AdvisorError):
            failed = _failures(answer, failed)
            rows.gathered.problems.append(Problem.of("hub", answer, f"{record.id}: "))
        else:
            failed = 0
            _heard(rows, record, overlay.of_model(record.id), *answer)
        if progress is not None:
            progress(done, len(models))
        if failed >= FAILURES:
            break
    if missing := len(models) - done:
        why = "was asked for no more" if failed >= FAILURES else "was too slow"
        text = f"The hub {why}: {missing} of {len(models)} models were not asked for."
        rows.gathered.problems.append(Problem("hub", text, True))
    return rows


def _failures(error: AdvisorError, before: int) -> int:
    """How many there were in a row; a hub that is asked too often is left alone at once."""
    if error.code == BUSY:
        return FAILURES
    return before + 1 if isinstance(error, ServiceError | UsageError) else 0


def _heard(
    rows: HubRows,
    record: ModelRecord,
    taken: ModelChange | None,
    change: ModelChange | None,
    left: list[Left],
) -> None:
    """What a hub said of a model; where a value that was taken cannot be judged now, its row stays whole."""
    rows.gathered.asked += 1
    rows.gathered.problems += [Problem("hub", f"{record.id}: {one.text.rstrip('.')}.") for one in left]
    unheard = {name for one in left for name in one.fields}
    if taken is not None and unheard & {one.field for one in taken.changes}:
        return
    rows.changes[record.id] = change
    rows.gathered.differences += _differences(record, taken, change)


Answer = tuple[ModelChange | None, list[Left]] | AdvisorError


def _answers(
    models: Sequence[ModelRecord], catalog: Catalog, day: date
) -> Iterable[tuple[ModelRecord, Answer]]:
    """The answers that come in time. Threads end with the program: Ctrl+C waits for no slow hub."""
    waiting, found, stopped = deque(models), Queue[tuple[ModelRecord, Answer]](), threading.Event()

    def work() -> None:
        while not stopped.is_set():
            try:
                record = waiting.popleft()
            except IndexError:
                return
            found.put((record, _asked(record, catalog, day)))

    for _ in range(min(AT_ONCE, len(models))):
        threading.Thread(target=work, daemon=True, name="refresh").start()
    end = time.monotonic() + HUB_SECONDS
    try:
        for _ in models:
            try:
                answer = found.get(timeout=max(0.0, end - time.monotonic()))
            except Empty:
                return
            yield answer
    finally:
        stopped.set()


def _asked(record: ModelRecord, catalog: Catalog, day: date) -> Answer:
    try:
        return read_row(record, catalog, HubClient(record.id, seconds=MODEL_SECONDS), day)
    except AdvisorError as error:
        return error
    except Exception as error:  # one answer that nobody foresaw must not end the others
        return ServiceError(f"the hub's answer cannot be read ({type(error).__name__}).")


def _differences(
    record: ModelRecord, before: ModelChange | None, after: ModelChange | None
) -> list[Difference]:
    """Field by field: the value in use and the one that would be."""
    old = {one.field: one for one in before.changes} if before is not None else {}
    new = {one.field: one for one in after.changes} if after is not None else {}
    found = []
    for name in dict.fromkeys([*new, *old]):
        one, was = new.get(name), old.get(name)
        known = (one or was).was if (one or was) is not None else None  # type: ignore[union-attr]
        start, end = was.value if was is not None else known, one.value if one is not None else known
        if start == end:
            continue
        bundled = (one or was).was_source if (one or was) is not None else ""  # type: ignore[union-attr]
        found.append(
            Difference(
                "hub",
                record.id,
                name,
                _told(start),
                _told(end),
                before.source if was is not None and before is not None else bundled,
                after.source if one is not None and after is not None else bundled,
            )
        )
    return found


def _told(value: object) -> object:
    """A shape by its sizes."""
    if isinstance(value, dict) and "layers" in value and "arch" in value:
        return sizes(Architecture.model_validate(value))
    return value
