"""The counts of a model's unfounded texts: added up, atomic, and without anybody's words."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from knowledge.wording_counts import FILE, WordingCounts, count_wording, read_counts
from tools.commands.doctor import doctor


def test_counts_add_up_by_model(tmp_path: Path) -> None:
    count_wording("a", WordingCounts(texts=1), tmp_path)
    count_wording("a", WordingCounts(1, 1, rewrites=1), tmp_path)
    count_wording("b", WordingCounts(1, 1, fallbacks=1), tmp_path)
    assert read_counts(tmp_path) == {"a": WordingCounts(2, 1, 1, 0), "b": WordingCounts(1, 1, 0, 1)}
    assert set(json.loads((tmp_path / FILE).read_text())["a"]) == {
        "texts",
        "violations",
        "rewrites",
        "fallbacks",
    }


def test_counts_at_once_lose_nothing(tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda n: count_wording("a", WordingCounts(texts=1), tmp_path), range(20)))
    assert read_counts(tmp_path)["a"].texts == 20


@pytest.mark.parametrize(
    "text", ["", "no json", "[1]", '{"a": 1}', '{"a": {"texts": "many"}}', '{"a": {"b": 1}}']
)
def test_a_damaged_file_counts_for_nothing(text: str, tmp_path: Path) -> None:
    (tmp_path / FILE).write_text(text)
    assert read_counts(tmp_path) == {}
    count_wording("a", WordingCounts(texts=1), tmp_path)
    assert read_counts(tmp_path) == {"a": WordingCounts(texts=1)}


def test_a_folder_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    count_wording("a", WordingCounts(texts=1), tmp_path / "file")


def test_doctor_shows_the_rate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLM_ADVISOR_HOME", str(tmp_path))

    def found() -> str:
        return next(str(c["found"]) for c in doctor(offline=True)["checks"] if c["name"] == "wording")

    assert found() == "no model has worded anything yet"
    count_wording("ollama_chat/x", WordingCounts(4, 1, rewrites=1))
    assert "ollama_chat/x: 4 texts checked, 1 held something unfounded (25%), 1 of them rewritten" in found()
