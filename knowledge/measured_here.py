"""What was measured on this machine: runs of `bench`, kept in one file of the state folder.

Later answers say "measured here on DATE" from these rows, and other models on the same machine and engine are
estimated anew from them. A damaged file is never a reason to fail; the next run sets it
aside.
"""

from __future__ import annotations

import contextlib
import json
import logging
from collections.abc import Callable, Collection
from pathlib import Path

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, model_validator

from knowledge.errors import AdvisorError
from knowledge.files import replace_text
from knowledge.home import home
from knowledge.locking import locked

FOLDER, FILE = "measured", "runs.json"
DAMAGED = "runs.damaged.json"
KEPT = 500
"""Runs; the oldest go first."""
LOCK_SECONDS = 5.0
log = logging.getLogger(__name__)


# Every recommendation imports these, and few read one: `defer_build` builds a model at its first use.
class Range(BaseModel):
    """Median of the repeats with its interval: low <= mid <= high, in the unit that its place says."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True, allow_inf_nan=False)

    low: float = Field(ge=0)
    mid: float = Field(ge=0)
    high: float = Field(ge=0)

    @model_validator(mode="after")
    def _in_order(self) -> Range:
        if not self.low <= self.mid <= self.high:
            raise ValueError("low <= mid <= high does not hold")
        return self


class Point(BaseModel):
    """One length of prompt at one number of requests at once."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    prompt_tokens: int = Field(ge=0)
    """As the server counted them; the median of the repeats."""
    output_tokens: int = Field(ge=0)
    parallel: int = Field(ge=1)
    """Requests at once."""
    samples: int = Field(ge=1)
    """Requests that were measured, without those that warmed up."""
    first_token_s: Range
    """Seconds from sending to the first token."""
    prompt_tps: Range | None = None
    """Prompt tokens per second; None where it could not be told from the first token."""
    generation_tps: Range | None = None
    """Tokens per second of one conversation after its first token."""
    total_tps: Range | None = None
    """Tokens per second of all conversations together."""


class MeasuredRun(BaseModel):
    """One run of `bench`: one model behind one server on one machine."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    measured_at: AwareDatetime
    machine: str
    """Key of the machine (`tools.measuring.machine`); rows of another machine are never used here."""
    engine: str
    """As the catalog names it: `ollama`, `llama.cpp`, `vllm` …; `unknown` where an endpoint does not say."""
    engine_version: str | None = None
    server: str
    """Host and port, without credentials."""
    served_as: str
    """The model's name at the server."""
    model_id: str | None = None
    """Hub id in the catalog; None where it is not in it."""
    quant: str | None = None
    context: int | None = Field(default=None, ge=1)
    kv_cache_type: str | None = None
    points: tuple[Point, ...]
    load_s: float | None = Field(default=None, ge=0)
    """Cold load, apart from the warm requests."""
    memory_bytes: int | None = Field(default=None, ge=0)
    """What the model took on the accelerators."""
    host_memory_bytes: int | None = Field(default=None, ge=0)
    memory_from: str | None = None
    """Who said so (`Ollama's ps`, `NVML`)."""
    complete: bool = True
    """False where it was interrupted, and the rest is missing."""
    local: bool = True
    """False where the server is another computer: it says nothing of this machine."""


def load_runs(folder: Path | None = None) -> tuple[MeasuredRun, ...]:
    """All runs, oldest first; rows that cannot be read are left out."""
    return _read(_place(folder))[0]


def _read(place: Path) -> tuple[tuple[MeasuredRun, ...], bool]:
    """The runs, oldest first, and whether all that the file holds could be read."""
    try:
        rows = json.loads(place.read_text(encoding="utf-8"))["runs"]
    except FileNotFoundError:
        return (), True
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        log.warning(
            "%s cannot be read (%s): nothing that was measured before counts.", place, type(error).__name__
        )
        return (), False
    found: list[MeasuredRun] = []
    for row in rows if isinstance(rows, list) else ():
        with contextlib.suppress(ValidationError):
            found.append(MeasuredRun.model_validate(row))
    whole = isinstance(rows, list) and len(found) == len(rows)
    return tuple(sorted(found, key=lambda run: run.measured_at.timestamp())), whole


def keep_run(run: MeasuredRun, folder: Path | None = None) -> None:
    """Add a run; a run of the same server, model, format and moment takes the place of what it goes on with.

    Raises:
        AdvisorError: The folder cannot be written, or another process holds it.
    """
    _change(lambda runs: [*(other for other in runs if _same(other) != _same(run)), run][-KEPT:], folder)


def forget_runs(gone: Collection[MeasuredRun], folder: Path | None = None) -> None:
    """Remove runs.

    Raises:
        AdvisorError: As `keep_run`.
    """
    marks = {_same(run) for run in gone}
    _change(lambda runs: [run for run in runs if _same(run) not in marks], folder)


def _change(change: Callable[[tuple[MeasuredRun, ...]], list[MeasuredRun]], folder: Path | None) -> None:
    place = _place(folder)
    try:
        with locked(place.parent, LOCK_SECONDS, "another run is being kept"):
            runs, whole = _read(place)
            if not whole:  # a newer version may have written it
                place.replace(place.with_name(DAMAGED))
            _write(place, change(runs))
    except OSError as error:
        raise AdvisorError(
            f"What was measured cannot be kept: {error.strerror or error}.",
            hint=f"Check the folder {place.parent}, or set LLM_ADVISOR_HOME to another one.",
            code="not_stored",
        ) from None


def _same(run: MeasuredRun) -> tuple[object, ...]:
    return run.machine, run.server, run.served_as, run.quant, run.context, run.measured_at


def _write(place: Path, runs: list[MeasuredRun]) -> None:
    rows = [run.model_dump(mode="json", exclude_none=True) for run in runs]
    replace_text(place, json.dumps({"format": 1, "runs": rows}, indent=1))


def _place(folder: Path | None) -> Path:
    return (folder or home()) / FOLDER / FILE
