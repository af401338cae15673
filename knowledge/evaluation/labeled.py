"""The labeled queries: what a person may ask, and what a passage must hold to answer it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

QUERIES = Path(__file__).parent / "queries.jsonl"
KINDS = ("exact", "paraphrase", "table", "multi", "unanswerable")


@dataclass(frozen=True, slots=True)
class Labeled:
    """A query with the patterns that a passage must match to answer it; none where nothing answers it."""

    kind: str
    text: str
    must_match: tuple[str, ...]

    def answered_by(self, passage: str) -> bool:
        return bool(self.must_match) and all(re.search(pattern, passage) for pattern in self.must_match)


def load_queries(path: Path = QUERIES) -> tuple[Labeled, ...]:
    """The labeled queries."""
    lines = path.read_text(encoding="utf-8").splitlines()
    records = [json.loads(line) for line in lines if line.strip()]
    return tuple(Labeled(record["kind"], record["query"], tuple(record["must_match"])) for record in records)
