"""A review of a base model as it is kept between calls: one file, replaced whole after every change."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from knowledge.errors import AdvisorError, NoAnswerError, ServiceError, UsageError
from knowledge.files import json_digest, replace_text
from knowledge.home import home
from knowledge.locking import locked

FOLDER, FORMAT = "reviews", 1
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,79}")


class Asking(BaseModel):
    """How the models of a review are asked; all but `max_cost` and the pace decides what they answer."""

    model_config = ConfigDict(extra="forbid")

    rubric: str | None = None
    """Path of the file, or the name of an example."""
    endpoint: str | None = None
    key_variable: str | None = None
    judge: str | None = None
    judge_endpoint: str | None = None
    judge_key_variable: str | None = None
    repeats: int = 1
    served: dict[str, str] = {}
    """Hub id to the model's name at its server, where it is not Ollama's own."""
    tuned: dict[str, str] = {}
    """Hub id to the name of this base with its test adapter."""
    max_cost: float | None = None
    concurrency: int | None = None
    requests_per_minute: float | None = None


class Mark(BaseModel):
    """That a person did their part of a step."""

    model_config = ConfigDict(extra="forbid")

    on: str
    """ISO date."""
    note: str | None = None


class Kept(BaseModel):
    """What a step brought."""

    model_config = ConfigDict(extra="forbid")

    on: str
    """ISO date of the oldest part."""
    complete: bool = True
    """False where models are still to be asked."""
    inputs: dict[str, Any] = {}
    """What it was computed from, by a word for people; another value makes it out of date."""
    result: dict[str, Any] = {}


class Review(BaseModel):
    """All that is kept of a review."""

    model_config = ConfigDict(extra="forbid")

    name: str
    base: str
    """Hub id of the base in use."""
    began: str
    changed: str
    """ISO date of the last change."""
    request: dict[str, Any] = {}
    """Options of the plan that were given, see `MigrationQuery`."""
    asking: Asking = Field(default_factory=Asking)
    steps: dict[int, Kept] = {}
    marks: dict[int, Mark] = {}
    anew: dict[int, list[str]] = {}
    """Models that are to be asked again although they have answered, by step."""


def checked_name(name: str) -> str:
    """The name of a review, which is part of a file's name.

    Raises:
        UsageError: it is none.
    """
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"`{name[:40]}` is no name of a review.", hint="Letters, digits, `.`, `_` and `-`, at most 80."
        )
    return name


def usual_name(base: str) -> str:
    """The name of a review where none is given: that of its base."""
    return checked_name(re.sub(r"[^a-z0-9._-]+", "-", base.lower()).strip(".-")[:80])


def place_of(name: str, folder: Path | None = None) -> Path:
    """The file of a review."""
    return (folder or home()) / FOLDER / f"{checked_name(name)}.json"


def load(name: str, folder: Path | None = None) -> Review | None:
    """A review; None where there is none of that name.

    Raises:
        AdvisorError: `damaged`, where the file is no review; `newer`, where a later program wrote it.
    """
    path = place_of(name, folder)
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(raw, dict) and isinstance(raw.get("format"), int) and raw["format"] > FORMAT:
            raise AdvisorError(
                f"The review {name} was written by a newer version of this program.",
                hint="Update llm-advisor, or give another name with --review.",
                code="newer",
            )
        if json_digest(raw["review"]) != raw["digest"]:
            raise ValueError("written in part, or by hand")
        return Review.model_validate(raw["review"])
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _unusable(path, error) from None
    except (ValueError, KeyError, TypeError, ValidationError, RecursionError):
        raise AdvisorError(
            f"The file of the review {name} is damaged.",
            hint="--run sets it aside and begins anew; what models answered is kept and not asked again.",
            code="damaged",
        ) from None


def save(review: Review, folder: Path | None = None) -> None:
    """Keeps a review, whole or not at all.

    Raises:
        AdvisorError: the folder cannot be written.
    """
    path = place_of(review.name, folder)
    content = review.model_dump(mode="json")
    whole = {"format": FORMAT, "digest": json_digest(content), "review": content}
    text = json.dumps(whole, indent=1)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Like the records of the evaluations: what models answered may be private.
        replace_text(path, text + "\n", private=True)
    except OSError as error:
        raise _unusable(path, error) from None


def set_aside(name: str, folder: Path | None = None) -> Path:
    """Moves a damaged file away and says where it is now.

    Raises:
        AdvisorError: the folder cannot be written.
    """
    path = place_of(name, folder)
    for number in range(1, 1000):
        beside = path.with_name(f"{name}.damaged-{number}")
        if not beside.exists():
            break
    try:
        return path.replace(beside)
    except OSError as error:
        raise _unusable(path, error) from None


def forget(name: str, folder: Path | None = None) -> None:
    """Removes a review; what models answered stays with `evaluate`.

    Raises:
        NoAnswerError: there is none of that name.
        AdvisorError: it cannot be removed.
    """
    path = place_of(name, folder)
    try:
        path.unlink()
    except FileNotFoundError:
        raise missing(name, folder) from None
    except OSError as error:
        raise _unusable(path, error) from None


def names(folder: Path | None = None) -> tuple[str, ...]:
    """The reviews that are kept."""
    try:
        return tuple(sorted(path.stem for path in ((folder or home()) / FOLDER).glob("*.json")))
    except OSError:
        return ()


def missing(name: str, folder: Path | None = None) -> NoAnswerError:
    """That there is no such review."""
    there = names(folder)
    known = f"There is: {', '.join(there)} (--review NAME)." if there else "--run begins one."
    return NoAnswerError(f"There is no review {name}.", hint=known, code="no_review")


@contextmanager
def held(folder: Path | None = None) -> Iterator[None]:
    """The reviews for this process alone.

    Raises:
        ServiceError: another process works on a review.
        AdvisorError: the folder cannot be written.
    """
    place = (folder or home()) / FOLDER
    try:
        with locked(place, 0.0, "busy"):
            yield
    except OSError as error:
        if error.args == ("busy",):
            raise ServiceError(
                "Another process works on a review.", hint="Wait for it, or end it first.", code="busy"
            ) from None
        raise _unusable(place, error) from None


def _unusable(path: Path, error: OSError) -> AdvisorError:
    return AdvisorError(
        f"The review cannot be kept: {error.strerror or error}.",
        hint=f"Check {path}, or set LLM_ADVISOR_HOME to another folder.",
        code="not_stored",
    )
