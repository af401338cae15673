"""`models refresh` as a whole: what differs, what is taken, what stays, and what answers make of it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from knowledge.catalog.overlay import EMPTY, load_overlay, overlay_path
from knowledge.catalog.store import bundled_catalog, forget_added, load_catalog
from knowledge.errors import AdvisorError, NoAnswerError, ServiceError, UsageError
from tests.fakes.hub import FakeHub
from tests.tools.refresh.conftest import FakeFiles, _state, files, hub
from tests.tools.refresh.test_board_files import known, row
from tests.tools.refresh.test_hub_rows import NAME, publish
from tests.tools.refresh.test_price_rows import KEY, with_row
from tools.candidates import QualityFigure
from tools.commands.benchmarks import BenchmarksQuery, benchmarks
from tools.commands.catalog import ModelQuery, show_model
from tools.commands.doctor import doctor
from tools.commands.refresh import RefreshQuery, drop, look, take
from tools.expected import Expected, _found, _table, expected_of
from tools.expected_anew import FILE, refreshed_rows
from tools.quality import quality_of

__all__ = ["_state", "files", "hub"]
pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])


@pytest.fixture
def world(hub: FakeHub, files: FakeFiles) -> tuple[FakeHub, FakeFiles]:
    """A hub with one changed model, a price map with one changed row, a board with one changed score."""
    publish(hub, {"max_position_embeddings": 65536})
    files.put("/map.json", with_row(input_cost_per_token=5e-6))
    name, _, score = known()
    files.put("/board.json", {name: row(score - 3)})
    return hub, files


def parts(document: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    return {
        part: [one for one in document["changes"] if one["part"] == part]
        for part in ("hub", "prices", "scores")
    }


def test_the_difference_is_shown_before_anything_is_taken(
    world: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tools.refresh.hub.MOST", 3)
    found = look(RefreshQuery())
    told = parts(found.document)
    assert found.document["taken"] is False
    assert {part: len(rows) for part, rows in told.items()} == {"hub": 0, "prices": 1, "scores": 1}
    assert load_overlay() == EMPTY
    assert all(one["from_source"] and one["to_source"] for one in found.document["changes"])


def test_what_is_taken_is_in_every_answer_and_the_bundled_value_beside_it(world: object) -> None:
    _, board_id, score = known()
    queries = ("hub", "prices", "scores")
    for part in queries:
        names = (NAME,) if part == "hub" else ()
        assert take(look(RefreshQuery(models=names, only=part)))["taken"]
    shown = show_model(ModelQuery(model=NAME))
    assert shown["context_length"] == 65536
    (change,) = shown["refreshed"]["changes"]
    assert (change["was"], shown["refreshed"]["fetched"]) == (40960, "2027-01-03")
    assert shown["facts"]["catalog"] == "2027-01-03"
    sold = show_model(ModelQuery(model=KEY))
    assert sold["input_usd_per_mtok"] == 5.0
    assert sold["refreshed"]["changes"][0]["was"] == 2.5
    rows = benchmarks(BenchmarksQuery(model=board_id))["results"]
    assert [r["score"] for r in rows if r["as_of"] == "2027-01-03"] == [pytest.approx(score - 3)]
    facts = next(check for check in doctor(offline=True)["checks"] if check["name"] == "facts")
    assert "refreshed on 2027-01-03: 1 models asked, 1 changed, 1 prices, 1 scores" in facts["found"]


def shipped(model_id: str, task: str) -> Expected:
    found = _found(_table(), "models", model_id, task)
    assert found is not None
    return found


def test_expectations_of_touched_models_are_computed_anew(
    world: tuple[FakeHub, FakeFiles], monkeypatch: pytest.MonkeyPatch
) -> None:
    name, board_id, score = known()
    model, other = load_catalog().by_id[board_id.lower()].id, "meta-llama/Llama-3.1-8B-Instruct"
    world[1].put("/board.json", {name: row(score - 30)})
    take(look(RefreshQuery(only="scores")))
    figure = quality_of(model, "code")
    assert abs(figure.score - shipped(model, "code").score) > 0.1
    assert expected_of(other, "chat") == shipped(other, "chat")

    def kept_only(*_: object) -> QualityFigure:
        raise AssertionError("computed though it was kept")

    forget_added()
    with monkeypatch.context() as patch:
        patch.setattr("tools.expected.quality_of", kept_only)
        assert expected_of(model, "code").score == pytest.approx(figure.score, abs=0.001)
    path = overlay_path().with_name(FILE)
    for damage in (b"", b"[]", path.read_bytes().replace(b'"key":"', b'"key":"x'), path.read_bytes()[:-9]):
        path.write_bytes(damage)
        forget_added()
        assert expected_of(model, "code").score == figure.score
    drop()
    assert not path.exists()
    assert expected_of(model, "code") == shipped(model, "code")


def test_a_license_touches_no_expectation(world: tuple[FakeHub, FakeFiles]) -> None:
    publish(world[0], license="mit")
    take(look(RefreshQuery(models=(NAME,), only="hub")))
    assert not refreshed_rows().touched["models"]
    assert not overlay_path().with_name(FILE).exists()


def test_taking_again_finds_nothing_and_dropping_brings_the_bundled_back(world: object) -> None:
    take(look(RefreshQuery(models=(NAME,), only="hub")))
    again = look(RefreshQuery(models=(NAME,), only="hub"))
    assert (again.document["count"], again.changed) == (0, False)
    assert drop() == {"dropped": True, "models": 1, "prices": 0, "scores": 0}
    assert load_catalog() is bundled_catalog()
    assert drop()["dropped"] is False


def test_a_hub_that_goes_back_takes_the_change_away(world: tuple[FakeHub, FakeFiles]) -> None:
    take(look(RefreshQuery(models=(NAME,), only="hub")))
    publish(world[0])
    found = look(RefreshQuery(models=(NAME,), only="hub"))
    (change,) = found.document["changes"]
    assert (change["from"], change["to"]) == (65536, 40960)
    take(found)
    assert load_catalog().by_id[NAME.lower()].context_length == 40960
    assert load_overlay().checked == {NAME: "2027-01-03"}


def test_a_part_that_fails_leaves_its_old_rows_and_the_others_are_taken(
    world: tuple[FakeHub, FakeFiles], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tools.refresh.hub.MOST", 1)
    take(look(RefreshQuery(only="prices")))
    hub, files = world
    files.put("/map.json", ["no", "map"])
    hub.status = 500
    found = look(RefreshQuery())
    assert len(found.document["problems"]) == 2
    take(found)
    assert [one.key for one in load_overlay().prices] == [KEY]
    assert len(load_overlay().scores) == 1


def test_an_answer_that_nobody_foresaw_is_one_sentence(
    world: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("secret-word")

    monkeypatch.setattr("tools.commands.refresh.ask_prices", broken)
    found = look(RefreshQuery(only="prices"))
    assert found.document["problems"] == [
        {"part": "prices", "message": "The answer cannot be read (ZeroDivisionError)."}
    ]
    assert not found.changed


def test_an_interruption_leaves_the_old_overlay(world: object, monkeypatch: pytest.MonkeyPatch) -> None:
    take(look(RefreshQuery(only="prices")))
    old = load_overlay()

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("tools.commands.refresh.ask_board", interrupted)
    with pytest.raises(KeyboardInterrupt):
        look(RefreshQuery(models=(NAME,)))
    assert load_overlay() == old


def test_days_count_only_where_the_whole_was_asked_for(world: object) -> None:
    take(look(RefreshQuery(models=(KEY,))))
    assert load_overlay().prices_fetched is None
    assert show_model(ModelQuery(model=KEY))["input_usd_per_mtok"] == 5.0
    take(look(RefreshQuery(only="prices")))
    assert load_overlay().prices_fetched == "2027-01-03"


def test_what_is_refused(world: tuple[FakeHub, FakeFiles]) -> None:
    with pytest.raises(UsageError, match="--offline"):
        look(RefreshQuery(), offline=True)
    with pytest.raises(NoAnswerError):
        look(RefreshQuery(models=("no such model 99b",)))
    with pytest.raises(UsageError, match="models of the hub"):
        look(RefreshQuery(models=(NAME,), only="prices"))
    with pytest.raises(UsageError, match="behind an API"):
        look(RefreshQuery(models=(KEY,), only="hub"))
    hub, files = world
    assert not hub.asked
    assert not files.asked
    hub.status = 503
    with pytest.raises(ServiceError, match="Nothing could be refreshed"):
        look(RefreshQuery(models=(NAME,), only="hub"))


def test_a_state_folder_that_cannot_be_written(world: object, monkeypatch: pytest.MonkeyPatch) -> None:
    found = look(RefreshQuery(only="prices"))

    def refused(*_: object, **__: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr("knowledge.catalog.overlay.replace_text", refused)
    with pytest.raises(AdvisorError, match="Read-only"):
        take(found)


def test_the_document_is_json(world: object) -> None:
    json.dumps(look(RefreshQuery(models=(NAME, KEY))).document, allow_nan=False)
