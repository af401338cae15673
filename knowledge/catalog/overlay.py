"""What `models refresh` took over the bundled facts: one file of the state folder, beside them.

Each row says where it is from, when it was fetched and what it replaces, so that both can be shown and the
bundled ones are there again once the file is dropped. A row counts only while it is newer than the bundled
one: a later release of the catalog wins. The file holds a digest of its content; what does not match
(half-written, edited by hand) is left out with one warning.
"""

from __future__ import annotations

import json
import logging
from functools import cache
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError

from knowledge.catalog.records import BenchmarkResult, Record
from knowledge.errors import AdvisorError
from knowledge.files import json_digest, replace_text
from knowledge.home import home
from knowledge.locking import locked

FOLDER, FILE = "refreshed", "overlay.json"
FORMAT = 1
MAX_BYTES = 32 << 20
LOCK_SECONDS = 5.0
Day = str
"""ISO 8601."""
_log = logging.getLogger("llm_advisor.refresh")


class Late(Record, defer_build=True):
    """A row whose validator is made when the first is read: most calls of the program read none."""


class FieldChange(Late):
    """One field of a model."""

    field: str
    value: Any
    was: Any = None
    """The bundled value; None where it was not known."""
    was_source: str = ""


class ModelChange(Late):
    """What a hub says of a model otherwise than the bundled record."""

    id: str
    changes: tuple[FieldChange, ...]
    source: str
    fetched: Day


class PriceChange(Late):
    """The row of an API model in a newer price map."""

    key: str
    row: dict[str, Any]
    was: dict[str, Any] | None = None
    """The bundled row; None where the model is new."""
    was_source: str = ""
    source: str
    fetched: Day


class ScoreChange(Late):
    """A score of a newer leaderboard file."""

    model: str
    """As the board lists it."""
    hf_id: str = ""
    """Hub id in the catalog; empty where the board's name is none of it."""
    benchmark: str
    score: float = Field(allow_inf_nan=False)
    unit: str
    higher_is_better: bool = True
    setting: str
    source: str
    as_of: Day
    run_by: Literal["independent", "vendor"]
    fetched: Day
    was: float | None = None
    was_source: str = ""
    was_as_of: str = ""

    @property
    def result(self) -> BenchmarkResult:
        """As the table of scores has it."""
        return BenchmarkResult(
            self.benchmark,
            self.score,
            self.unit,
            self.higher_is_better,
            self.setting,
            self.source,
            self.as_of,
            self.run_by,
        )


class Overlay(Late):
    """Everything that was taken."""

    models: tuple[ModelChange, ...] = ()
    checked: dict[str, Day] = Field(default_factory=dict)
    """Days on which a hub was asked, by hub id; also where it agreed with the bundled record."""
    prices: tuple[PriceChange, ...] = ()
    prices_fetched: Day | None = None
    scores: tuple[ScoreChange, ...] = ()
    boards: dict[str, Day] = Field(default_factory=dict)
    """Days on which a leaderboard file was read, by its name."""

    @property
    def days(self) -> tuple[Day, ...]:
        """All days on which something was fetched, in order."""
        own = [self.prices_fetched] if self.prices_fetched is not None else []
        return tuple(sorted({*self.checked.values(), *self.boards.values(), *own}))

    def of_model(self, model_id: str) -> ModelChange | None:
        """What changed of a model."""
        return next((row for row in self.models if row.id == model_id), None)


EMPTY = Overlay.model_construct()


def overlay_path(folder: Path | None = None) -> Path:
    """Where it lies (not created)."""
    return (folder or home()) / FOLDER / FILE


@cache
def load_overlay() -> Overlay:
    """The overlay of this machine, read once; an empty one where there is none, or a damaged one."""
    path = overlay_path()
    try:
        with path.open("rb") as file:
            return _read(file.read(MAX_BYTES + 1))
    except (FileNotFoundError, NotADirectoryError):
        return EMPTY
    except (OSError, ValueError, KeyError, TypeError, RecursionError, ValidationError) as error:
        _log.debug("%s: %s", path, error)
        _log.warning(
            "What `models refresh` took is damaged and left out; run it again, or `models refresh --drop`."
        )
        return EMPTY


def _read(data: bytes) -> Overlay:
    if len(data) > MAX_BYTES:
        raise ValueError("too large")
    stored: Any = json.loads(data)
    if stored["format"] != FORMAT or stored["digest"] != json_digest(stored["overlay"]):
        raise ValueError("other format, or not what was written")
    return Overlay.model_validate(stored["overlay"])


def write_overlay(overlay: Overlay, before: Overlay | None = None) -> None:
    """Puts an overlay in the place of the one that is there: the old or the new one, never half of each.

    Args:
        overlay: the new one.
        before: the one that it was made from; None does not mind which is there.

    Raises:
        AdvisorError: the state folder cannot be written, or another process holds it or has changed it.
    """
    path = overlay_path()
    content = overlay.model_dump(mode="json", exclude_defaults=True)
    text = json.dumps({"format": FORMAT, "digest": json_digest(content), "overlay": content}, allow_nan=False)
    if len(text) > MAX_BYTES:
        raise AdvisorError("What was fetched is too much to be kept.", hint="Name fewer models.")
    try:
        with locked(path.parent, LOCK_SECONDS, "another refresh is being kept"):
            load_overlay.cache_clear()
            if before is not None and load_overlay() != before:
                raise AdvisorError(
                    "Another refresh was taken meanwhile; this one was not.", hint="Run it again."
                )
            _clear(path)
            replace_text(path, text)
    except OSError as error:
        raise _not_kept(error, path) from None


def drop_overlay() -> bool:
    """Removes it, also a damaged one; whether there was one.

    Raises:
        AdvisorError: the file cannot be deleted.
    """
    path = overlay_path()
    if not path.exists():
        return False
    try:
        with locked(path.parent, LOCK_SECONDS, "a refresh is being kept"):
            _clear(path)
            path.unlink(missing_ok=True)
    except OSError as error:
        raise _not_kept(error, path) from None
    return True


def _clear(path: Path) -> None:
    """Removes what a killed process had begun to write; the folder is held."""
    for begun in path.parent.glob(f"{path.name}.*.new"):
        begun.unlink(missing_ok=True)


def _not_kept(error: OSError, path: Path) -> AdvisorError:
    return AdvisorError(
        f"The refreshed facts cannot be changed: {error.strerror or error}.",
        hint=f"Check the folder {path.parent}, or set LLM_ADVISOR_HOME to another one.",
        code="not_stored",
    )
