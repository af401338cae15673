"""What a refresh found: rows to take, what changes by them, and what was left aside."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from knowledge.errors import AdvisorError, ServiceError, UsageError
from tools.bounded import BUSY

Part = Literal["hub", "prices", "scores"]
PARTS: tuple[Part, ...] = ("hub", "prices", "scores")


@dataclass(frozen=True, slots=True)
class Difference:
    """One value that would change."""

    part: Part
    model: str
    field: str
    before: Any
    """The value in use; None where it is not known."""
    after: Any
    before_source: str
    after_source: str

    def as_json(self) -> dict[str, Any]:
        """The object of the document."""
        return {
            "part": self.part,
            "model": self.model,
            "field": self.field,
            "from": self.before,
            "to": self.after,
            "from_source": self.before_source,
            "to_source": self.after_source,
        }


@dataclass(frozen=True, slots=True)
class Problem:
    """One sentence on what was not taken, and stays as it is."""

    part: Part
    text: str
    service: bool = False
    """Whether a server could not be asked, rather than said something that cannot be."""

    @classmethod
    def of(cls, part: Part, error: AdvisorError, what: str) -> Problem:
        """An error in a sentence that begins with `what`; of a server that is busy also when to try again."""
        message = error.message
        if not message.startswith(("HF_", "`")):
            message = message[:1].lower() + message[1:]
        when = f" {error.hint}" if error.code == BUSY else ""
        return cls(part, f"{what}{message}{when}", isinstance(error, ServiceError | UsageError))


@dataclass(frozen=True, slots=True)
class Left:
    """What a hub says of some fields of a model that cannot be, in words."""

    fields: tuple[str, ...]
    text: str


@dataclass(slots=True)
class Gathered:
    """What one part brought."""

    differences: list[Difference] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    asked: int = 0
    """Models that were asked for, rows of the map, or files that were read."""
    of: int = 0
    """Out of so many."""
    whole: bool = True
    """Whether it is enough of its source to call the facts as new as today."""
