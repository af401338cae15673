"""Leaderboard files: the shipped entries, JSON and CSV, addresses and data sets, and what is hostile."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from knowledge.catalog.benchmarks import board_of
from knowledge.catalog.overlay import EMPTY
from knowledge.catalog.store import bundled_catalog
from knowledge.errors import UsageError
from knowledge.today import today
from tests.fakes.http_server import Reply
from tests.fakes.hub import SHA, FakeHub
from tests.tools.refresh.conftest import FakeFiles, board
from tools.refresh.board_sources import BoardSource, board_sources
from tools.refresh.boards import ask_board
from tools.refresh.found import Gathered

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])
NAME, ID = "Qwen2.5-Coder-7B-Instruct", "Qwen/Qwen2.5-Coder-7B-Instruct"


def row(score: object, **more: Any) -> dict[str, Any]:
    return {"pass@1": {"humaneval+": score}, "prompted": True, **more}


def asked(
    files: FakeFiles, value: object, source: BoardSource | None = None, only: tuple[str, ...] = ()
) -> tuple[list[Any] | None, Gathered]:
    files.put("/board.json", value)
    return ask_board(source or board(f"{files.url}/board.json"), bundled_catalog(), EMPTY, today(), only)


def known() -> tuple[str, str, float]:
    """A name of the board that stands for a model of the catalog, and its bundled score."""
    catalog = bundled_catalog()
    wanted = board("http://x")
    for name, hub_id in catalog.benchmarks.hub_ids.items():
        for result in catalog.benchmarks.for_name(name):
            if result.benchmark == "HumanEval+" and result.source.startswith(wanted.source):
                return name, hub_id, result.score
    raise AssertionError


def test_the_shipped_entries_are_boards_of_the_catalog() -> None:
    benchmarks = bundled_catalog().benchmarks
    boards = {board_of(r) for name in benchmarks.names for r in benchmarks.for_name(name)}
    assert len(board_sources()) == 3
    for source in board_sources():
        for column in source.columns:
            for setting in (source.setting, *source.endings.values()):
                assert f"{column.benchmark}|{setting}|{source.source}" in boards


def test_a_newer_score_takes_the_place_of_the_older_one(files: FakeFiles) -> None:
    name, hub_id, score = known()
    changes, gathered = asked(files, {name: row(score - 2)})
    assert changes is not None
    (change,) = changes
    assert (change.hf_id, change.was, change.as_of) == (hub_id, score, "2027-01-03")
    (told,) = gathered.differences
    assert (told.model, told.before, told.after) == (hub_id, score, pytest.approx(score - 2))
    assert "evalplus" in told.before_source
    assert "@main" in told.after_source


def test_what_is_the_same_not_prompted_or_missing_changes_nothing(files: FakeFiles) -> None:
    name, _, score = known()
    rows = {name: row(score), "Other-7B": row(50, prompted=False), "Third-7B": row(None)}
    changes, gathered = asked(files, rows)
    assert changes == []
    assert not gathered.problems


def test_a_name_that_the_catalog_has_leads_to_its_model(files: FakeFiles) -> None:
    changes, _ = asked(files, {"Qwen3-14B": row(80), "Unheard-Of-9B": row(70)})
    assert changes is not None
    assert {change.model: change.hf_id for change in changes} == {
        "Qwen3-14B": "Qwen/Qwen3-14B",
        "Unheard-Of-9B": "",
    }
    assert all(change.was is None for change in changes)
    few, _ = asked(files, {"Qwen3-14B": row(80), "Unheard-Of-9B": row(70)}, only=("qwen/qwen3-14b",))
    assert few is not None
    assert [change.hf_id for change in few] == ["Qwen/Qwen3-14B"]


@pytest.mark.parametrize("score", [-1, 101, float("nan"), "high", True, [1], 10**400])
def test_scores_that_cannot_be_are_left(files: FakeFiles, score: object) -> None:
    name, _, old = known()
    changes, gathered = asked(files, {name: row(old - 1), "Bad-7B": row(score)})
    assert changes is not None
    assert [change.model for change in changes] == [name]
    assert "1 of its scores cannot be" in gathered.problems[0].text


def test_another_scale_leaves_the_whole_board(files: FakeFiles) -> None:
    name, _, score = known()
    changes, gathered = asked(files, {name: row(score / 100), "Other-7B": row(0.5)})
    assert changes is None
    assert "another scale" in gathered.problems[0].text


def test_a_jump_of_one_model_is_left(files: FakeFiles) -> None:
    catalog = bundled_catalog()
    mine = [
        (name, r.score)
        for name in catalog.benchmarks.names
        for r in catalog.benchmarks.for_name(name)
        if r.benchmark == "HumanEval+" and r.source.startswith("github evalplus/") and r.score > 60
    ][:5]
    rows = {name: row(score) for name, score in mine} | {mine[0][0]: row(mine[0][1] - 45)}
    changes, gathered = asked(files, rows)
    assert changes == []
    assert "is said to have" in gathered.problems[0].text


FILES: dict[str, tuple[Reply, str]] = {
    "a web page": (Reply(b"<html>"), "a web page"),
    "cut off": (Reply(b'{"A": {"pass@1"'), "no JSON"),
    "a list": (Reply(b"[1, 2]"), "another form"),
    "empty": (Reply(b"{}"), "its form has changed"),
    "other columns": (Reply(b'{"A": {"elo": 1}}'), "lacks pass@1"),
    "gone": (Reply(status=404), "no such file"),
}


@pytest.mark.parametrize("case", FILES)
def test_files_that_are_no_board(files: FakeFiles, case: str) -> None:
    files.replies["/board.json"], said = FILES[case]
    changes, gathered = ask_board(board(f"{files.url}/board.json"), bundled_catalog(), EMPTY, today())
    assert changes is None
    (problem,) = gathered.problems
    assert problem.text.startswith("EvalPlus: ")
    assert said in problem.text


CSV = {
    "name": "Calls",
    "format": "csv",
    "model": "Model",
    "where": {},
    "needs": ["Overall Acc"],
    "endings": {" (FC)": "native function calling"},
    "columns": [{"path": ["Overall Acc"], "benchmark": "BFCL v3 overall"}],
    "unit": "percent",
    "setting": "prompted",
    "source": "github ShishirPatil/gorilla data_overall.csv",
}


def test_a_csv_file_with_settings_in_its_names(files: FakeFiles) -> None:
    files.replies["/b.csv"] = Reply(
        "\ufeffRank,Overall Acc,Model\n1,81.5%,New-8B (FC)\n2,N/A,Other-8B\n".encode()
    )
    source = board(f"{files.url}/b.csv", **CSV)
    changes, gathered = ask_board(source, bundled_catalog(), EMPTY, today())
    assert changes is not None
    (change,) = changes
    assert (change.model, change.setting, change.score) == ("New-8B", "native function calling", 81.5)
    assert not gathered.problems
    files.replies["/b.csv"] = Reply(b"\xff\xfe\x00")
    assert ask_board(source, bundled_catalog(), EMPTY, today())[0] is None


def test_a_file_of_a_data_set_is_held_against_its_digest(hub: FakeHub) -> None:
    hub.repositories["me/board"] = {"scores.json": json.dumps({"New-8B": row(70)}).encode()}
    source = board(None, dataset="me/board", file="scores.json")
    changes, _ = ask_board(source, bundled_catalog(), EMPTY, today())
    assert changes is not None
    assert changes[0].source.endswith(f"@{SHA[:12]}")
    hub.digests["me/board", "scores.json"] = {"lfs": {"sha256": "0" * 64}}
    changes, gathered = ask_board(source, bundled_catalog(), EMPTY, today())
    assert changes is None
    assert "not what the hub lists" in gathered.problems[0].text


def test_boards_of_ones_own_come_beside_the_shipped_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "boards.json"
    mine = board("https://example.org/b.json", name="Mine").model_dump(mode="json", exclude_none=True)
    own.write_text(json.dumps({"boards": [mine]}))
    monkeypatch.setenv("LLM_ADVISOR_BOARDS", str(own))
    assert [source.name for source in board_sources()][-1] == "Mine"
    for bad in ("{", '{"boards": [{"name": "x"}]}', "[]"):
        own.write_text(bad)
        with pytest.raises(UsageError, match="setting `boards`"):
            board_sources()
    monkeypatch.setenv("LLM_ADVISOR_BOARDS", str(tmp_path / "missing"))
    with pytest.raises(UsageError, match="cannot be used"):
        board_sources()
    with pytest.raises(ValueError, match="either url"):
        board("https://x", dataset="a/b", file="c")
