"""`guides index` on the command line."""

from __future__ import annotations

from typing import Any

import pytest

from knowledge.errors import NoAnswerError
from tools.guides.indexing import IndexQuery
from tui.guides import indexing as module
from tui.output import cells

SCORES = {"recall_at_1": 0.8, "recall_at_5": 0.95, "mrr": 0.9, "ndcg_at_10": 0.7}


def row(name: str, *ways: str, built: float | None = 12.0) -> dict[str, Any]:
    return {
        "embedder": name,
        "name": name,
        "role": "new",
        "dimensions": 384,
        "passages": 1234,
        "load_seconds": 5.0,
        "build_seconds": built,
        "scores": [{"way": way, **SCORES} for way in ways],
        "false_answers": 0.071,
        "missed_answers": 0.014,
        "query_ms": 17.8,
        "meaning_in_coverage": built is not None,
    }


def document(*rows: dict[str, Any], line: str | None = None) -> dict[str, Any]:
    setting = None if line is None else {"file": "/home/settings.toml", "line": line}
    return {"queries": 211, "answerable": 141, "embedders": list(rows), "sent": None, "setting": setting}


def test_two_columns_fit_into_80_cells() -> None:
    shown = module._lines(
        document(
            row("all-MiniLM-L6-v2", "hybrid", "words only", "vectors only", built=None),
            row("litellm:ollama/" + "snowflake-" * 5, "hybrid", "reranked", "words only", "vectors only"),
            line='embedder = "x"',
        ),
        False,
    )
    text = "\n".join(shown)
    assert max(map(cells, shown)) <= 80
    assert "was there" in text
    assert "12.0 s" in text
    assert "7.1%" in text
    assert 'embedder = "x"' in text
    assert "has no say in whether" in " ".join(text.split())
    assert [" ".join(line.split()) for line in shown if "recall@1" in line][1] == "recall@1 - 0.800"


def test_control_characters_of_a_name_are_not_shown() -> None:
    text = "\n".join(
        module._lines(document(row("a\x1b[31mb", "hybrid"), line='embedder = "\x1b]0;x"'), False)
    )
    assert "\x1b" not in text


class Asked:
    """Stands for the tool: notes what it was asked."""

    def __init__(self) -> None:
        self.queries: list[IndexQuery] = []

    def __call__(self, query: IndexQuery, *, offline: bool = False) -> dict[str, Any]:
        self.queries.append(query)
        return document(row("e", "hybrid"))


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    tool = Asked()
    monkeypatch.setattr(module, "index_guides", tool)
    monkeypatch.setattr(module, "sending", lambda _: {"provider": "openai", "guides": 9, "own_guides": 2})
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    return tool


def run(monkeypatch: pytest.MonkeyPatch, *words: str, answer: bool | None = None) -> Any:
    def confirm(text: str, err: bool) -> bool:
        assert answer is not None, "it asked"
        return answer

    monkeypatch.setattr("click.confirm", confirm)
    return module.command.main([*words], standalone_mode=False)


def test_own_guides_are_sent_only_after_a_yes(
    asked: Asked, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(NoAnswerError, match="Nothing was sent"):
        run(monkeypatch, answer=False)
    assert asked.queries == []
    assert "sends the text of 9 guides to openai, 2 of them your own" in capsys.readouterr().err
    run(monkeypatch, answer=True)
    assert [query.yes for query in asked.queries] == [True]


def test_yes_is_not_asked_again(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    run(monkeypatch, "--yes")
    assert [query.yes for query in asked.queries] == [True]


def test_a_program_is_not_asked(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    run(monkeypatch, "--json")
    assert [query.yes for query in asked.queries] == [False]


def test_the_help_says_what_leaves_the_machine() -> None:
    words = " ".join((module.command.help or "").split())
    assert "It sends the text of all guides, your own included" in words
    assert "--offline refuses it" in words
