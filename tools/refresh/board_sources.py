"""Where leaderboard files are and how they read: `tools/data/board_sources.json`, and a file of one's own."""

from __future__ import annotations

from importlib import resources
from typing import Annotated, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    TypeAdapter,
    ValidationError,
    model_validator,
)

from knowledge.errors import UsageError
from knowledge.home import expanded
from knowledge.settings import load_settings

MAX_OWN = 1 << 20
Word = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=300)]


class Column(BaseModel):
    """One score of a row."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: tuple[Word, ...] = Field(min_length=1, max_length=6)
    """Keys from the row down to the number; in a CSV file the one column."""
    benchmark: Word
    unit: Word | None = None
    """None: that of the board."""


class BoardSource(BaseModel):
    """One file: where it is, how it reads, and what its scores are called here."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Word
    url: Word | None = None
    """Address of the file; or"""
    dataset: Word | None = None
    """a data set of the hub, `org/name`, and"""
    file: Word | None = None
    """the file in it."""
    format: Literal["csv", "json"]
    rows: tuple[Word, ...] = ()
    """Keys down to the rows of a JSON file: a list, or an object whose keys are the models."""
    model: Word | None = None
    """Key or column of the model's name; None: the keys of the object."""
    where: dict[str, bool | str | int] = Field(default_factory=dict)
    """Only rows in which these keys have these values."""
    needs: tuple[Word, ...] = ()
    """Keys without which the file is another one than this entry was written for."""
    endings: dict[str, Word] = Field(default_factory=dict)
    """Endings of models' names that stand for a setting; they are taken off."""
    columns: tuple[Column, ...] = Field(min_length=1, max_length=50)
    unit: Word
    setting: Word
    source: Word
    """As the catalog names the board, without the commit."""
    higher_is_better: bool = True
    run_by: Literal["independent", "vendor"] = "independent"
    as_of: Annotated[str, StringConstraints(pattern=r"^\d{4}-\d\d-\d\d$")]
    """When this entry was written."""

    @model_validator(mode="after")
    def _one_place(self) -> BoardSource:
        if (self.url is None) == (self.dataset is None) or (self.dataset is None) != (self.file is None):
            raise ValueError("give either url, or dataset and file")
        if self.format == "csv" and self.model is None:
            raise ValueError("a CSV file needs the column of the model's name")
        return self


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid")

    about: str = ""
    boards: tuple[BoardSource, ...]


def board_sources() -> tuple[BoardSource, ...]:
    """The shipped entries, and those of the setting `boards`; of one name the person's own counts.

    Raises:
        UsageError: the person's file cannot be read, or is no such table.
    """
    data = resources.files("tools").joinpath("data/board_sources.json").read_bytes()
    found = {board.name: board for board in TypeAdapter(_Table).validate_json(data).boards}
    return tuple({**found, **{board.name: board for board in _own()}}.values())


def _own() -> tuple[BoardSource, ...]:
    named = load_settings().boards
    if named is None:
        return ()
    path = expanded(named)
    try:
        with path.open("rb") as file:
            data = file.read(MAX_OWN)
        return TypeAdapter(_Table).validate_json(data).boards
    except OSError as error:
        why = error.strerror or "it failed"
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        why = f"{'.'.join(map(str, first['loc']))}: {first['msg']}".strip(": ")
    raise UsageError(
        f"The file of the setting `boards` cannot be used: {why}.",
        hint="docs/refreshing.md tells its form; an empty setting leaves it away.",
    )
