"""How often each language model says what nothing shows: a small file of counts, without anybody's words."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from knowledge.files import replace_text
from knowledge.home import home

FILE = "wording.json"
MOST_MODELS = 200
LOCK_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class WordingCounts:
    """The texts of one model."""

    texts: int = 0
    """That were held against their evidence."""
    violations: int = 0
    """That held something unfounded, or lost something, at first."""
    rewrites: int = 0
    """That were sound when they were written again."""
    fallbacks: int = 0
    """In whose place the built-in words stood."""

    def plus(self, other: WordingCounts) -> WordingCounts:
        """Both together."""
        return WordingCounts(
            self.texts + other.texts,
            self.violations + other.violations,
            self.rewrites + other.rewrites,
            self.fallbacks + other.fallbacks,
        )


def read_counts(folder: Path | None = None) -> dict[str, WordingCounts]:
    """The counts by model; none where there is no file, or none that can be read."""
    with suppress(OSError, ValueError, TypeError, AttributeError):
        rows: dict[str, Any] = json.loads(_place(folder).read_text(encoding="utf-8"))
        return {
            str(model): replace(WordingCounts(), **{key: int(count) for key, count in row.items()})
            for model, row in rows.items()
        }
    return {}


def count_wording(model: str, counts: WordingCounts, folder: Path | None = None) -> None:
    """Adds to the counts of a model; where the folder cannot be written, nothing is counted."""
    from filelock import FileLock, Timeout

    place = _place(folder)
    with suppress(OSError, Timeout):
        place.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(place.with_suffix(".lock"), timeout=LOCK_SECONDS):
            known = read_counts(folder)
            if model in known or len(known) < MOST_MODELS:
                known[model] = known.get(model, WordingCounts()).plus(counts)
            replace_text(place, json.dumps({name: asdict(row) for name, row in known.items()}, indent=1))


def _place(folder: Path | None) -> Path:
    return (folder or home()) / FILE
