"""`accuracy`: its document, its text and its errors."""

from __future__ import annotations

import json

import pytest

from knowledge.errors import UsageError
from tools.commands.accuracy import AccuracyQuery, accuracy


def test_all_parts_or_one() -> None:
    document = accuracy(AccuracyQuery())
    assert document == accuracy(AccuracyQuery(part="speed"))
    assert json.loads(json.dumps(document)) == document
    assert {table["title"] for table in document["parts"]["speed"]} >= {"Generation", "Prompts", "Worst rows"}


def test_unknown_parts_are_refused() -> None:
    with pytest.raises(UsageError, match="no accuracy report on `weather`") as refused:
        accuracy(AccuracyQuery(part="weather"))
    assert refused.value.hint == "There is: speed."
