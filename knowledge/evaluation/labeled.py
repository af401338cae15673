"""The labeled queries: what a person may ask, and what a passage must hold to answer it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

QUERIES = Path(__file__).parent / "queries.jsonl"
KINDS = ("exact", "paraphrase", "table", "multi", "unanswerable")


@dataclass(frozen=True, slots=True)
class Labeled:
    """A query with what answers it."""

    kind: str
    text: str
    parts: tuple[tuple[str, ...], ...]
    """Patterns that one passage must match; several parts where the answer stands in several passages, none
    where nothing answers the query."""

    def answered_by(self, passage: str) -> tuple[int, ...]:
        """Numbers of the parts that a passage holds."""
        return tuple(
            number
            for number, patterns in enumerate(self.parts)
            if all(re.search(pattern, passage) for pattern in patterns)
        )


def load_queries(path: Path = QUERIES) -> tuple[Labeled, ...]:
    """The labeled queries."""
    lines = path.read_text(encoding="utf-8").splitlines()
    records = [json.loads(line) for line in lines if line.strip()]
    return tuple(Labeled(record["kind"], record["query"], _parts(record)) for record in records)


def _parts(record: Mapping[str, Any]) -> tuple[tuple[str, ...], ...]:
    parts = record["parts"] if "parts" in record else [record["must_match"]]
    return tuple(tuple(patterns) for patterns in parts if patterns)
