"""`search` with a scripted retriever."""

from __future__ import annotations

from typing import Any

import pytest

from knowledge.errors import UsageError
from knowledge.retrieval import Passage, SearchResult
from tools.commands import search as module
from tools.commands.requests import parse
from tools.commands.search import SearchQuery, search


class FakeRetriever:
    """Answers with one passage, or says that it is not covered."""

    def search(self, query: str, k: int) -> SearchResult:
        passage = Passage("A table.", "Guide", ("Guide", "Part"), "guide.md", (3, 9), 0.5, "2026-11")
        covered = "unknown" not in query
        return SearchResult(query, (passage,) * min(k, 2), covered, None if covered else "By words alone.")


@pytest.fixture(autouse=True)
def _fake(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_retriever", lambda offline: FakeRetriever())


def ask(**values: Any) -> dict[str, Any]:
    return search(parse(SearchQuery, values))


def test_the_document_has_the_keys_of_the_contract() -> None:
    assert ask(query="how much", k=1) == {
        "query": "how much",
        "passages": [
            {
                "text": "A table.",
                "guide": "Guide",
                "heading": ["Guide", "Part"],
                "file": "guide.md",
                "lines": [3, 9],
                "score": 0.5,
                "as_of": "2026-11",
                "origin": "shipped",
                "provenance": None,
                "disagreements": [],
            }
        ],
        "covered": True,
    }


def test_what_the_guides_do_not_answer_is_said() -> None:
    document = ask(query="unknown thing")
    assert document["covered"] is False
    assert document["note"] == "By words alone."


@pytest.mark.parametrize("query", ["", "   ", "?!", "\x00\x1b", "[]"])
def test_a_query_without_a_word_is_refused_before_anything_is_loaded(
    query: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_retriever", lambda offline: pytest.fail("loaded"))
    with pytest.raises(UsageError, match="empty"):
        ask(query=query)


@pytest.mark.parametrize(
    "values", [{"query": "x", "k": 0}, {"query": "x", "k": 51}, {"query": 3}, {"k": 3}], ids=str
)
def test_requests_that_are_off(values: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        ask(**values)


def test_a_very_long_query_is_passed_on() -> None:
    assert ask(query="word " * 20_000)["covered"] is True
