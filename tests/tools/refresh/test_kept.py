"""What was taken stays where a source says what cannot be, and goes where a newer release overtakes it."""

from __future__ import annotations

from typing import Any

import pytest

from knowledge.catalog.age import facts_of
from knowledge.catalog.overlay import EMPTY, Overlay, load_overlay, write_overlay
from knowledge.catalog.store import forget_added
from knowledge.errors import AdvisorError
from tests.fakes.hub import FakeHub
from tests.tools.refresh.conftest import FakeFiles, board
from tests.tools.refresh.test_board_files import known, row
from tests.tools.refresh.test_hub_rows import COUNT, NAME, publish
from tests.tools.refresh.test_price_rows import KEY, shipped, with_row
from tools.commands.compare import CompareQuery, compare
from tools.commands.refresh import Refresh, RefreshQuery, drop, look, take

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])
NEW = {
    "mode": "chat",
    "litellm_provider": "openai",
    "input_cost_per_token": 1e-6,
    "output_cost_per_token": 2e-6,
}


def again(**query: Any) -> Refresh:
    """Takes what is there now, and looks with what comes after it."""
    forget_added()
    return look(RefreshQuery(**query))


WRONG: dict[str, dict[str, Any]] = {
    "a window of minus one": {"config": {"max_position_embeddings": -1}},
    "a configuration that is none": {"config": b"<html>"},
    "another architecture": {"config": {"model_type": "llama", "max_position_embeddings": 8192}},
}


@pytest.mark.parametrize("case", WRONG)
def test_a_window_that_was_taken_stays(hub: FakeHub, case: str) -> None:
    publish(hub, {"max_position_embeddings": 65536})
    take(look(RefreshQuery(models=(NAME,), only="hub")))
    publish(hub, **WRONG[case])
    found = again(models=(NAME,), only="hub")
    assert found.document["changes"] == []
    assert len(found.document["problems"]) == 1
    assert found.overlay.models == load_overlay().models


def test_another_model_takes_nothing_away_and_is_not_counted_as_asked(hub: FakeHub) -> None:
    publish(hub, {"max_position_embeddings": 65536})
    take(look(RefreshQuery(models=(NAME,), only="hub")))
    hub.cards[NAME]["id"] = "evil/Model"
    found = again(models=(NAME,), only="hub")
    assert (found.document["changes"], found.changed) == ([], False)
    assert found.document["asked"]["hub"]["asked"] == 0


def test_the_configuration_and_count_of_another_model_are_left(hub: FakeHub) -> None:
    other = {"model_type": "llama", "num_hidden_layers": 32, "intermediate_size": 14336, "vocab_size": 128256}
    publish(hub, other, COUNT - 160_000_000, license="mit")
    found = look(RefreshQuery(models=(NAME,), only="hub"))
    assert {one["field"] for one in found.document["changes"]} == {"license", "commercial_condition"}
    (problem,) = found.document["problems"]
    assert "another architecture (llama instead of qwen3)" in problem["message"]


def test_prices_that_were_taken_stay_under_wrong_and_partial_maps(files: FakeFiles) -> None:
    files.put("/map.json", with_row(input_cost_per_token=5e-6) | {"gpt-9": NEW})
    take(look(RefreshQuery(only="prices")))
    kept = load_overlay().prices
    files.put("/map.json", with_row(input_cost_per_token=0) | {"gpt-9": NEW | {"output_cost_per_token": -1}})
    found = again(only="prices")
    assert (found.document["changes"], found.overlay.prices) == ([], kept)
    assert len(found.document["problems"]) == 2
    files.put("/map.json", {"gpt-4o-mini": shipped()["gpt-4o-mini"]})
    found = again(only="prices")
    assert (found.document["changes"], found.overlay.prices) == ([], kept)
    files.put("/map.json", shipped())
    told = {(one["model"], one["from"]) for one in again(only="prices").document["changes"]}
    assert (KEY, 5.0) in told
    assert ("gpt-9", 1.0) in told


def test_a_part_of_a_map_does_not_make_the_prices_new(files: FakeFiles) -> None:
    files.put("/map.json", {KEY: shipped()[KEY] | {"input_cost_per_token": 5e-6}})
    take(look(RefreshQuery(only="prices")))
    assert len(load_overlay().prices) == 1
    assert load_overlay().prices_fetched is None


def test_a_named_model_that_the_map_lacks_is_said(files: FakeFiles) -> None:
    files.put("/map.json", {"gpt-4o-mini": shipped()["gpt-4o-mini"]})
    found = look(RefreshQuery(models=(KEY,)))
    assert found.document["problems"] == [{"part": "prices", "message": f"{KEY}: the map has no such row."}]


def test_a_score_that_was_taken_stays_and_boards_of_one_source_leave_each_other(
    files: FakeFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, _, score = known()
    files.put("/board.json", {name: row(score - 3)})
    files.put("/other.json", {"Somebody-7B": {"pass@1": {"mbpp+": 55.0}, "prompted": True}})
    boards = (
        board(f"{files.url}/board.json"),
        board(
            f"{files.url}/other.json",
            name="Other",
            columns=[{"path": ["pass@1", "mbpp+"], "benchmark": "MBPP+"}],
        ),
    )
    monkeypatch.setattr("tools.commands.refresh.board_sources", lambda: boards)
    take(look(RefreshQuery(only="scores")))
    assert {one.benchmark for one in load_overlay().scores} == {"HumanEval+", "MBPP+"}
    for bad in ("high", -1):
        files.put("/board.json", {name: row(bad), "Third-7B": row(50)})
        found = again(only="scores")
        assert [one["model"] for one in found.document["changes"]] == ["Third-7B"]


def test_differences_are_told_from_what_is_in_use(hub: FakeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    """A row that a newer release has overtaken is not in use: taking it anew is a change that is shown."""
    publish(hub, {"max_position_embeddings": 65536})
    monkeypatch.setenv("LLM_ADVISOR_TODAY", "2020-01-01")
    take(look(RefreshQuery(models=(NAME,), only="hub")))
    monkeypatch.setenv("LLM_ADVISOR_TODAY", "2027-01-03")
    (change,) = again(models=(NAME,), only="hub").document["changes"]
    assert (change["from"], change["to"]) == (40960, 65536)


def test_a_newer_package_beats_an_older_price(files: FakeFiles, monkeypatch: pytest.MonkeyPatch) -> None:
    files.put("/map.json", with_row(input_cost_per_token=5e-6))
    take(look(RefreshQuery(only="prices")))
    from knowledge.catalog import api_models

    bundled = api_models.bundled_price_map()
    assert api_models.standing_prices(load_overlay(), bundled)
    newer = api_models.PriceMap(
        (), "newer", {**bundled.rows, KEY: {**bundled.rows[KEY], "input_cost_per_token": 3e-6}}
    )
    assert api_models.standing_prices(load_overlay(), newer) == []


def test_an_answer_says_what_of_it_is_refreshed(hub: FakeHub, files: FakeFiles) -> None:
    publish(hub, {"max_position_embeddings": 65536}, license="mit")
    files.put("/map.json", with_row(input_cost_per_token=5e-6))
    take(look(RefreshQuery(models=(NAME, KEY))))
    facts = compare(CompareQuery(models=(NAME, KEY)))["facts"]
    assert [one["model"] for one in facts["refreshed"]] == [NAME, KEY]
    assert facts["line"].endswith(
        f"Refreshed, not bundled: {NAME} (license, context length); {KEY} (prices)."
    )
    assert facts_of(["google/gemma-3-12b-it"]).refreshed == ()
    drop()
    assert facts_of([NAME, KEY]).refreshed == ()


def test_two_refreshes_at_once_lose_nothing(hub: FakeHub, files: FakeFiles) -> None:
    publish(hub, {"max_position_embeddings": 65536})
    files.put("/map.json", with_row(input_cost_per_token=5e-6))
    first, second = look(RefreshQuery(models=(NAME,), only="hub")), look(RefreshQuery(only="prices"))
    take(first)
    with pytest.raises(AdvisorError, match="Another refresh was taken meanwhile"):
        take(second)
    assert load_overlay() == first.overlay
    take(again(only="prices"))
    assert load_overlay().models
    assert load_overlay().prices


def test_an_overlay_is_written_over_the_one_that_it_was_made_from_only() -> None:
    one = Overlay(checked={NAME: "2027-01-03"})
    write_overlay(one, EMPTY)
    with pytest.raises(AdvisorError, match="meanwhile"):
        write_overlay(EMPTY, EMPTY)
    write_overlay(EMPTY, one)
    assert load_overlay() == one  # as it was read, until it is read anew
